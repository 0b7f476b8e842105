"""Our tokenizer and prior against the peers that the package index has, on the same folds and the same CPU time.

    python -m benchmarks.peers.peers --store runs/ptb-xl/store --work runs/peers \
        --train 1 2 3 4 5 6 7 --validation 8 --test 9

Each side trains from scratch on one core until it has computed for --minutes, is timed drawing records, draws one for
each of the same label rows of the training folds, and codes the test folds. Then one rule judges both: PRD over twelve
leads, ours from no higher a bit rate than the peer's, and the macro AUROC on the test folds of a ResNet trained on the
drawn records alone (TSTR). ecgen is installed into --work/env and is no dependency of vqecg. Every stage is stored in
--work, and one that was run by the same command is not run again. See docs/peers.md.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.environments import environment
from benchmarks.measuring import Cell, Report, benchmark_parser, cell, number
from vqecg.downstream.classifiers.metrics import classification_metrics
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.thresholds import FIXED
from vqecg.downstream.classifiers.training import LabelledSignals, predict, train_classifier
from vqecg.records.files.atomic import write_text
from vqecg.records.folds import FoldSplit, SplitIndices
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.presets import PRESETS, preset
from vqecg.tokenizer.metrics import prd

HERE = Path(__file__).resolve().parent
PACKAGES = ("torch==2.13.0", "ecgen==1.1.0")  # torch first: left open, its GPU libraries come too
PRECISION = "bf16-mixed"  # ours takes bf16 where the processor has units for it
PEERS = {
    # a tenfold learning rate and small batches: at its own settings so few steps would leave it where it began
    "vqvae": ("--precision", PRECISION, "--learning-rate", "1e-3", "--batch-size", "8"),
    "flow_matching": ("--precision", PRECISION, "--batch-size", "8"),
}


@dataclass(frozen=True)
class Side:
    """The outcome of one model; NaN where it has no such thing."""

    name: str
    parameters: int  # that are needed to draw and code
    training_seconds: float  # CPU seconds
    seconds: tuple[float, ...]  # CPU seconds per record, for each batch size
    training_mib: float  # peak resident memory of training
    sampling_mib: float  # peak resident memory of drawing and coding
    bit_rates: tuple[float, ...]  # bit/s, of growing numbers of levels
    prds: tuple[float, ...]  # %, median over the test records, at these rates
    auroc: float  # macro, on the test folds, of a classifier trained on the drawn records

    def at_rate(self, limit: float) -> int:
        """The place of the highest rate up to `limit` bit/s. Raises ValueError when all are above."""
        fitting = [place for place, rate in enumerate(self.bit_rates) if rate <= limit * (1 + 1e-9)]
        if not fitting:
            raise ValueError(f"{self.name} needs {self.bit_rates} bit/s; expected one of at most {limit:g}")
        return max(fitting, key=lambda place: self.bit_rates[place])


def main(arguments: list[str] | None = None) -> None:
    """Trains what is not trained yet, measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, 1)
    torch.set_num_threads(1)
    store = RecordStore.open(options.store)
    rows = FoldSplit(tuple(options.train), tuple(options.validation), tuple(options.test)).indices(store.table)
    task = store.task(options.task)
    exchange = options.work / "exchange"
    sources = export(store, rows, task, options.records, options.seed, exchange)
    print(f"{store.description}: {len(rows.train):,} training and {len(rows.test):,} test records")
    print(f"{options.minutes:g} CPU minutes of training each, {options.share:.0%} of it for the first of two stages")
    for command in ours_commands(options, exchange):
        run_stage(*command, options.work / "vqecg")
    python = environment(options.work / "env", PACKAGES) if options.peers else Path()
    for name in options.peers:
        for command in peer_commands(python, name, options, exchange):
            run_stage(*command, options.work / name)
    classifier = replace(preset(options.preset).classifier, threshold_policy=FIXED)
    if options.classifier_steps:
        classifier = classifier.changed({"fit.steps": options.classifier_steps})
    judge = Judge(store, rows, task, classifier, options.seed)
    labels = store.labels(task)[sources]
    sides = [read_side(name, options.work / name, judge, labels) for name in ("vqecg", *options.peers)]
    real = judge.auroc(store.signals(sources), labels)
    write_text(options.work / "peers.json", json.dumps([vars(side) for side in sides], indent=2) + "\n")
    print_sides(report, sides, real)
    report.write(
        {"records drawn": options.records, "training records": len(rows.train), "test records": len(rows.test)}
    )


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder that `vqecg prepare` wrote")
    parser.add_argument("--work", type=Path, required=True, help="folder for the peer's environment and all stages")
    parser.add_argument("--peers", nargs="*", default=["vqvae"], choices=sorted(PEERS), help="of ecgen")
    parser.add_argument("--task", default="superdiagnostic", help="label task")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="small", help="our shapes, and the classifier")
    parser.add_argument("--train", type=int, nargs="+", default=list(range(1, 8)), help="folds to learn from")
    parser.add_argument("--validation", type=int, nargs="+", default=[8], help="folds by which ours keeps weights")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds to measure on")
    parser.add_argument("--minutes", type=float, default=15.0, help="CPU minutes of training of each side")
    parser.add_argument("--share", type=float, default=0.4, help="part of the time for the first of two stages")
    parser.add_argument("--records", type=int, default=1000, help="records drawn of each side")
    parser.add_argument("--guidance", type=float, default=1.0, help="in these records, where a peer has one")
    parser.add_argument("--classifier-steps", type=int, default=0, help="of the judging classifier; 0 = the preset's")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 64], help="records at a time, timed")
    parser.add_argument("--seed", type=int, default=0, help="of requests, training, sampling and classifier")
    options = parser.parse_args(arguments)
    if options.records < max(options.batches):
        parser.error(f"--records is {options.records}; expected at least the largest of --batches {options.batches}")
    return options


def export(
    store: RecordStore, rows: SplitIndices, task: LabelTask, records: int, seed: int, folder: Path
) -> np.ndarray:
    """Writes the parts and the requests for both sides; returns the training rows whose labels are asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    labels, rate = store.labels(task), store.spec.sampling_rate
    for name, part in (("train", rows.train), ("validation", rows.validation), ("test", rows.test)):
        np.savez(folder / f"{name}.npz", signals=store.signals(part), labels=labels[part], rate=rate)
    sources = np.random.default_rng(seed).choice(rows.train, records)
    np.savez(folder / "requests.npz", labels=labels[sources], rate=rate)
    return sources


def ours_commands(options: argparse.Namespace, exchange: Path) -> list[tuple[str, list[str]]]:
    """(stage, command) of our side, in order."""
    program = [sys.executable, str(HERE / "peers_vqecg.py")]
    folds = [
        word for part in ("train", "validation", "test") for word in (f"--{part}", *map(str, getattr(options, part)))
    ]
    data = ["--store", str(options.store), "--exchange", str(exchange), "--out", str(options.work / "vqecg")]
    common = [*data, *folds, "--task", options.task, "--preset", options.preset, "--seed", str(options.seed)]
    return stage_commands(program, common, [], [], options)


def peer_commands(python: Path, name: str, options: argparse.Namespace, exchange: Path) -> list[tuple[str, list[str]]]:
    """(stage, command) of one peer, in order."""
    program = [str(python), "-W", "ignore", str(HERE / "peers_ecgen.py")]
    common = [name, "--exchange", str(exchange), "--out", str(options.work / name), "--seed", str(options.seed)]
    return stage_commands(program, common, list(PEERS[name]), ["--guidance", f"{options.guidance:g}"], options)


def stage_commands(
    program: list[str], common: list[str], extra: list[str], sampling: list[str], options: argparse.Namespace
) -> list[tuple[str, list[str]]]:
    """Both stages take the budget, so that other budgets are other runs; only the second draws `records` records."""
    budget = ["--minutes", f"{options.minutes:g}", "--share", f"{options.share:g}", *extra]
    drawing = ["--batches", *map(str, options.batches), "--records", str(options.records), *sampling]
    return [
        ("train", [*program, "train", *common, *budget]),
        ("sample", [*program, "sample", *common, *budget, *drawing]),
    ]


def run_stage(stage: str, command: list[str], folder: Path) -> None:
    """Runs a stage on one core, its output into a log; does nothing where the same command has finished.

    Raises ValueError when it fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    finished, asked = folder / f"{stage}-command.json", json.dumps(command)
    if finished.exists() and finished.read_text("utf-8") == asked:
        return
    finished.unlink(missing_ok=True)
    print(f"{folder.name}: {stage}", flush=True)
    log = folder / f"{stage}.log"
    with log.open("w", encoding="utf-8") as output:
        single = os.environ | {"OMP_NUM_THREADS": "1"}
        code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=single, check=False).returncode
    if code:
        raise ValueError(f"{stage} of {folder.name} ended with {code}; its last words are in {log}: fix and run again")
    write_text(finished, asked)


@dataclass(frozen=True, eq=False)
class Judge:
    """The judge of both sides alike."""

    store: RecordStore
    rows: SplitIndices
    task: LabelTask
    classifier: ClassifierSettings
    seed: int

    def prd(self, reconstruction: np.ndarray) -> float:
        """Median over the test records, in percent, of (records, 8, samples) mV."""
        test = torch.from_numpy(self.store.signals(self.rows.test))
        return float(prd(test, torch.from_numpy(reconstruction)).median())

    def auroc(self, signals: np.ndarray, labels: np.ndarray) -> float:
        """Macro AUROC on the test folds of a classifier trained on `signals` (records, 8, samples) mV alone."""
        names, rate = self.task.class_names, self.store.spec.sampling_rate
        data = LabelledSignals(signals, labels)
        trained = train_classifier(data, self.classifier, names, self.seed, sampling_rate=rate, progress=False)
        scores = predict(trained.model, self.store.signals(self.rows.test))
        truth = self.store.labels(self.task)[self.rows.test]
        return classification_metrics(truth, scores, trained.thresholds.values, names, FIXED).macro["auroc"]


def read_side(name: str, folder: Path, judge: Judge, labels: np.ndarray) -> Side:
    """Judges what one side wrote."""
    training, sampling = (json.loads((folder / f"{stage}.json").read_text("utf-8")) for stage in ("train", "sample"))
    rates: list[float] = sampling["bit_rates"]
    decoded = [np.load(folder / f"reconstruction-{place}.npy") for place in range(1, len(rates) + 1)]
    return Side(
        name,
        sum(stage["parameters"] for stage in training["stages"]),
        training["cpu_seconds"],
        tuple(speed["cpu_seconds"] for speed in sampling["speeds"]),
        training["peak_mib"],
        sampling["peak_mib"],
        tuple(rates),
        tuple(judge.prd(signals) for signals in decoded),
        judge.auroc(np.load(folder / "samples.npy"), labels),
    )


def print_sides(report: Report, sides: list[Side], real: float) -> None:
    """Two tables: cost and TSTR of all, and PRD of ours beside each peer that has a codec."""
    header = ["", "parameters", "training CPU s", *(f"s/record at {batch}" for batch in report.options.batches)]
    header += ["peak MiB training", "sampling", "TSTR macro AUROC"]
    rows: list[list[Cell]] = []
    for side in sides:
        costs = [side.training_seconds, *side.seconds, side.training_mib, side.sampling_mib]
        rows.append([side.name, cell(side.parameters, 0), *map(number, costs), cell(side.auroc, 3)])
    rows.append(["real records, as many", *[""] * (len(header) - 2), cell(real, 3)])
    report.table("cost, and what a classifier learns from the records (CPU seconds)", header, rows)
    ours, compared = sides[0], []
    for side in sides[1:]:
        for rate, value in zip(side.bit_rates, side.prds, strict=True):
            place = ours.at_rate(rate)
            beside = (number(ours.bit_rates[place]), number(ours.prds[place]))
            compared.append((side.name, f"{rate:,.0f} bit/s", number(value), *beside))
    report.table(
        "reconstruction: median PRD over the test records",
        ("", "bit/s", "PRD %", "vqecg bit/s", "vqecg PRD %"),
        compared,
    )


if __name__ == "__main__":
    main()
