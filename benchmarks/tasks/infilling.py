"""Gaps in real recordings, filled by every method: how near the draws are to what was there, and how sure they are.

    python -m benchmarks.tasks.infilling --store runs/ptbxl/store --generator runs/ptbxl/prior --test 9

One gap in each test record, at a place drawn for it: .5, 1 and 2 s inside, 1 and 2 s at its end. CRPS is the continuous
ranked probability score of single samples (Gneiting and Raftery 2007, for an ensemble without bias), the absolute error
where all draws are alike; MAE is that of the median of the draws. "covered": the samples that lie between the least and
the greatest draw, of which (draws - 1) / (draws + 1) should. Means over records; intervals by patient, paired.
Records that cannot be filled at a place, such as those with too few beats, are left out for all methods, and counted.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from benchmarks.measuring import Cell, Report, benchmark_parser, cell, share
from benchmarks.tasks.unseen import check_unseen
from vqecg.downstream.tasks.infilling.filling import Opened, fill, opened
from vqecg.downstream.tasks.infilling.registry import FILLERS
from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import draw_bootstrap
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore

GAPS = {"0.5 s inside": (0.5, False), "1 s inside": (1.0, False), "2 s inside": (2.0, False)}
GAPS |= {"1 s at the end": (1.0, True), "2 s at the end": (2.0, True)}
EDGE = 1.5  # s at either end of a record, where no gap inside lies
PLACES = 2**31  # the stream of the gaps' places: no number of a draw
BATCH = 32  # records filled at a time
REPLICATES, CONFIDENCE = 1000, 0.95
MEASURES = ("CRPS", "MAE", "covered")


def main(arguments: list[str] | None = None) -> None:
    """Fills, measures and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", required=True, help="folder that `vqecg prepare` wrote")
    parser.add_argument("--generator", required=True, help="folder that `vqecg train-prior` wrote")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds to measure on")
    parser.add_argument("--draws", type=int, default=16, help="of each gap")
    parser.add_argument("--records", type=int, default=0, help="of the test folds, the first ones; 0 = all")
    parser.add_argument("--seed", type=int, default=0, help="of the places of the gaps, and of the draws")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    store, generator = RecordStore.open(options.store), ECGGenerator.from_pretrained(options.generator)
    test = np.flatnonzero(store.table["fold"].isin(options.test))[: options.records or None]
    check_unseen(generator, store, options.test)
    if not len(test):
        raise ValueError(f"no record is in folds {options.test}; expected some: choose others with --test")
    rows: list[Sequence[Cell]] = []
    for name, (seconds, at_end) in GAPS.items():
        signals, recordings, kept = gaps_of(store, generator, test, seconds, at_end, options.seed)
        measured = {method: scores(generator, signals, recordings, method, options.draws) for method in FILLERS.names()}
        patients = [str(patient) for patient in store.patients(kept)]
        rows += rows_of(name, measured, patients, len(kept), len(test))
    header = ("gap", "filled by", "CRPS", "minus the prior's", "MAE", "covered", "records")
    report.table("gaps filled", header, rows, "filled")
    report.write({"test records": len(test), "draws": options.draws})


def gaps_of(
    store: RecordStore, generator: ECGGenerator, rows: np.ndarray, seconds: float, at_end: bool, seed: int
) -> tuple[np.ndarray, list[Opened], np.ndarray]:
    """The true signals of records that can be filled, the same with a gap, and their rows in the store."""
    rate = store.spec.sampling_rate
    length, margin = round(seconds * rate), round(EDGE * rate)
    signals, recordings, kept = [], [], []
    if store.spec.samples < length + 2 * margin + 1:
        raise ValueError(f"records of {store.spec.samples / rate:g} s; expected {seconds + 2 * EDGE:g} s or more")
    for row in rows:
        signal = store.signals([row])[0]
        last = signal.shape[1] - length
        drawn = np.random.default_rng([seed, int(row), PLACES]).integers(margin, last - margin + 1)
        start = last if at_end else int(drawn)
        blanked = signal.copy()
        blanked[:, start : start + length] = np.nan
        try:
            recordings.append(opened(generator, blanked, [seed, int(row)]))
        except ValueError:  # counted, and left out for every method
            continue
        signals.append(signal)
        kept.append(row)
    if not kept:
        raise ValueError(f"none of {len(rows)} test records can be filled; expected records of several beats")
    return np.stack(signals), recordings, np.array(kept)


def scores(
    generator: ECGGenerator, signals: np.ndarray, recordings: Sequence[Opened], method: str, draws: int
) -> np.ndarray:
    """MEASURES of each record's gap: (records, 3), the first two in microvolt."""
    values = []
    for start in range(0, len(recordings), BATCH):
        part = recordings[start : start + BATCH]
        filled = fill(generator, part, method, draws)
        for truth, one, drawn in zip(signals[start:], part, filled, strict=False):
            gap = slice(one.gaps[0].start, one.gaps[0].stop)
            values.append(scores_of(truth[:, gap], drawn[0]))
    return np.array(values) * (1000, 1000, 1)


def scores_of(truth: np.ndarray, drawn: np.ndarray) -> tuple[float, float, float]:
    """MEASURES of one gap: truth (8, samples) mV, draws (draws, 8, samples) mV."""
    count = len(drawn)
    ordered = np.sort(drawn.astype(np.float64), axis=0)
    weights = 2 * np.arange(1, count + 1) - count - 1  # of the mean difference of two draws, from ordered ones
    apart = 2 * np.tensordot(weights, ordered, 1) / max(1, count * (count - 1))
    crps = np.abs(ordered - truth).mean(0) - apart / 2
    error = np.abs(np.median(ordered, axis=0) - truth)
    covered = (ordered[0] <= truth) & (truth <= ordered[-1])
    return float(crps.mean()), float(error.mean()), float(covered.mean())


def rows_of(
    name: str, measured: Mapping[str, np.ndarray], patients: Sequence[str], records: int, of: int
) -> list[Sequence[Cell]]:
    """A row for each method, with intervals by patient."""
    weights = draw_bootstrap(patients, 1, REPLICATES, 0).record_weights.astype(np.float64)
    weights /= weights.sum(1, keepdims=True)
    first = next(iter(measured.values()))[:, 0]
    rows: list[Sequence[Cell]] = []
    for method, values in measured.items():
        crps, more = weights @ values[:, 0], weights @ (values[:, 0] - first)
        difference = cell(more[0], 1, "", *percentile_interval(more[1:], CONFIDENCE), signed=True)
        rows.append(
            (
                name,
                method,
                cell(crps[0], 1, "microvolt", *percentile_interval(crps[1:], CONFIDENCE)),
                "-" if values is next(iter(measured.values())) else difference,
                cell(float(values[:, 1].mean()), 1, "microvolt"),
                cell(float(values[:, 2].mean()), 2),
                share(records, of),
            )
        )
    return rows


if __name__ == "__main__":
    main()
