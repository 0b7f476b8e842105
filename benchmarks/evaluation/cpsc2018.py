"""The experiment of Zhang and Sun 2024 on CPSC2018, split 8:2: the network and its parts, F1 of each class.

    python -m benchmarks.evaluation.cpsc2018 --data data/cpsc2018 --work runs/cpsc2018 --seeds 0 1 2 3 4 \
        --result docs/results/cpsc2018.json

--data is a folder in CPSC2018's layout (REFERENCE.csv and TrainingSet*/A####.mat), the public 6,877 records of the
Challenge of 2018. Folds 9 and 10 of ten are the test; of the other eight, fold 8 says when to stop and gives the
thresholds. Beside the mean F1 stand the paper's, the official score (one answer a record), that of the Challenge 2020
and both accuracies. --work holds the store and the trainings, and the same command goes on where it was stopped.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.evaluation.classifiers import interval_value, measure
from benchmarks.evaluation.trainings import Parts, Run, Variant, find_variant, in_epochs, read_parts, stored_run
from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from vqecg.downstream.classifiers.challenge_metric import challenge_score
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS
from vqecg.downstream.classifiers.published_metrics import cpsc2018_score
from vqecg.downstream.classifiers.settings import ClassifierSettings, recipe
from vqecg.records.folds import FoldSplit
from vqecg.records.store.signal_spec import SignalSpec
from vqecg.scripts.steps.preparing import PreparingStep, prepare, summary

TASK = "cpsc2018"
FOLDS = FoldSplit(train=(1, 2, 3, 4, 5, 6, 7), validation=(8,), test=(9, 10))
# average F1 as published, of its models 1 to 3 and the whole. Our description of the paper does not say which part
# models 2 and 3 do without: they are taken in the order in which its method adds the parts, labels before the decoder
PUBLISHED = {
    "zhang-sun-neither": ("model 1", 0.606),
    "zhang-sun-no-decoder": ("model 2", 0.797),
    "zhang-sun-no-label-module": ("model 3", 0.769),
    "zhang-sun": ("the whole", 0.829),
}
AVERAGES = ("mean F1", "published mean F1", "official mean F1", "Challenge 2020", "accuracy", "exact match", "seconds")


def main(arguments: list[str] | None = None) -> None:
    """Prepares, trains, measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    spec = SignalSpec(seconds=options.seconds)
    store = prepare(PreparingStep(options.data, options.work / "store", spec, source=TASK, workers=options.workers))
    print(summary(store))
    parts = read_parts(store, TASK, FOLDS, len(options.seeds), options.replicates, only_with_class=True)
    rows = []
    for variant in map(find_variant, options.models):
        settings = settings_of(variant, options, len(parts.train.labels))
        runs = [stored_run(variant, settings, parts, seed, options.work / "runs") for seed in options.seeds]
        rows.append(cells(variant, runs, parts))
        print(f"{variant.name}: {', '.join(map(str, rows[-1][1:]))}", flush=True)
    header = ("", "in the paper", *(f"F1 {name}" for name in parts.class_names), *AVERAGES)
    report.table("F1 at thresholds from validation, mean over seeds", header, rows)
    report.write({"training records": len(parts.train.labels), "test records": len(parts.test.labels)})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder in CPSC2018's layout")
    parser.add_argument("--work", type=Path, required=True, help="folder for the store and the trainings")
    names = [*PUBLISHED, *(name for name in CLASSIFIERS.names() if name not in PUBLISHED)]
    listed = f"(default: the paper's) {', '.join(names)}"
    parser.add_argument("--models", nargs="+", choices=names, default=list(PUBLISHED), metavar="NAME", help=listed)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one training for each")
    parser.add_argument(
        "--seconds",
        type=float,
        default=20.0,
        help="length of the store's records, s: longer ones are cut, those below half of it left out",
    )
    parser.add_argument("--epochs", type=int, default=60, help="passes over the training records at most, of zhang-sun")
    parser.add_argument("--steps", type=int, help="of each training, in place of epochs and recipes")
    parser.add_argument("--workers", type=int, default=1, help="processes that read")
    parser.add_argument("--replicates", type=int, default=1000, help="bootstrap draws")
    options = parser.parse_args(arguments)
    if len(set(options.seeds)) < len(options.seeds):
        parser.error(f"--seeds are {options.seeds}; expected each once")
    return options


def settings_of(variant: Variant, options: argparse.Namespace, records: int) -> ClassifierSettings:
    """The model's recipe, in epochs for the paper's, for so many training records."""
    settings = recipe(variant.model)
    if options.steps is not None:
        return settings.of_steps(options.steps)
    return in_epochs(settings, options.epochs, records) if variant.name in PUBLISHED else settings


def cells(variant: Variant, runs: Sequence[Run], parts: Parts) -> list[Cell]:
    """One line of the table: F1 of each class and on average with intervals, and means over seeds of the others."""
    row = measure(variant, runs, parts)
    model, published = PUBLISHED.get(variant.name, ("none of its", float("nan")))
    f1 = row.metrics["f1"]
    classes = [interval_value(f1, parts.draw, np.array([number])) for number in range(len(parts.class_names))]
    labels = parts.test.labels
    others = []
    for run in runs:
        scores = np.array(run.scores)
        answers = scores >= np.array(run.thresholds)
        official = cpsc2018_score(labels, scores, parts.first_labels).mean_f1
        challenge = challenge_score(labels, answers, parts.class_names, 2020).score
        right = answers == (labels > 0.5)
        others.append((official, challenge, right.mean(), right.all(axis=1).mean()))
    means = [cell(value, 3) for value in np.mean(others, axis=0)]
    average = [interval_value(f1, parts.draw), cell(published, 3)]
    return [variant.name, model, *classes, *average, *means, cell(row.seconds, 0)]


if __name__ == "__main__":
    main()
