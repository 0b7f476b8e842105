"""Records at a higher sampling rate than the tokenizer's: resampled, coded, decoded and resampled back.

    vqecg prepare --data ptb-xl --out runs/ptbxl-500/store --spec.sampling-rate 500
    python -m benchmarks.codec.sampling_rate --store runs/ptbxl-500/store --tokenizer runs/ptbxl/tokenizer --test 9

PRD is against the records at their own rate, and beside it what resampling alone loses. With --steps, a tokenizer of
--preset is trained at the records' own rate, on the training folds, and stands in the same table. Without --store it
uses simulated records at 500 Hz and a `tiny` tokenizer that is trained on them at 100 Hz.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.codec.compression import tiny_tokenizer
from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from vqecg.records.datasets.registry import read_table
from vqecg.records.folds import FoldSplit, SplitIndices
from vqecg.records.simulation.dataset import simulate_dataset
from vqecg.records.store.building import build_store
from vqecg.records.store.preprocessing import resample
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec
from vqecg.scripts.cli.presets import PRESETS, TINY, at_rate, preset
from vqecg.tokenizer.metrics import prd
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.tokenizer.training import train_tokenizer

SIMULATED = (500, 100)  # Hz, of the simulated records and of the tokenizer
BATCH = 16  # records


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    report = Report(__spec__.name, __doc__, arguments, options, options.threads)
    with tempfile.TemporaryDirectory() as folder:
        if options.store:
            store, tokenizer = RecordStore.open(options.store), ECGTokenizer.from_pretrained(options.tokenizer)
        else:
            store, tokenizer = simulated(Path(folder), options.records, options.tokenizer_steps)
        folds = FoldSplit(tuple(options.train), tuple(options.validation), tuple(options.test))
        rows = folds.indices(store.table)
        test = store.signals(rows.test)
        tokenizers = {"tokenizer": tokenizer}
        if options.steps:
            tokenizers["trained here"] = trained_here(store, rows, options.preset, options.steps)
    title = f"PRD against {len(test)} test records at {store.spec.sampling_rate} Hz (median)"
    header = ("", "Hz", "levels", "bit/s", "PRD", "resampling alone")
    lines = [line for name, one in tokenizers.items() for line in level_lines(name, one, test, store.spec)]
    report.table(title, header, lines)
    report.write({"test records": len(test)})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, help="folder of `vqecg prepare` (default: simulated records)")
    parser.add_argument("--tokenizer", type=Path, help="folder of `vqecg train-tokenizer`, at a lower rate")
    parser.add_argument("--train", type=int, nargs="+", default=list(range(1, 8)), help="folds for --steps")
    parser.add_argument("--validation", type=int, nargs="+", default=[8], help="folds that choose its weights")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds to measure on")
    parser.add_argument("--steps", type=int, default=0, help="of training at the records' own rate; 0 = none")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="small", help="of this training")
    parser.add_argument("--records", type=int, default=200, help="simulated records")
    parser.add_argument("--tokenizer-steps", type=int, default=TINY.tokenizer.fit.steps, help="of the tiny tokenizer")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch")
    options = parser.parse_args(arguments)
    if bool(options.store) != bool(options.tokenizer):
        parser.error("give --store and --tokenizer together, or neither")
    return options


def simulated(folder: Path, records: int, steps: int) -> tuple[RecordStore, ECGTokenizer]:
    """The same simulated records at both rates: a store at the higher, and a tokenizer trained at the lower."""
    simulate_dataset(folder / "data", records, seed=0, progress=False)
    table = read_table(folder / "data")
    high, low = (build_store(table, SignalSpec(rate), folder / f"{rate}", progress=False) for rate in SIMULATED)
    return high, tiny_tokenizer(low, np.flatnonzero(low.table["fold"] < 8), steps)


def trained_here(store: RecordStore, rows: SplitIndices, name: str, steps: int) -> ECGTokenizer:
    """A tokenizer of the preset, for the store's rate."""
    settings = at_rate(preset(name).tokenizer, store.spec.sampling_rate)
    fit = replace(settings.fit, steps=steps, evaluate_every=max(1, steps // 3), warmup_steps=steps // 20)
    trained = train_tokenizer(store, rows.train, rows.validation, replace(settings, fit=fit), progress=False)
    return trained.tokenizer


@torch.inference_mode()
def level_lines(name: str, tokenizer: ECGTokenizer, test: np.ndarray, spec: SignalSpec) -> list[tuple[Cell, ...]]:
    """A line for 3, 4, 6 ... all levels: PRD of test records (records, 8, samples) mV coded at the tokenizer's rate."""
    rate = tokenizer.config.sampling_rate
    low = resample(test, spec.sampling_rate, rate)
    original, codes = torch.from_numpy(test), [tokenizer.encode(part) for part in torch.from_numpy(low).split(BATCH)]

    def loss(decoded: np.ndarray) -> Cell:
        back = resample(decoded, rate, spec.sampling_rate)[..., : spec.samples]
        return cell(float(prd(original, torch.from_numpy(back)).median()), 1)

    alone = loss(low)
    lines: list[tuple[Cell, ...]] = []
    for levels in sorted({q for q in (3, 4, 6) if q < tokenizer.num_levels} | {tokenizer.num_levels}):
        decoded = torch.cat([tokenizer.decode(part[..., :levels], low.shape[2]) for part in codes]).numpy()
        bits = tokenizer.bit_rate * levels / tokenizer.num_levels
        lines.append((name, f"{rate}", f"{levels}", cell(bits, 0), loss(decoded), alone))
    return lines


if __name__ == "__main__":
    main()
