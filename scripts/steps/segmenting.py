"""From ECGs and a segmenter to tables of intervals and waves."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from vqecg.evaluation.waves.delineation import interval_table, lead_waves
from vqecg.evaluation.waves.segmenter import WaveSegmenter
from vqecg.records.bounds import Checked, Hertz
from vqecg.records.datasets.registry import AUTO, SourceName, read_record, read_table
from vqecg.records.files.atomic import atomic_file, check_file
from vqecg.records.leads import independent_leads
from vqecg.records.store.record_store import RecordStore, is_store
from vqecg.reports.ecg_paper import save_figure
from vqecg.reports.wave_plot import plot_waves
from vqecg.scripts.cli.stage import alone

CHUNK = 64  # records of a store at a time
TABLE_ENDINGS = (".csv", ".parquet")


@dataclass(frozen=True)
class SegmentingStep(Checked):
    """The recordings, the segmenter, and the files to write."""

    data: Path  # folder of ECGs, real or synthetic, or a store of `vqecg prepare`
    segmenter: Path  # folder that `vqecg train-segmenter` wrote
    out: Path  # file to write, .csv or .parquet: rate, rhythm, intervals and axis, one row per record
    waves: Path | None = None  # file to write, .csv or .parquet: every wave of every lead, times in s
    plot: Path | None = None  # file to write, .svg or .png: one recording with its waves shaded
    record: str = ""  # record_id of the recording that --plot draws; the first one if not given
    sampling_rate: Hertz = 100  # Hz, the least that is read where a set has several rates
    source: SourceName = AUTO
    ignore_checksums: bool = False  # take records whose first values or checksums are not those of their headers
    overwrite: bool = False  # replace the files that are written


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some recordings of equal length and rate."""

    record_ids: list[str]
    signals: np.ndarray  # (records, 8, samples) float32 mV
    sampling_rate: float  # Hz


@alone
def segment(step: SegmentingStep) -> str:
    """Writes the tables and the plot. Returns how many records they are of, and how many are left out."""
    for path in filter(None, (step.out, step.waves)):
        if path.suffix not in TABLE_ENDINGS:
            raise ValueError(
                f"cannot write a table as {path.name!r}: the name must end in {' or '.join(TABLE_ENDINGS)}"
            )
    for path in filter(None, (step.out, step.waves, step.plot)):
        check_file(path, step.overwrite)
    segmenter = WaveSegmenter.from_pretrained(step.segmenter)
    rate, rejected = segmenter.config.sampling_rate, list[str]()
    intervals, waves, drawn = [], [], False
    for chunk in tqdm(chunks(step, rejected), desc="segmenting", unit="chunk", delay=2):
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
    missing = f"\n{len(rejected):,} records are left out; the first: {rejected[0]}" if rejected else ""
    return f"intervals of {sum(map(len, intervals)):,} records are in {step.out}{missing}"


def chunks(step: SegmentingStep, rejected: list[str]) -> Iterator[Chunk]:
    """The recordings of a store or a data set; those that cannot be used are named in `rejected`, with the reason."""
    if is_store(step.data):
        store = RecordStore.open(step.data)
        ids = store.table["record_id"].tolist()
        for start in range(0, len(store), CHUNK):
            rows = slice(start, start + CHUNK)
            yield Chunk(ids[rows], store.signals(rows), store.spec.sampling_rate)
        return
    for row in read_table(step.data, step.sampling_rate, step.source).records.itertuples(index=False):
        try:
            record = read_record(row, step.ignore_checksums)
            signal = independent_leads(record.signal, record.leads)
            if not np.isfinite(signal).all():
                raise ValueError("samples that are not finite")
        except ValueError as error:
            rejected.append(f"{row.record_id}: {error}")
            continue
        yield Chunk([record.record_id], signal[None], record.sampling_rate)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Writes a table as .csv or .parquet, whole or not at all."""
    with atomic_file(path) as aside:
        if path.suffix == ".csv":
            table.to_csv(aside, index=False)
        else:
            table.to_parquet(aside, index=False)
