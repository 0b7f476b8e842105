"""Extra beats in mixtures of two ECGs: latent interpolation with beats aligned against the naive one (Liu et al. 2020).

    python -m benchmarks.sampling.ghost_beats --store runs/ptbxl/store --tokenizer runs/ptbxl/tokenizer --pairs 200 \
        --figure ghost_beats.svg

Pairs are records of one label (and different patients) from the chosen folds, mixed half and half; a beat is extra when
the mixture shows more R peaks than the parent whose rhythm it has. Without --store it uses simulated records and only
the signal-space mixtures, which need no tokenizer. The figure shows the pair whose naive mixture has the median number
of extra beats: both parents, and the mixture of the two, naive and aligned.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.measuring import Report, benchmark_parser, cell
from vqecg.prior.editing.interpolation import draw_pair, interpolate
from vqecg.prior.editing.pairing import Parents
from vqecg.prior.editing.settings import InterpolationSettings
from vqecg.records.beats.alignment import align_beats
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.datasets.registry import read_table
from vqecg.records.leads import INDEPENDENT_LEADS
from vqecg.records.simulation.dataset import simulate_dataset
from vqecg.records.store.building import build_store
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec
from vqecg.tokenizer.modeling import ECGTokenizer

FIRST = "first parent"


def simulated_store(folder: Path) -> RecordStore:
    """300 simulated records."""
    simulate_dataset(folder / "data", 300, seed=0, progress=False)
    return build_store(read_table(folder / "data"), SignalSpec(), folder / "store", progress=False)


def mixtures(first: np.ndarray, second: np.ndarray, rate: int, tokenizer: ECGTokenizer | None) -> dict[str, np.ndarray]:
    """Half-and-half mixtures of two records (8, samples) mV, by name; the parent itself is FIRST."""
    aligned = align_beats(first, second, rate).signal
    mixed = {
        FIRST: first,
        "signals, naive": (first + second) / 2,
        "signals, aligned": (first + aligned) / 2,
    }
    if tokenizer is not None:
        mixed["latent, naive"] = interpolate(tokenizer, first, second, 0.5, aligned=False)
        mixed["latent, aligned"] = interpolate(tokenizer, first, second, 0.5)
    return mixed


@dataclass(frozen=True, eq=False)
class BeatCounts:
    """The number of beats in each pair's mixtures."""

    pairs: np.ndarray  # (pairs, 2) int64, rows of the store
    beats: dict[str, np.ndarray]  # name of the mixture -> (pairs,) int64

    def extra(self) -> dict[str, np.ndarray]:
        """Beats beyond those of the first parent, by mixture: (pairs,) int64."""
        return {name: count - self.beats[FIRST] for name, count in self.beats.items() if name != FIRST}


def count_beats(
    store: RecordStore, rows: np.ndarray, pairs: int, seed: int, tokenizer: ECGTokenizer | None
) -> BeatCounts:
    """Draws pairs, mixes them and counts."""
    labels, settings = np.ones((len(store), 1), np.float32), InterpolationSettings(neighbours=0)
    everyone = Parents(store, labels, rows)
    parents = Parents(store, labels, rows[everyone.able()])
    generator = np.random.default_rng(seed)
    counts: dict[str, list[int]] = {}
    drawn: list[tuple[int, int]] = []
    while len(drawn) < pairs:
        pair = draw_pair(parents, labels[0], settings, generator)
        if pair is None:
            continue
        drawn.append((pair.first, pair.second))
        first, second = store.signals(np.array(drawn[-1]))
        for name, signal in mixtures(first, second, store.spec.sampling_rate, tokenizer).items():
            counts.setdefault(name, []).append(len(find_r_peaks(signal, store.spec.sampling_rate)))
    return BeatCounts(np.array(drawn), {name: np.array(values) for name, values in counts.items()})


def draw_figure(store: RecordStore, counts: BeatCounts, tokenizer: ECGTokenizer | None, path: Path) -> None:
    """Lead II of one pair: the parents, and their mixture naive and aligned, with a mark at every beat."""
    space = "latent" if tokenizer is not None else "signals"
    naive = counts.extra()[f"{space}, naive"]
    chosen = int(np.argsort(naive, kind="stable")[len(naive) // 2])
    rate = store.spec.sampling_rate
    first, second = store.signals(counts.pairs[chosen])
    mixed = mixtures(first, second, rate, tokenizer)
    rows = {
        "first parent": first,
        "second parent": second,
        f"mixed as they are ({space})": mixed[f"{space}, naive"],
        f"second's beats moved onto the first's, then mixed ({space})": mixed[f"{space}, aligned"],
    }
    figure = Figure(figsize=(10, 8), layout="constrained")
    axes = figure.subplots(len(rows), sharex=True, sharey=True)
    for axis, (name, signal) in zip(axes, rows.items(), strict=True):
        peaks, lead = find_r_peaks(signal, rate), signal[INDEPENDENT_LEADS.index("II")]
        axis.plot(np.arange(len(lead)) / rate, lead, color="black", linewidth=0.8)
        axis.plot(peaks / rate, np.full(len(peaks), 0.94), "v", color="tab:red", transform=axis.get_xaxis_transform())
        axis.set_title(f"{name}: {len(peaks)} beats", loc="left", fontsize=10)
        axis.set_ylabel("II (mV)")
    axes[-1].set_xlabel("s")
    figure.savefig(path)


def main(words: list[str] | None = None) -> None:
    """Prints the table."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, help="folder of `vqecg prepare`; none = simulated records")
    parser.add_argument("--tokenizer", type=Path, help="folder of `vqecg train-tokenizer`")
    parser.add_argument("--statement", default="NORM", help="which both parents have")
    parser.add_argument("--folds", type=int, nargs="+", default=[9], help="of the parents")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figure", type=Path, help="file for a plot of one pair, such as ghost_beats.svg or .png")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as scratch:
        store = RecordStore.open(options.store) if options.store else simulated_store(Path(scratch))
        tokenizer = ECGTokenizer.from_pretrained(options.tokenizer) if options.tokenizer else None
        has = store.table["statements"].map(lambda statements: options.statement in statements).to_numpy()
        folds = store.table["fold"].isin(options.folds).to_numpy() if options.store else np.ones(len(store), bool)
        counts = count_beats(store, np.flatnonzero(has & folds), options.pairs, options.seed, tokenizer)
        if options.figure:
            draw_figure(store, counts, tokenizer, options.figure)
    beats = counts.beats[FIRST]
    report = Report(__spec__.name, __doc__, words, options)
    report.table(
        f"{options.pairs} pairs of {options.statement}, {beats.mean():.1f} beats per record",
        (
            "mixture",
            "extra beats per record",
            "extra or missing beats per record",
            "over 25 % extra",
        ),
        [
            (
                name,
                cell(more.mean(), 3, signed=True),
                cell(np.abs(more).mean(), 3),
                cell(100 * (more > beats / 4).mean(), 0, "%"),
            )
            for name, more in counts.extra().items()
        ],
    )
    report.write({"pairs": options.pairs})


if __name__ == "__main__":
    main()
