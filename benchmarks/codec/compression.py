"""PRD against bit rate: the tokenizer's codes against a transform codec with ideal entropy coding.

    python -m benchmarks.codec.compression --store runs/ptb-xl/store --train 1 2 3 4 5 6 7 8 --test 9 --tokenizer DIR

Without --store on simulated records; there, without --tokenizer, the `tiny` preset's tokenizer is trained on them (half
a minute). With --store alone the baseline stands alone. The codec and its entropy tables are fitted on the training
folds, and both are measured on the test folds. The tokenizer's rate is what its codes take at a fixed length,
log2(codebook size) each; beside it is the rate if its codes, too, were entropy coded (level by level, order 0, from the
use of codes in the training folds). Every record takes the same rate from the tokenizer, so each gets a quantizer step
of its own from the baseline at which it takes that rate too. --beams searches a frame's codes together.

A second table has the errors on R amplitude and ST level (diagnostic_error.py) of both at those rates and, with
--classifiers, what classifiers trained on real records lose on what was decoded.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.codec.diagnostic_error import beat_samples, diagnostic_error, load_classifier, macro_auroc
from benchmarks.codec.transform_baseline import RateCurve, decode_at_rate, rate_curve
from benchmarks.measuring import Report, benchmark_parser, cell, number, print_table
from vqecg.records.datasets.registry import read_table
from vqecg.records.folds import FoldSplit
from vqecg.records.simulation.dataset import simulate_dataset
from vqecg.records.store.building import build_store
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec
from vqecg.scripts.cli.presets import TINY
from vqecg.tokenizer.metrics import level_use, prd, reconstruct
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.tokenizer.training import train_tokenizer

STEPS = np.geomspace(0.03, 8.0, 14)  # mV, of the baseline's quantizer
BATCH = 64  # records encoded at a time
RATES = (250.0, 545.0, 1018.0, 1611.0)  # bit/s at which the baseline is reported alone


@dataclass(frozen=True)
class LevelPoint:
    """The tokenizer decoded from its first levels, over test records."""

    levels: int
    bit_rate: float  # bit/s at a fixed length per code
    entropy_rate: float  # bit/s if the codes were entropy coded
    prd: float  # %, median over records
    decoded: np.ndarray  # (records, 8, samples) mV

    @property
    def name(self) -> str:
        """The levels in words."""
        return f"{self.levels} level{'s' if self.levels > 1 else ''}"


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    report = Report(__spec__.name, __doc__, arguments, options, options.threads)
    with tempfile.TemporaryDirectory() as folder:
        store = RecordStore.open(options.store) if options.store else simulated_store(Path(folder), options.records)
        rows = FoldSplit(tuple(options.train), (), tuple(options.test)).indices(store.table)
        tokenizer = ECGTokenizer.from_pretrained(options.tokenizer) if options.tokenizer else None
        if tokenizer is None and options.store is None:
            tokenizer = tiny_tokenizer(store, rows.train, options.tokenizer_steps)
        train, test = store.signals(rows.train), store.signals(rows.test)
        print(f"{store.description}: {len(train):,} training and {len(test):,} test records")
        curve = rate_curve(train, test, store.spec.seconds, STEPS)
        print_curve(report, curve)
        if tokenizer is not None:
            points = level_points(tokenizer.eval(), store, rows.train, rows.test, options.beams)
            print_levels(report, points, curve)
            models = [load_classifier(folder) for folder in options.classifiers]
            labels = store.labels(store.task(options.task))[rows.test]
            baseline = [decode_at_rate(train, test, curve, point.bit_rate) for point in points]
            print_diagnosis(report, test, points, baseline, store.spec.sampling_rate, models, labels)
        report.write({"training records": len(train), "test records": len(test)})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, help="folder that `vqecg prepare` wrote (default: simulated records)")
    parser.add_argument("--tokenizer", type=Path, help="folder that `vqecg train-tokenizer` wrote")
    parser.add_argument("--beams", type=int, default=1, help="partial codes that encoding pursues; 1 = greedy")
    parser.add_argument("--train", type=int, nargs="+", default=list(range(1, 9)), help="folds to fit on")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds to measure on")
    parser.add_argument("--records", type=int, default=600, help="simulated records")
    parser.add_argument("--tokenizer-steps", type=int, default=TINY.tokenizer.fit.steps, help="of the tiny tokenizer")
    parser.add_argument("--classifiers", type=Path, nargs="*", default=[], help="folders of trained classifiers")
    parser.add_argument("--task", default="superdiagnostic", help="labels that the classifiers predict")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch")
    return parser.parse_args(arguments)


def simulated_store(folder: Path, records: int) -> RecordStore:
    """Simulated records of 10 s at 100 Hz, prepared."""
    simulate_dataset(folder / "data", records, seed=0, progress=False)
    return build_store(read_table(folder / "data"), SignalSpec(), folder / "store", progress=False)


def tiny_tokenizer(store: RecordStore, train: np.ndarray, steps: int) -> ECGTokenizer:
    """A tokenizer of the `tiny` preset; a tenth of the training records choose its weights."""
    settings = replace(TINY.tokenizer, fit=replace(TINY.tokenizer.fit, steps=steps))
    chosen = np.arange(len(train)) % 10 == 0
    return train_tokenizer(store, train[~chosen], train[chosen], settings, progress=False).tokenizer


@torch.inference_mode()
def encode(tokenizer: ECGTokenizer, store: RecordStore, rows: np.ndarray, beams: int) -> torch.Tensor:
    """Codes of records of the store: (records, frames, levels)."""
    parts = np.array_split(rows, -(-len(rows) // BATCH))
    return torch.cat([tokenizer.encode(torch.from_numpy(store.signals(part)), beams=beams) for part in parts])


def level_points(
    tokenizer: ECGTokenizer, store: RecordStore, train: np.ndarray, test: np.ndarray, beams: int
) -> list[LevelPoint]:
    """PRD on `test` for 1, 2, 3, 4, 6 ... all levels, and what the codes cost."""
    tokenizer.check_sampling_rate(store.spec.sampling_rate)
    entropies = [use.bits for use in level_use(encode(tokenizer, store, train, beams), tokenizer.codebook_size)]
    began = time.process_time()
    codes = encode(tokenizer, store, test, beams)
    rate = len(test) / (time.process_time() - began)
    print(f"encoding with {beams} beams: {number(rate)} records per second of processor time")
    signal = torch.from_numpy(store.signals(test))
    ladder = sorted({q for q in (1, 2, 3, 4, 6) if q < tokenizer.num_levels} | {tokenizer.num_levels})
    points = []
    for levels in ladder:
        decoded = reconstruct(tokenizer, codes, signal.shape[2], levels)
        rate = tokenizer.bit_rate * levels / tokenizer.num_levels
        entropy_rate = sum(entropies[:levels]) * tokenizer.frame_rate
        points.append(LevelPoint(levels, rate, entropy_rate, float(prd(signal, decoded).median()), decoded.numpy()))
    return points


def print_curve(report: Report, curve: RateCurve) -> None:
    """The baseline alone, at a few rates."""
    rows = [
        (f"{rate:,.0f}", cell(curve.at_same_rate(rate), 1, "%"), cell(curve.at_mean_rate(rate), 1, "%"))
        for rate in RATES
    ]
    header = ("bit/s", "PRD, every record at that rate", "PRD, one step for all")
    report.table("lead PCA + DCT + ideal entropy coding (median over test records)", header, rows, "PCA + DCT, bit/s")


def print_levels(report: Report, points: list[LevelPoint], curve: RateCurve) -> None:
    """The tokenizer against the baseline at the same rates."""
    rows = []
    for point in points:
        same, entropy = curve.at_same_rate(point.bit_rate), curve.at_same_rate(point.entropy_rate)
        rows.append(
            (
                point.name,
                cell(point.bit_rate, 0),
                cell(point.prd, 1, "%"),
                cell(same, 1, "%"),
                cell(point.prd / same, 2),
                cell(point.entropy_rate, 0),
                cell(point.prd / entropy, 2),
            )
        )
    header = ("", "bit rate", "PRD, tokenizer", "PRD, PCA + DCT", "ratio", "bit rate, entropy coded", "ratio there")
    report.table(
        "tokenizer against PCA + DCT at the same bit rate (PRD: median over test records; lower is better)",
        header,
        rows,
    )


def print_diagnosis(
    report: Report,
    test: np.ndarray,
    points: list[LevelPoint],
    baseline: list[np.ndarray],
    sampling_rate: int,
    models: list[nn.Module],
    labels: np.ndarray,
) -> None:
    """The errors that a reader of the ECG would notice, for the tokenizer and the baseline in turn."""
    original = macro_auroc(models, test, labels) if models else np.nan
    places = [beat_samples(signal, sampling_rate) for signal in test]
    rows: list[tuple[str, ...]] = []
    for point, other in zip(points, baseline, strict=True):
        for name, decoded in (("tokenizer", point.decoded), ("PCA + DCT", other)):
            error = diagnostic_error(test, decoded, places)
            change = macro_auroc(models, decoded, labels) - original if models else np.nan
            cells = {
                "R amplitude": cell(error.r_amplitude, 3),
                "R amplitude relative": cell(error.r_percent, 1, "%"),
                "R bias": cell(error.r_bias, 1, "%", signed=True),
                "ST level": cell(error.st_level, 0),
                "worst ST level": cell(error.st_worst, 0),
                "change of macro AUROC": cell(change, 4, signed=True),
            }
            rows.append((f"{point.name}, {name}", f"{point.bit_rate:,.0f}", *map(str, cells.values())))
            for measure, entry in cells.items():
                report.add(point.name, f"{measure}, {name}", entry)
    report.add("originals", "macro AUROC", cell(original, 4))
    header = ("levels, codec", "bit/s", "R mV", "R %", "R bias %", "ST uV", "ST worst 5 % uV", "AUROC change")
    originals = f"; originals: macro AUROC {original:.4f}, mean of {len(models)} classifiers" if models else ""
    print_table(f"R amplitude, ST level (medians over records) and diagnosis{originals}", header, rows)


if __name__ == "__main__":
    main()
