"""Extra beats in mixtures of two ECGs: latent interpolation with beats aligned against the naive one (Liu et al. 2020).

    python benchmarks/ghost_beats.py --store runs/ptbxl/store --tokenizer runs/ptbxl/tokenizer --pairs 200

Pairs are records of one label (and different patients) from the chosen folds, mixed half and half; a beat is extra when
the mixture shows more R peaks than the parent whose rhythm it has. Without --store it uses simulated records and only
the signal-space mixtures, which need no tokenizer.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from measuring import machine, print_table

from vqecg.prior.interpolation import InterpolationSettings, draw_pair, interpolable, interpolate
from vqecg.records.beats import align_beats
from vqecg.records.preprocessing import SignalSpec
from vqecg.records.readers import read_table
from vqecg.records.rpeaks import find_r_peaks
from vqecg.records.simulation import simulate_dataset
from vqecg.records.store import RecordStore
from vqecg.tokenizer.modeling import ECGTokenizer


def simulated_store(folder: Path) -> RecordStore:
    """300 simulated records."""
    simulate_dataset(folder / "data", 300, seed=0, progress=False)
    return RecordStore.build(read_table(folder / "data"), SignalSpec(), folder / "store", progress=False)


def mixtures(first: np.ndarray, second: np.ndarray, rate: int, tokenizer: ECGTokenizer | None) -> dict[str, np.ndarray]:
    """Half-and-half mixtures of two records (8, samples) mV, by name; the parent itself is "first parent"."""
    aligned = align_beats(first, second, rate).signal
    found = {
        "first parent": first,
        "signals, naive": (first + second) / 2,
        "signals, aligned": (first + aligned) / 2,
    }
    if tokenizer is not None:
        found["latent, naive"] = interpolate(tokenizer, first, second, 0.5, aligned=False)
        found["latent, aligned"] = interpolate(tokenizer, first, second, 0.5)
    return found


def count_beats(
    store: RecordStore, rows: np.ndarray, pairs: int, seed: int, tokenizer: ECGTokenizer | None
) -> dict[str, np.ndarray]:
    """Beats found in each mixture, by name: (pairs,) int64."""
    labels = np.ones((len(store), 1), np.float32)
    parents = rows[interpolable(store, labels, rows)]
    generator = np.random.default_rng(seed)
    counts: dict[str, list[int]] = {"first parent": []}
    while len(counts["first parent"]) < pairs:
        pair = draw_pair(store, parents, InterpolationSettings(), generator)
        if pair is None:
            continue
        first, second = store.signals(np.array([pair.first, pair.second]))
        for name, signal in mixtures(first, second, store.spec.sampling_rate, tokenizer).items():
            counts.setdefault(name, []).append(len(find_r_peaks(signal, store.spec.sampling_rate)))
    return {name: np.array(values) for name, values in counts.items()}


def main(words: list[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, help="folder of `vqecg prepare`; none = simulated records")
    parser.add_argument("--tokenizer", type=Path, help="folder of `vqecg train-tokenizer`")
    parser.add_argument("--statement", default="NORM", help="which both parents have")
    parser.add_argument("--folds", type=int, nargs="+", default=[9], help="of the parents")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as scratch:
        store = RecordStore.open(options.store) if options.store else simulated_store(Path(scratch))
        tokenizer = ECGTokenizer.from_pretrained(options.tokenizer) if options.tokenizer else None
        has = store.table["statements"].map(lambda statements: options.statement in statements).to_numpy()
        folds = store.table["fold"].isin(options.folds).to_numpy() if options.store else np.ones(len(store), bool)
        counts = count_beats(store, np.flatnonzero(has & folds), options.pairs, options.seed, tokenizer)
    own = counts.pop("first parent")
    print(machine())
    extra = {name: found - own for name, found in counts.items()}
    print_table(
        f"{options.pairs} pairs of {options.statement}, {own.mean():.1f} beats a record",
        ("mixture", "extra beats a record", "changed, absolute", "over 25 % extra"),
        [
            (name, f"{more.mean():+.3f}", f"{np.abs(more).mean():.3f}", f"{(more > own / 4).mean():.0%}")
            for name, more in extra.items()
        ],
    )


if __name__ == "__main__":
    main()
