"""From recordings with gaps, or to be continued, to recordings in which something stands there."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vqecg.downstream.tasks.infilling.filling import Gap, Opened, bridged, fill, find_gaps, opened, without_gaps
from vqecg.downstream.tasks.infilling.registry import FILLERS
from vqecg.prior.generator import ECGGenerator
from vqecg.records.bounds import Count, Seconds, SecondsOrNone, Seed
from vqecg.records.ecg_paper import figure_png
from vqecg.records.export.record_folder import file_name, holds_records
from vqecg.records.export.wfdb_writing import check_microvolts, to_microvolts, write_files
from vqecg.records.files.atomic import atomic_folder, check_destination, write_text
from vqecg.records.files.checksums import write_checksums
from vqecg.records.files.progress import Progress
from vqecg.records.registry import Choices
from vqecg.records.store.preprocessing import resample
from vqecg.reports.fan_plot import plot_fan
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.recordings import RecordingSource, chunks, left_out
from vqecg.scripts.cli.stage import alone

BATCH = 8  # recordings that are filled together
PLOTTED = 3  # recordings that are drawn
TABLE = "filled.csv"  # which samples of which file are not recorded


@dataclass(frozen=True, kw_only=True)
class FillingStep(RecordingSource):
    """The recordings, the generator, and how gaps are filled."""

    generator: Path  # folder that `vqecg train-prior` wrote
    out: Path  # folder of the WFDB records, one for each draw, and of pictures of the first recordings
    method: Annotated[str, Choices("what fills a gap", lambda: FILLERS.listing())] = "prior"
    draws: Count = 1  # records written for each recording, each with another filling
    seed: Seed = 0  # of what is drawn
    overwrite: bool = False  # replace earlier records in --out


@dataclass(frozen=True, kw_only=True)
class InfillingStep(FillingStep):
    """The gaps: unknown samples, or one stretch that is blanked in every recording."""

    start: SecondsOrNone = 0.0  # s, where a stretch to blank begins; with --stop
    stop: SecondsOrNone = 0.0  # s, where it ends; 0 = fill only what is unknown


@dataclass(frozen=True, kw_only=True)
class ForecastingStep(FillingStep):
    """The length of what is continued."""

    seconds: Seconds = 2.0  # s after the end of a recording


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording at its own rate, and as the generator sees it."""

    record_id: str
    signal: np.ndarray  # (8, samples) float32 mV, NaN in the gaps
    sampling_rate: float  # Hz
    gaps: list[Gap]  # of `signal`
    opened: Opened  # at the generator's rate


@alone
def infill(step: InfillingStep) -> Outcome:
    """Writes recordings without gaps. Returns how many.

    Raises ValueError where the stretch to blank is none, and where no recording can be filled.
    """
    if not step.stop and step.start:
        raise ValueError(f"--start {step.start:g} without --stop; expected both, or neither")
    if step.stop and step.stop <= step.start:
        raise ValueError(f"--start {step.start:g} and --stop {step.stop:g}: the gap must begin before it ends")
    return write_filled(step, lambda signal, rate: blanked(signal, rate, step.start, step.stop))


@alone
def forecast(step: ForecastingStep) -> Outcome:
    """Writes recordings with some seconds after their end. Returns how many.

    Raises ValueError where no recording can be continued.
    """
    return write_filled(step, lambda signal, rate: continued(signal, rate, step.seconds))


def blanked(signal: np.ndarray, sampling_rate: float, start: float, stop: float) -> np.ndarray:
    """The recording (8, samples) with NaN from `start` to `stop` s. Raises ValueError for one that ends before."""
    if not stop:
        return signal
    if stop * sampling_rate > signal.shape[1]:
        raise ValueError(f"{signal.shape[1] / sampling_rate:g} s long, expected {stop:g} s or more to blank")
    without = signal.copy()
    without[:, round(start * sampling_rate) : round(stop * sampling_rate)] = np.nan
    return without


def continued(signal: np.ndarray, sampling_rate: float, seconds: float) -> np.ndarray:
    """The recording (8, samples) with so many seconds of NaN after it. Raises ValueError for one with gaps before."""
    if not np.isfinite(signal).all():
        raise ValueError("there are gaps in it: fill them first, by `vqecg infill`")
    return np.pad(signal, ((0, 0), (0, round(seconds * sampling_rate))), constant_values=np.nan)


def write_filled(step: FillingStep, blank: Callable[[np.ndarray, float], np.ndarray]) -> Outcome:
    """Writes a record for each draw of each recording. Returns how many, and who was left out."""
    FILLERS.get(step.method)
    check_destination(step.out, holds_records, step.overwrite)
    generator, rejected = ECGGenerator.from_pretrained(step.generator), list[str]()
    names, pictures, rows = set[str](), set[str](), list[tuple[str, str, int, float, float]]()
    with atomic_folder(step.out, holds_records, step.overwrite) as partial:
        for batch in batches(recordings(step, generator, blank, rejected)):
            filled = fill(generator, [one.opened for one in batch], step.method, step.draws)
            for one, parts in zip(batch, filled, strict=True):
                for draw in range(step.draws):
                    name = file_name(one.record_id if step.draws == 1 else f"{one.record_id}-{draw + 1}", names)
                    microvolts = check_microvolts(name, to_microvolts(as_recorded(one, parts, draw)))
                    write_files(partial, name, microvolts, one.sampling_rate, comments_of(one, step, draw + 1))
                    rows += [(name, one.record_id, draw + 1, *seconds(gap, one)) for gap in one.gaps]
                if len(pictures) < PLOTTED:
                    picture = figure_png(fan_of(one, parts, step.method, generator.samples))
                    (partial / f"{file_name(one.record_id, pictures)}.png").write_bytes(picture)
        if not rows:
            raise ValueError(f"no record of {step.data} could be filled{left_out(rejected)}")
        table = pd.DataFrame(rows, columns=["file", "record_id", "draw", "start_s", "stop_s"])
        write_text(partial / TABLE, table.to_csv(index=False))
        write_checksums(partial)
    count, times = table["record_id"].nunique(), "once" if step.draws == 1 else f"{step.draws} times"
    return Outcome(
        {"out": step.out, "recordings": count, "draws": step.draws, "left_out": rejected},
        f"{step.out}: {count:,} recordings, filled {times} each; {TABLE} says where; labels, age and sex were left out"
        f"{left_out(rejected)}",
    )


def recordings(
    step: FillingStep,
    generator: ECGGenerator,
    blank: Callable[[np.ndarray, float], np.ndarray],
    rejected: list[str],
) -> Iterator[Recording]:
    """The recordings that have something to fill; the others are named in `rejected`."""
    rate = generator.tokenizer.config.sampling_rate
    for chunk in chunks(step, rate, rejected, gaps=True):
        for record_id, known in zip(chunk.record_ids, chunk.signals, strict=True):
            try:
                signal = blank(known, chunk.sampling_rate)
                gaps = find_gaps(signal)
                if not gaps:
                    raise ValueError("no sample is unknown, nothing to fill; --start and --stop blank a stretch")
                check_microvolts(record_id, to_microvolts(bridged(signal)))
                seed = [step.seed, zlib.crc32(record_id.encode())]  # a recording is filled alike in any company
                at_rate = opened(generator, resampled(signal, gaps, chunk.sampling_rate, rate), seed)
            except ValueError as error:
                rejected.append(f"{record_id}: {error}")
                continue
            yield Recording(record_id, signal, chunk.sampling_rate, gaps, at_rate)


def batches(found: Iterator[Recording]) -> Iterator[list[Recording]]:
    """Recordings, BATCH at a time."""
    waiting = list[Recording]()
    for one in Progress(found, description="filling", unit="record"):
        waiting.append(one)
        if len(waiting) == BATCH:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def resampled(signal: np.ndarray, gaps: Sequence[Gap], recorded: float, sampling_rate: int) -> np.ndarray:
    """A recording (8, samples) at another rate, NaN wherever a gap reaches."""
    if recorded == sampling_rate:
        return signal
    changed = resample(bridged(signal), recorded, sampling_rate)
    for gap in gaps:
        first, end = (place * sampling_rate / recorded for place in (gap.start, gap.stop))
        changed[:, int(np.floor(first)) : int(np.ceil(end))] = np.nan
    return changed


def as_recorded(one: Recording, parts: Sequence[np.ndarray], draw: int) -> np.ndarray:
    """A draw of a recording at its own rate (8, samples) mV, its known samples as they are."""
    filled = without_gaps(one.opened.signal, one.opened.gaps, parts, draw)
    if filled.shape == one.signal.shape:
        return filled
    back = resample(filled, one.opened.sampling_rate, one.sampling_rate)
    return without_gaps(one.signal, one.gaps, [back[None, :, gap.start : gap.stop] for gap in one.gaps], 0)


def fan_of(one: Recording, parts: Sequence[np.ndarray], method: str, samples: int) -> Figure:
    """A picture of so many samples about the first gap, at the generator's rate."""
    gap, signal = one.opened.gaps[0], one.opened.signal
    first = int(np.clip((gap.start + gap.stop - samples) // 2, 0, signal.shape[1] - samples))
    rows = slice(first, first + samples)
    draws = np.stack([without_gaps(signal, one.opened.gaps, parts, draw)[:, rows] for draw in range(len(parts[0]))])
    inside = [
        Gap(max(0, other.start - first), min(samples, other.stop - first))
        for other in one.opened.gaps
        if other.start < rows.stop and other.stop > first
    ]
    return plot_fan(draws, inside, one.opened.sampling_rate, f"record {one.record_id}, {method}", first)


def seconds(gap: Gap, one: Recording) -> tuple[float, float]:
    """The beginning and the end of a gap, s."""
    return round(gap.start / one.sampling_rate, 6), round(gap.stop / one.sampling_rate, 6)


def comments_of(one: Recording, step: FillingStep, draw: int) -> list[str]:
    """Lines for the header of a WFDB record; no diagnosis, which the filling does not know."""
    where = "; ".join("{:g} to {:g} s".format(*seconds(gap, one)) for gap in one.gaps)
    return [
        f"# record {one.record_id!r}, filled by vqecg at {where}: not recorded there",
        f"# {step.method}, draw {draw} of {step.draws}, seed {step.seed}",
    ]
