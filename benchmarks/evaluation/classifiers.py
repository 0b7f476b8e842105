"""Every classifier by its recipe on the real folds: parameters, seconds, and macro averages with intervals.

    python -m benchmarks.evaluation.classifiers --store runs/ptbxl/store --seeds 0 1 2
    python -m benchmarks.evaluation.classifiers --store runs/ptbxl/store --runs runs/zoo \
        --models label-correlation no-decoder
    python -m benchmarks.evaluation.classifiers --store runs/ptbxl/store --runs runs/zoo --seeds 0 1 2 3 4 \
        --only-with-class --epochs 60 --models zhang-sun zhang-sun-no-label-module zhang-sun-no-decoder \
        zhang-sun-neither label-correlation resnet

The last is the split of PTB-XL in Zhang and Sun 2024; with --task subdiagnostic, that of its subclasses.
With --runs the scores of every training are stored, and the same command goes on where it was stopped.
Intervals are a bootstrap over patients and seeds. Below the rows stands each one's difference from the first, paired by
patient and seed. Nothing is chosen on the test folds: the weights of the last step (of the lowest validation loss, for
zhang-sun, which stops early), F1 at thresholds from validation.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.evaluation.trainings import (
    VARIANTS,
    Parts,
    Run,
    Variant,
    find_variant,
    in_epochs,
    read_parts,
    stored_run,
)
from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from vqecg.downstream.classifiers.batch_augmentation import AUGMENTATIONS
from vqecg.downstream.classifiers.losses import LOSSES
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS
from vqecg.downstream.classifiers.settings import ClassifierSettings, recipe
from vqecg.downstream.comparison.tables import LEAST_PATIENTS
from vqecg.evaluation.statistics.bootstrap import (
    METRICS,
    ReplicatedMetric,
    macro_average,
    paired_difference,
    replicate_metric,
)
from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import BootstrapDraw
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.reports.results import METRIC_TITLES

CONFIDENCE = 0.95


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
    folds = FoldSplit(tuple(options.train), tuple(options.validation), tuple(options.test))
    store, seeds = RecordStore.open(options.store), len(options.seeds)
    parts = read_parts(store, options.task, folds, seeds, options.replicates, options.only_with_class)
    print(
        f"{len(parts.train.labels):,} records to train on, {len(parts.validation.labels)} for thresholds, "
        f"{len(parts.test.labels)} of {parts.draw.patients} patients to test on; seeds {options.seeds}"
    )
    rows = []
    for variant in map(find_variant, options.models):
        settings = settings_of(variant, options, len(parts.train.labels))
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
    names = [*CLASSIFIERS.names(), *VARIANTS]
    listed = f"{', '.join(CLASSIFIERS.names())} (these if none is named), or a variant: {'; '.join(VARIANTS)}"
    parser.add_argument(
        "--models", nargs="+", choices=names, default=list(CLASSIFIERS.names()), metavar="NAME", help=listed
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one training for each")
    parser.add_argument("--train", type=int, nargs="+", default=list(range(1, 8)), help="folds to learn from")
    parser.add_argument("--validation", type=int, nargs="+", default=[8], help="folds for thresholds")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds to test on")
    parser.add_argument("--only-with-class", action="store_true", help="leave out records without a class of the task")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, help="of each training (default: the recipe's)")
    length.add_argument("--epochs", type=int, help="passes over the training records, of models that stop early")
    parser.add_argument("--loss", choices=LOSSES.names(), help="in place of the recipe's")
    parser.add_argument("--augmentation", choices=AUGMENTATIONS.names(), help="in place of the recipe's")
    parser.add_argument("--crop-seconds", type=float, help="in place of the recipe's; 0 = whole records")
    parser.add_argument("--runs", type=Path, help="folder for the outcome of each training")
    parser.add_argument("--replicates", type=int, default=1000, help="bootstrap draws")
    options = parser.parse_args(arguments)
    if len(set(options.seeds)) < len(options.seeds):
        parser.error(f"--seeds are {options.seeds}; expected each once")
    return options


def settings_of(variant: Variant, options: argparse.Namespace, records: int) -> ClassifierSettings:
    """The model's recipe with what the command line puts in its place, for so many training records."""
    settings = recipe(variant.model)
    asked = {"loss.name": options.loss, "augmentation.name": options.augmentation, "crop_seconds": options.crop_seconds}
    if options.epochs is not None and settings.fit.patience:
        settings = in_epochs(settings, options.epochs, records)
    elif options.steps is not None:
        settings = settings.of_steps(options.steps)
    return settings.changed({name: value for name, value in asked.items() if value is not None})


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
