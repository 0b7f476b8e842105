"""Every classifier by its recipe on the real folds: parameters, seconds, and macro averages with intervals.

    python -m benchmarks.evaluation.classifiers --store runs/ptbxl/store --seeds 0 1 2
    python -m benchmarks.evaluation.classifiers --store runs/ptbxl/store --runs runs/zoo \
        --models label-correlation no-decoder

With --runs the scores of every training are stored, and the same command goes on where it was stopped.
Intervals are a bootstrap over patients and seeds. Below the rows stands each one's difference from the first, paired by
patient and seed. Nothing is chosen on the test folds: the weights of the last step, F1 at thresholds from validation.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from vqecg.downstream.classifiers.batch_augmentation import AUGMENTATIONS
from vqecg.downstream.classifiers.losses import LOSSES
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS
from vqecg.downstream.classifiers.settings import ClassifierSettings, recipe
from vqecg.downstream.classifiers.training import LabelledSignals, model_config, predict, train_classifier
from vqecg.downstream.comparison.tables import LEAST_PATIENTS, unjudged_classes
from vqecg.evaluation.statistics.bootstrap import (
    METRICS,
    ReplicatedMetric,
    macro_average,
    paired_difference,
    replicate_metric,
)
from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import BootstrapDraw, draw_bootstrap
from vqecg.records.files.atomic import write_text
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.reports.results import METRIC_TITLES

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Variant:
    """A classifier of the comparison."""

    name: str
    model: str  # a name in downstream/models
    model_settings: Mapping[str, Any] = field(default_factory=dict)  # fields of its config


ABLATIONS: Mapping[str, Mapping[str, Any]] = {  # of the label-correlation network
    "label-features": {"memory": "label features"},
    "embedding-memory": {"memory": "labels"},
    "no-label-module": {"label_module": False},
    "no-decoder": {"decoder": False},
    "neither": {"label_module": False, "decoder": False},
}


@dataclass(frozen=True, eq=False)
class Parts:
    """The records of a comparison."""

    train: LabelledSignals
    validation: LabelledSignals
    test: LabelledSignals
    class_names: tuple[str, ...]
    sampling_rate: int  # Hz
    data: Mapping[str, Any]  # what names the records: store, task and folds
    draw: BootstrapDraw  # of the test part, shared by all variants
    unjudged: tuple[str, ...]  # classes that too few test patients have


@dataclass(frozen=True)
class Run:
    """The outcome of one training of a variant; as JSON in the folder of --runs."""

    scores: list[list[float]]  # (test records, classes) in 0..1
    thresholds: list[float]  # one per class
    policy: str  # of the thresholds
    parameters: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Row:
    """The outcome of one variant."""

    variant: Variant
    parameters: int
    seeds: int
    seconds: float  # of one training, on average
    policy: str  # of the thresholds
    metrics: dict[str, ReplicatedMetric]  # by name, of METRICS


def main(arguments: list[str] | None = None) -> None:
    """Trains, measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    parts = read_parts(options)
    print(
        f"{len(parts.train.labels):,} records to train on, {len(parts.validation.labels)} for thresholds, "
        f"{len(parts.test.labels)} of {parts.draw.patients} patients to test on; seeds {options.seeds}"
    )
    rows = []
    for variant in map(find_variant, options.models):
        settings = settings_of(variant, options)
        runs = [stored_run(variant, settings, parts, seed, options.runs) for seed in options.seeds]
        rows.append(measure(variant, runs, parts))
        print(f"{variant.name}: {', '.join(map(str, cells(rows[-1], parts)[1:]))}", flush=True)
    header = ("", "parameters", "seeds", "seconds", *(f"macro {title}" for title in METRIC_TITLES.values()))
    judged = len(parts.class_names) - len(parts.unjudged)
    report.table(f"macro averages over {judged} classes", header, [cells(row, parts) for row in rows])
    if parts.unjudged:
        print(f"left out, with fewer than {LEAST_PATIENTS} test patients: {', '.join(parts.unjudged)}")
    print(f"F1 at thresholds: {rows[0].policy}")
    for row in rows[1:]:
        print(f"\n{row.variant.name} minus {rows[0].variant.name}:")
        for metric in METRICS:
            arms = (row.metrics[metric], rows[0].metrics[metric])
            result = paired_difference(
                *arms, parts.draw, parts.class_names, confidence=CONFIDENCE, unjudged=parts.unjudged
            )
            print(f"  {result}")
            difference = cell(result.estimate, 4, "", result.low, result.high, signed=True)
            report.add(row.variant.name, f"{METRIC_TITLES[metric]}, minus {rows[0].variant.name}", difference)
    report.write(
        {
            "training records": len(parts.train.labels),
            "test records": len(parts.test.labels),
            "test patients": parts.draw.patients,
        }
    )


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder of `vqecg prepare`")
    parser.add_argument("--task", default="superdiagnostic", help="which labels")
    names = [*CLASSIFIERS.names(), *ABLATIONS]
    listed = (
        f"{', '.join(CLASSIFIERS.names())} (these if none is named), and of label-correlation: {', '.join(ABLATIONS)}"
    )
    parser.add_argument(
        "--models", nargs="+", choices=names, default=list(CLASSIFIERS.names()), metavar="NAME", help=listed
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one training for each")
    parser.add_argument("--train", type=int, nargs="+", default=list(range(1, 8)), help="folds to learn from")
    parser.add_argument("--validation", type=int, nargs="+", default=[8], help="folds for thresholds")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds to test on")
    parser.add_argument("--steps", type=int, help="of each training (default: the recipe's)")
    parser.add_argument("--loss", choices=LOSSES.names(), help="in place of the recipe's")
    parser.add_argument("--augmentation", choices=AUGMENTATIONS.names(), help="in place of the recipe's")
    parser.add_argument("--crop-seconds", type=float, help="in place of the recipe's; 0 = whole records")
    parser.add_argument("--runs", type=Path, help="folder for the outcome of each training")
    parser.add_argument("--replicates", type=int, default=1000, help="bootstrap draws")
    options = parser.parse_args(arguments)
    if len(set(options.seeds)) < len(options.seeds):
        parser.error(f"--seeds are {options.seeds}; expected each once")
    return options


def read_parts(options: argparse.Namespace) -> Parts:
    """The folds of the store that are asked for."""
    store = RecordStore.open(options.store)
    task = store.task(options.task)
    labels = store.labels(task)
    rows = FoldSplit(tuple(options.train), tuple(options.validation), tuple(options.test)).indices(store.table)
    train, validation, test = (
        LabelledSignals(RecordSelection(store, part), labels[part]) for part in (rows.train, rows.validation, rows.test)
    )
    patients = [str(patient) for patient in store.table["patient_id"].to_numpy()[rows.test]]
    draw = draw_bootstrap(patients, len(options.seeds), options.replicates, 0)
    folds = {name: getattr(options, name) for name in ("train", "validation", "test")}
    data = {"store": store.fingerprint, "task": task.to_dict(), "folds": folds}
    few = unjudged_classes(test.labels, draw.patient_of, task.class_names)
    return Parts(train, validation, test, task.class_names, store.spec.sampling_rate, data, draw, few)


def find_variant(name: str) -> Variant:
    """The classifier of this name, or the label-correlation network with one of ABLATIONS."""
    if name in ABLATIONS:
        return Variant(name, "label-correlation", ABLATIONS[name])
    return Variant(name, name)


def settings_of(variant: Variant, options: argparse.Namespace) -> ClassifierSettings:
    """The model's recipe with what the command line puts in its place."""
    settings = recipe(variant.model)
    asked = {"loss.name": options.loss, "augmentation.name": options.augmentation, "crop_seconds": options.crop_seconds}
    settings = settings.of_steps(settings.fit.steps if options.steps is None else options.steps)
    return settings.changed({name: value for name, value in asked.items() if value is not None})


def stored_run(variant: Variant, settings: ClassifierSettings, parts: Parts, seed: int, folder: Path | None) -> Run:
    """A training's outcome: from the file that is named after all it depends on, or trained and written there."""
    if folder is None:
        return train(variant, settings, parts, seed)
    model = model_config(variant.model, parts.class_names, parts.sampling_rate, variant.model_settings)
    known = {"name": variant.name, "model": model, "settings": asdict(settings), "seed": seed, "data": parts.data}
    path = folder / f"{hashlib.blake2b(json.dumps(known, sort_keys=True).encode(), digest_size=12).hexdigest()}.json"
    if path.is_file():
        return Run(**json.loads(path.read_text(encoding="utf-8"))["run"])
    run = train(variant, settings, parts, seed)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps({"known": known, "run": asdict(run)}) + "\n")
    return run


def train(variant: Variant, settings: ClassifierSettings, parts: Parts, seed: int) -> Run:
    """Trains a variant and scores the test part."""
    began = time.perf_counter()
    trained = train_classifier(
        parts.train,
        settings,
        parts.class_names,
        seed,
        parts.validation,
        parts.sampling_rate,
        description=f"{variant.name}, seed {seed}",
        model_settings=variant.model_settings,
    )
    return Run(
        predict(trained.model, parts.test.signals).tolist(),
        list(trained.thresholds.values),
        trained.thresholds.policy,
        sum(one.numel() for one in trained.model.parameters()),
        time.perf_counter() - began,
    )


def measure(variant: Variant, runs: Sequence[Run], parts: Parts) -> Row:
    """The metrics of a variant's runs, one per seed."""
    labels, scores = parts.test.labels.astype(np.float64), np.stack([run.scores for run in runs])
    cuts = np.array([run.thresholds for run in runs])
    metrics = {metric: replicate_metric(metric, labels, scores, parts.draw, cuts) for metric in METRICS}
    seconds = float(np.mean([run.seconds for run in runs]))
    return Row(variant, runs[0].parameters, len(runs), seconds, runs[0].policy, metrics)


def cells(row: Row, parts: Parts) -> list[Cell]:
    """One line of the table."""
    judged = ~np.isin(parts.class_names, parts.unjudged)
    averages = [interval_value(row.metrics[metric], parts.draw, judged) for metric in METRICS]
    return [row.variant.name, *map(cell, (row.parameters, row.seeds, row.seconds), (0, 0, 0)), *averages]


def interval_value(metric: ReplicatedMetric, draw: BootstrapDraw, judged: np.ndarray | slice = slice(None)) -> Cell:
    """The macro average over the classes `judged` (classes,) bool, mean over seeds, and its interval."""
    drawn = macro_average(metric.values[:, :, judged], draw)
    low, high = percentile_interval(drawn[1:], CONFIDENCE)
    return cell(drawn[0], 4, "", low, high)


if __name__ == "__main__":
    main()
