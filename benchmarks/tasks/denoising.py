"""Noise added to real recordings, removed by every method: how much is left, and what happens to ST and R.

    python -m benchmarks.tasks.denoising --store runs/ptbxl/store --tokenizer runs/denoiser --test 9

The recordings are those of the test folds that are cleanest: the half that a median beat at every R peak explains best.
To each, noise is added at several ratios of signal to noise: simulated as in the tokenizer's training, and recorded:
what a median beat leaves of the least clean quarter of the other recordings with NORM, other patients'. Gain is the
ratio after minus that before, in dB. Controls: 0.5 to 40 Hz, zero phase; the best of nine bands; and wavelet shrinkage
with the best of four thresholds. Band and threshold are chosen for each noise and ratio on the very recordings that
are measured, which is in their favour. ST and R are read where the clean recording has them (see
benchmarks/codec/diagnostic_error.py). Means over records; intervals by patient, paired.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.codec.diagnostic_error import BeatSamples, beat_samples, diagnostic_error
from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from benchmarks.tasks.wavelet import wavelet_denoised
from vqecg.downstream.tasks.denoising.band import zero_phase
from vqecg.downstream.tasks.denoising.denoising import check_denoises
from vqecg.downstream.tasks.denoising.registry import DENOISERS
from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import draw_bootstrap
from vqecg.prior.sketch.layout import AFTER, BEFORE
from vqecg.prior.sketch.rendering import render
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.simulation.disturbances import noise_of, power
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.metrics import prd
from vqecg.tokenizer.modeling import ECGTokenizer

RATIOS = (-5, 0, 5, 10)  # dB, signal to noise
JUDGED = 0  # dB, at which ST and R are read
SIMULATED = {
    "wander": {"wander": 1.0},
    "muscle": {"muscle": 1.0},
    "motion": {"motion": 1.0},
    "wander and muscle": {"wander": 1.0, "muscle": 1.0},
}
RECORDED = "recorded"
LOW_EDGES, HIGH_EDGES = (0.0, 0.5, 0.67), (15.0, 25.0, 40.0)  # Hz; 0 = none
FACTORS = (0.25, 0.5, 0.75, 1.0)  # of the universal threshold
BATCH = 64
REPLICATES, CONFIDENCE = 1000, 0.95

Method = Callable[[np.ndarray], np.ndarray]  # (records, 8, samples) float32 mV -> the same without noise


@dataclass(frozen=True, eq=False)
class CleanRecords:
    """Recordings to which noise is added, and noise of others."""

    signals: np.ndarray  # (records, 8, samples) float32 mV
    patients: list[str]
    noise: np.ndarray  # (others, 8, samples) float64, of power 1


def main(arguments: list[str] | None = None) -> None:
    """Adds noise, removes it, measures and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder that `vqecg prepare` wrote")
    parser.add_argument("--tokenizer", type=Path, required=True, help="tokenizer with a noise share above 0")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds to measure on")
    parser.add_argument("--records", type=int, default=0, help="of the clean ones, the first; 0 = all")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    store, tokenizer = RecordStore.open(options.store), ECGTokenizer.from_pretrained(options.tokenizer).eval()
    check_denoises(tokenizer)
    tokenizer.check_sampling_rate(store.spec.sampling_rate)
    rate = store.spec.sampling_rate
    clean = clean_records(store, options.test, options.records)
    places = [beat_samples(one, rate) for one in clean.signals]
    rows: list[Sequence[Cell]] = []
    for kind in (*SIMULATED, RECORDED):
        measured = {
            ratio: denoised(clean, noisy(clean, kind, ratio, rate, options.seed), methods(tokenizer))
            for ratio in RATIOS
        }
        rows += rows_of(kind, measured, clean, places)
    header = ("noise", "method", *(f"{ratio} dB" for ratio in RATIOS))
    header += ("minus the filter's", "PRD %", "ST bias", "ST error", "R error %")
    report.table(f"gain in dB; from the fourth number on at {JUDGED} dB", header, rows, "denoised")
    report.write({"recordings": len(clean.signals), "recordings whose noise is added": len(clean.noise)})


def clean_records(store: RecordStore, folds: Sequence[int], records: int) -> CleanRecords:
    """The cleanest half of the test folds, and the noise of the least clean quarter of those with NORM alone."""
    rows = np.flatnonzero(store.table["fold"].isin(folds))
    task = store.task("superdiagnostic")
    signals, rate = store.signals(rows), store.spec.sampling_rate
    left = [beat_residual(signal, rate) for signal in signals]
    usable = np.array([one is not None for one in left])
    if not usable.any():
        raise ValueError(f"no record of folds {list(folds)} has three beats; expected some: choose others with --test")
    pairs = zip(left, signals, strict=True)
    share = np.array([np.inf if one is None else power(one) / power(signal) for one, signal in pairs])
    clean = np.flatnonzero(share <= np.median(share[usable]))[: records or None]
    labels = store.labels(task)[rows]
    normal = (labels[:, task.class_names.index("NORM")] > 0) & (labels.sum(1) == 1) & usable
    patients = store.patients(rows).astype(str)
    others = normal & ~np.isin(patients, patients[clean])
    if not others.any():
        raise ValueError(
            f"no record of folds {list(folds)} with NORM alone is left to take noise from: name more folds"
        )
    least = others & (share >= np.quantile(share[others], 0.75))
    noise = [one / np.sqrt(power(one)) for one, taken in zip(left, least, strict=True) if taken and one is not None]
    return CleanRecords(signals[clean], list(patients[clean]), np.stack(noise))


def beat_residual(signal: np.ndarray, sampling_rate: int) -> np.ndarray | None:
    """A recording (8, samples) mV without its median beat at every R peak; None for one of too few beats."""
    peaks = find_r_peaks(signal, sampling_rate)
    before, after = round(BEFORE * sampling_rate), round(AFTER * sampling_rate)
    whole = peaks[(peaks >= before) & (peaks < signal.shape[1] - after)]
    if len(whole) < 3:
        return None
    level = np.median(signal, axis=1, keepdims=True)
    beats = np.stack([signal[:, peak - before : peak + after] for peak in whole]) - level
    beat = torch.from_numpy(np.median(beats, axis=0).astype(np.float32))[None]
    drawn = render(torch.from_numpy(peaks.astype(np.float32))[None], beat, signal.shape[1], sampling_rate)
    return (signal - level - drawn[0].numpy()).astype(np.float64)


def noisy(clean: CleanRecords, kind: str, ratio: float, sampling_rate: int, seed: int) -> np.ndarray:
    """The recordings with noise of a kind, `ratio` dB below them: (records, 8, samples) float32 mV."""
    parts = []
    for row, signal in enumerate(clean.signals):
        rng = np.random.default_rng([seed, row])  # the same noise at every ratio
        if kind == RECORDED:
            noise = clean.noise[rng.integers(len(clean.noise))]
        else:
            noise = noise_of(SIMULATED[kind], signal.shape[1], sampling_rate, rng)
        parts.append(signal + np.sqrt(power(signal) / 10 ** (ratio / 10)) * noise)
    return np.stack(parts).astype(np.float32)


def methods(tokenizer: ECGTokenizer) -> dict[str, list[Method]]:
    """Methods by name, each with the variants of which the best is chosen."""
    rate = tokenizer.config.sampling_rate
    of_registry: dict[str, list[Method]] = {
        name: [partial(DENOISERS.get(name)().denoise, tokenizer)] for name in DENOISERS.names()
    }
    bands: list[Method] = [partial(band, rate, low, high) for low in LOW_EDGES for high in HIGH_EDGES]
    wavelets: list[Method] = [partial(wavelet_denoised, rate, factor) for factor in FACTORS]
    return of_registry | {"best band": bands, "best wavelet": wavelets}


def band(sampling_rate: int, low: float, high: float, signals: np.ndarray) -> np.ndarray:
    """`zero_phase` with the signals last."""
    return zero_phase(signals, sampling_rate, low, high)


def denoised(clean: CleanRecords, signals: np.ndarray, ways: Mapping[str, Sequence[Method]]) -> dict[str, np.ndarray]:
    """The noisy signals by each method, in its best variant: (records, 8, samples) float32 mV."""
    results = {"as recorded": signals}
    for name, variants in ways.items():
        cleaned = [np.concatenate([way(part) for part in in_batches(signals)]) for way in variants]
        results[name] = max(cleaned, key=lambda one: float(ratios(clean.signals, one).mean())).astype(np.float32)
    return results


def in_batches(signals: np.ndarray) -> Iterator[np.ndarray]:
    """BATCH records at a time."""
    for start in range(0, len(signals), BATCH):
        yield signals[start : start + BATCH]


def ratios(clean: np.ndarray, signals: np.ndarray) -> np.ndarray:
    """Signal to noise of each record, dB: (records, 8, samples) mV twice -> (records,).

    The mean of each lead is left out, as that of a recording means nothing.
    """
    energy, error = clean.var(axis=2).mean(1), (signals - clean).var(axis=2).mean(1)
    return 10 * np.log10(energy / error.clip(1e-12))


def rows_of(
    kind: str, measured: Mapping[int, Mapping[str, np.ndarray]], clean: CleanRecords, places: Sequence[BeatSamples]
) -> list[Sequence[Cell]]:
    """A row for each method: gains, what it has over the filter at JUDGED dB, and errors of ST and R there."""
    weights = draw_bootstrap(clean.patients, 1, REPLICATES, 0).record_weights.astype(np.float64)
    weights /= weights.sum(1, keepdims=True)
    rows: list[Sequence[Cell]] = []
    for method, signals in measured[JUDGED].items():
        gains = [ratios(clean.signals, measured[ratio][method]) - ratio for ratio in RATIOS]
        over = gains[RATIOS.index(JUDGED)] - (ratios(clean.signals, measured[JUDGED]["filter"]) - JUDGED)
        error = diagnostic_error(clean.signals, signals, places)
        missed = prd(torch.from_numpy(clean.signals), torch.from_numpy(signals)).median()
        rows.append(
            (
                kind,
                method,
                *(interval(weights @ gain, signed=True) for gain in gains),
                "-" if method == "filter" else interval(weights @ over, signed=True),
                cell(float(missed), 1, "%"),
                cell(error.st_bias, 0, "microvolt"),
                cell(error.st_level, 0, "microvolt"),
                cell(error.r_percent, 1, "%"),
            )
        )
    return rows


def interval(values: np.ndarray, signed: bool) -> Cell:
    """dB: the first of the values, and the interval of the others."""
    return cell(values[0], 1, "dB", *percentile_interval(values[1:], CONFIDENCE), signed=signed)


if __name__ == "__main__":
    main()
