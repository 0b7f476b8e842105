"""The catch of the gate: copies of training records in disguise, mixtures of two records, and real strangers.

    python -m benchmarks.sampling.gate --store runs/ptbxl/store --tokenizer runs/ptbxl/tokenizer \
        --train 1 2 3 4 5 6 7 --test 9

The gate is that of `vqecg generate`, fitted on the training folds. The copies are exact, moved in time, scaled, noisy
and, with --tokenizer, decoded from fewer and fewer levels; the mixtures are latent interpolations of two patients'
records, beats aligned, at fixed weights. Nothing but a copy should be caught: real records of the test folds are
strangers. The last table asks whether the nearest other training record is of the same patient, where a patient has
several. Without --store it uses simulated records.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.measuring import Report, benchmark_parser, cell
from benchmarks.sampling.ghost_beats import simulated_store
from vqecg.evaluation.privacy.memorisation import make_index
from vqecg.prior.copies.gate import CopyGate
from vqecg.prior.editing.interpolation import interpolate
from vqecg.prior.editing.pairing import may_interpolate
from vqecg.records.beats.alignment import MIN_BEATS
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.tokenizer.modeling import ECGTokenizer

SHIFTS = (0.03, 0.3, 1.2)  # s by which a copy begins later
GAINS = (0.5, 2.0)  # by which a copy is scaled
NOISE = 0.1  # of a record's standard deviation, white
WEIGHTS = (0.25, 0.5, 0.75)  # of the second parent of a mixture


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    generator = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        store = RecordStore.open(options.store) if options.store else simulated_store(Path(folder))
        rows = FoldSplit(tuple(options.train), (), tuple(options.test)).indices(store.table)
        training, strangers = RecordSelection(store, rows.train), RecordSelection(store, rows.test)
        tokenizer = ECGTokenizer.from_pretrained(options.tokenizer) if options.tokenizer else None
        gate = CopyGate.fit(store, rows.train)
        sets = copies(training.sample(options.copies, options.seed), tokenizer, generator)
        if tokenizer is not None:
            sets |= mixtures(tokenizer, training, options.pairs, generator)
        sets["real records of the test folds"] = store.signals(strangers.rows)
        print_caught(report, gate, sets)
        print_same_patient(report, training)
        report.write({"training records": len(training), "copies": options.copies, "pairs": options.pairs})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, help="folder of `vqecg prepare`; none = simulated records")
    parser.add_argument("--tokenizer", type=Path, help="folder of `vqecg train-tokenizer`")
    parser.add_argument("--train", type=int, nargs="+", default=list(range(1, 9)), help="folds the gate compares with")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds of the strangers")
    parser.add_argument("--copies", type=int, default=50, help="training records that are copied")
    parser.add_argument("--pairs", type=int, default=64, help="of parents of mixtures")
    parser.add_argument("--seed", type=int, default=0, help="of copies, noise and pairs")
    return parser.parse_args(arguments)


def copies(
    records: RecordSelection, tokenizer: ECGTokenizer | None, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """Copies (records, 8, samples) mV by what was done to them."""
    signals, rate = records.store.signals(records.rows), records.store.spec.sampling_rate
    sets = {"copies": signals}
    # rolled: what comes in at one end is outside the part that is compared
    sets |= {f"copies moved by {1000 * s:.0f} ms": np.roll(signals, -round(s * rate), axis=2) for s in SHIFTS}
    sets |= {f"copies times {gain:g}": np.float32(gain) * signals for gain in GAINS}
    noise = generator.standard_normal(signals.shape, np.float32) * signals.std((1, 2), keepdims=True)
    sets[f"copies with {NOISE:.0%} noise"] = signals + np.float32(NOISE) * noise
    if tokenizer is not None:
        with torch.inference_mode():
            codes = tokenizer.encode(torch.from_numpy(signals))
            for levels in sorted({1, 2, 3, tokenizer.num_levels} & set(range(tokenizer.num_levels + 1)), reverse=True):
                decoded = tokenizer.decode(codes[..., :levels], signals.shape[2])
                sets[f"copies through {levels} levels of the tokenizer"] = decoded.numpy()
    return sets


def mixtures(
    tokenizer: ECGTokenizer, records: RecordSelection, pairs: int, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """Latent interpolations (pairs, 8, samples) mV of the same random pairs, by weight."""
    chosen = [pair for _, pair in zip(range(pairs), random_pairs(records, generator), strict=False)]
    return {
        f"mixtures, {weight:g} of the second parent": np.stack(
            [interpolate(tokenizer, first, second, weight) for first, second in chosen]
        )
        for weight in WEIGHTS
    }


def random_pairs(records: RecordSelection, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Signals (2, 8, samples) mV of two patients without a statement that forbids interpolation, again and again."""
    store, patients = records.store, records.patients
    statements = store.table["statements"].iloc[records.rows].tolist()
    for _ in range(100 * len(records)):
        first, second = generator.choice(len(records), 2, replace=False)
        if patients[first] == patients[second] or may_interpolate(statements[first], statements[second]) is not None:
            continue
        signals = store.signals(records.rows[[first, second]])
        if min(len(find_r_peaks(signal, store.spec.sampling_rate)) for signal in signals) >= MIN_BEATS:
            yield signals


def print_caught(report: Report, gate: CopyGate, sets: dict[str, np.ndarray]) -> None:
    """Distance to the nearest training record, and the share that the gate rejects."""
    rows = []
    for name, signals in sets.items():
        distance = gate.distance(signals)
        low, median = np.percentile(distance, (1, 50))
        caught = (distance < gate.threshold).mean()
        rows.append((name, cell(len(signals), 0), cell(median, 3), cell(low, 3), cell(100 * caught, 1, "%")))
    title = f"gate at {gate.threshold:.3f}, against {len(gate.rows):,} training records"
    report.table(title, ("", "records", "median distance", "1st percentile", "rejected"), rows)
    report.add("the gate", "threshold", cell(gate.threshold, 3))


def print_same_patient(report: Report, training: RecordSelection) -> None:
    """The share of records of patients with several whose nearest other record is of the same patient."""
    names, counts = np.unique(training.patients, return_counts=True)
    several = np.flatnonzero(np.isin(training.patients, names[counts > 1]))
    patients, rows = training.patients[several], []
    for space in ("waveform", "beat") if len(several) else ():
        index = make_index(space, training, None)
        # the nearest of all is the record itself
        nearest = index.nearest(training.store.signals(training.rows[several]), count=2).rows[:, 1]
        same = (training.patients[nearest] == patients).mean()
        rows.append((f"same patient by {space}", cell(len(several), 0), cell(100 * same, 1, "%")))
    header = ("", "records", "nearest training record is of the same patient")
    report.table("nearest other training record", header, rows)


if __name__ == "__main__":
    main()
