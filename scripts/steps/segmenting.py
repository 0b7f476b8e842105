"""From ECGs and a segmenter to tables of intervals and waves."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from vqecg.evaluation.waves.code_segmenter import load_segmenter
from vqecg.evaluation.waves.delineation import interval_table, lead_waves
from vqecg.records.bounds import Hertz
from vqecg.records.ecg_paper import save_figure
from vqecg.records.files.atomic import check_file
from vqecg.records.files.progress import Progress
from vqecg.records.files.table_file import check_table_name, write_table
from vqecg.reports.wave_plot import plot_waves
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.recordings import RecordingSource, chunks, left_out
from vqecg.scripts.cli.stage import alone


@dataclass(frozen=True, kw_only=True)
class SegmentingStep(RecordingSource):
    """The recordings, the segmenter, and the files to write."""

    segmenter: Path  # folder that `vqecg train-segmenter` wrote
    out: Path  # file to write, .csv or .parquet: rate, rhythm, intervals and axis, one row per record
    waves: Path | None = None  # file to write, .csv or .parquet: every wave of every lead, times in s
    sampling_rate: Hertz = 100  # Hz, the least that is read where a set has several rates
    plot: Path | None = None  # file to write, .svg or .png: one recording with its waves shaded
    record: str = ""  # record_id of the recording that --plot draws; the first one if not given
    overwrite: bool = False  # replace the files that are written


@alone
def segment(step: SegmentingStep) -> Outcome:
    """Writes the tables and the plot. Returns how many records they are of, and how many are left out."""
    for path in filter(None, (step.out, step.waves)):
        check_table_name(path)
    for path in filter(None, (step.out, step.waves, step.plot)):
        check_file(path, step.overwrite)
    segmenter = load_segmenter(step.segmenter)
    rate, rejected = segmenter.config.sampling_rate, list[str]()
    intervals, waves, drawn = [], [], False
    for chunk in Progress(chunks(step, step.sampling_rate, rejected), description="segmenting", unit="chunk"):
        signals = segmenter.resampled(chunk.signals, chunk.sampling_rate)
        table = interval_table(segmenter, [signals], rate)
        table.insert(0, "record_id", chunk.record_ids)
        intervals.append(table)
        wanted = step.record or chunk.record_ids[0]
        draw = step.plot is not None and not drawn and wanted in chunk.record_ids
        if step.waves is None and not draw:
            continue
        classes = segmenter.segment(signals, rate)
        for record_id, signal, wave_classes in zip(chunk.record_ids, signals, classes, strict=True):
            if step.waves is not None:
                waves.append(lead_waves(signal, wave_classes, rate).assign(record_id=record_id))
            if step.plot is not None and draw and record_id == wanted:
                save_figure(plot_waves(signal, wave_classes, rate, record_id), step.plot)
                drawn = True
    if not intervals:
        raise ValueError(f"no record of {step.data} could be segmented; the first: {rejected[0]}")
    if step.plot is not None and not drawn:
        raise ValueError(f"no record {step.record!r} in {step.data} that could be segmented")
    write_table(pd.concat(intervals, ignore_index=True), step.out)
    if step.waves is not None:
        columns = ["record_id", "lead", "wave", "onset", "peak", "offset"]
        write_table(pd.concat(waves, ignore_index=True)[columns], step.waves)
    records = sum(map(len, intervals))
    text = f"intervals of {records:,} records are in {step.out}{left_out(rejected)}"
    return Outcome({"out": step.out, "records": records, "left_out": rejected}, text)
