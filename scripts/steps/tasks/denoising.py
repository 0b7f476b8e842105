"""From noisy recordings to recordings without noise, and a table of how much was removed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import scipy

from vqecg.downstream.tasks.denoising.denoising import check_denoises, denoise
from vqecg.downstream.tasks.denoising.registry import DENOISERS
from vqecg.records.ecg_paper import figure_png, plot_ecg
from vqecg.records.export.record_folder import file_name, holds_records
from vqecg.records.export.wfdb_writing import check_microvolts, to_microvolts, write_files
from vqecg.records.files.atomic import atomic_folder, check_destination, write_text
from vqecg.records.files.checksums import write_checksums
from vqecg.records.files.progress import Progress
from vqecg.records.registry import Choices
from vqecg.records.store.preprocessing import resample
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.recordings import RecordingSource, chunks, left_out
from vqecg.scripts.cli.stage import alone
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint

PLOTTED = 3  # recordings that are drawn
TABLE = "removed.csv"
SLOWEST = 1.0  # s of a moving mean, slower than which what was removed counts as wander
MICROVOLTS = 1000.0  # in a mV
NAMES = ("recorded", "without noise")  # of the two lines of a picture


@dataclass(frozen=True, kw_only=True)
class DenoisingStep(RecordingSource):
    """The recordings, the tokenizer, and how noise is removed."""

    tokenizer: Path  # folder that `vqecg train-tokenizer` wrote, with --training.model.noise-share above 0
    out: Path  # folder of the WFDB records, and of pictures of the first recordings
    method: Annotated[str, Choices("what removes noise", lambda: DENOISERS.listing())] = "codes"
    overwrite: bool = False  # replace earlier records in --out


@dataclass(frozen=True, eq=False)
class Denoised:
    """A recording at the tokenizer's rate, as it came and without noise."""

    record_id: str
    signal: np.ndarray  # (8, samples) float32 mV
    cleaned: np.ndarray  # (8, samples) float32 mV
    recorded_rate: float  # Hz, before it was brought to that rate


@alone
def denoise_recordings(step: DenoisingStep) -> Outcome:
    """Writes the records. Returns how many, and how much was removed from most.

    Raises ValueError for a tokenizer that does not denoise, and where no recording can be used.
    """
    DENOISERS.get(step.method)
    check_destination(step.out, holds_records, step.overwrite)
    tokenizer, rejected = ECGTokenizer.from_pretrained(step.tokenizer).eval(), list[str]()
    check_denoises(tokenizer)
    rate, mark = tokenizer.config.sampling_rate, fingerprint(tokenizer)
    names, pictures, rows = set[str](), set[str](), list[tuple[str, str, float, float]]()
    with atomic_folder(step.out, holds_records, step.overwrite) as partial:
        for one in Progress(denoised(step, tokenizer, rejected), description="denoising", unit="record"):
            name = file_name(one.record_id, names)
            write_files(partial, name, to_microvolts(one.cleaned), rate, comments_of(one, step.method, mark))
            rows.append((name, one.record_id, *removed(one, rate)))
            if len(pictures) < PLOTTED:
                title = f"record {one.record_id}: noise removed by vqecg ({step.method}), not as it was recorded"
                picture = figure_png(plot_ecg(one.signal, rate, title, one.cleaned, NAMES))
                (partial / f"{file_name(one.record_id, pictures)}.png").write_bytes(picture)
        if not rows:
            raise ValueError(f"no record of {step.data} could be used{left_out(rejected)}")
        table = pd.DataFrame(rows, columns=["file", "record_id", "wander_microvolt", "noise_microvolt"])
        write_text(partial / TABLE, table.to_csv(index=False))
        write_checksums(partial)
    wander, noise = table["wander_microvolt"].median(), table["noise_microvolt"].median()
    figures = {
        "out": step.out,
        "recordings": len(table),
        "sampling_rate": rate,
        "median_wander_microvolt": wander,
        "median_noise_microvolt": noise,
        "left_out": rejected,
    }
    return Outcome(
        figures,
        f"{step.out}: {len(table):,} recordings at {rate} Hz; removed from the median one: {wander:.0f} microvolt RMS "
        f"of wander, {noise:.0f} of faster noise ({TABLE} has all); labels, age and sex were left out"
        f"{left_out(rejected)}",
    )


def denoised(step: DenoisingStep, tokenizer: ECGTokenizer, rejected: list[str]) -> Iterator[Denoised]:
    """The recordings without noise, one at a time; those that cannot be used are named in `rejected`."""
    rate = tokenizer.config.sampling_rate
    for chunk in chunks(step, rate, rejected):
        signals = resample(chunk.signals, chunk.sampling_rate, rate)
        for record_id, signal in zip(chunk.record_ids, signals, strict=True):
            try:
                cleaned = denoise(tokenizer, signal, step.method)
                check_microvolts(record_id, to_microvolts(cleaned))
            except ValueError as error:
                rejected.append(f"{record_id}: {error}")
                continue
            yield Denoised(record_id, signal, cleaned, chunk.sampling_rate)


def removed(one: Denoised, sampling_rate: int) -> tuple[float, float]:
    """RMS over all leads of what was removed, slow and fast, microvolt."""
    difference = MICROVOLTS * (one.signal - one.cleaned).astype(np.float64)
    slow = scipy.ndimage.uniform_filter1d(difference, round(SLOWEST * sampling_rate), axis=1, mode="nearest")
    return rms(slow), rms(difference - slow)


def rms(values: np.ndarray) -> float:
    """The root of the mean square."""
    return float(np.sqrt(np.square(values).mean()))


def comments_of(one: Denoised, method: str, mark: str) -> list[str]:
    """Lines for the header of a WFDB record; no diagnosis, which was not read."""
    return [
        f"# record {one.record_id!r}, recorded at {one.recorded_rate:g} Hz",
        f"# noise removed by vqecg ({method}, tokenizer {mark}): not the recording itself",
    ]
