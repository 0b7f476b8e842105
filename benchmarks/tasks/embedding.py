"""Linear probes of `vqecg embed` for few and for all labels, beside features that learned nothing, and a network.

    python -m benchmarks.tasks.embedding --store runs/ptbxl/store --generator runs/ptbxl/prior --test 9

A logistic regression for each class on the standardised numbers, its ridge the same for all features, on the records
of a share of the training patients (drawn anew for each seed); macro AUROC on test folds, mean over seeds, with the
bootstrap's interval by patient. The generator has seen all training ECGs; none of its parts that are embedded was
shown a label. MiniRocket: random convolutions, 10,000 features. ResNet: trained on the same records in as many steps
as --steps says, which is more than few records need.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from benchmarks.tasks.minirocket import MiniRocket
from vqecg.downstream.classifiers.settings import recipe
from vqecg.downstream.classifiers.training import LabelledSignals, predict, train_classifier
from vqecg.downstream.reading.registry import ReadRecords
from vqecg.downstream.reading.traits import LogisticTraits
from vqecg.downstream.reading.untrained_tokenizer import LogisticUntrained
from vqecg.downstream.tasks.embedding.embedding import embed_store
from vqecg.evaluation.statistics.bootstrap import macro_average, replicate_metric
from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import draw_bootstrap
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.records.store.subset import by_lot

REPLICATES, CONFIDENCE = 1000, 0.95
ALL, NETWORK = "all parts", "ResNet, trained"


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options, torch.get_num_threads())
    store, generator = RecordStore.open(options.store), ECGGenerator.from_pretrained(options.generator)
    split = FoldSplit(tuple(options.train), (), tuple(options.test)).indices(store.table)
    measures = measured(store, generator, split.train)
    task = store.task(options.task)
    labels, patients = np.asarray(store.labels(task), np.float64), store.patients(np.arange(len(store))).astype(str)
    draw = draw_bootstrap(list(patients[split.test]), len(options.seeds), REPLICATES, 0)
    rows: list[Sequence[Cell]] = []
    for share in options.shares:
        drawn = [rows_of_share(split.train, patients, share, seed) for seed in options.seeds]
        scores = {
            name: [probe(part, labels, patients, some)[split.test] for some in drawn] for name, part in measures.items()
        }
        if options.steps:
            scores[NETWORK] = [
                network(store, task.class_names, labels, some, split.test, seed, options.steps)
                for some, seed in zip(drawn, options.seeds, strict=True)
            ]
        for name, of_seeds in scores.items():
            values = macro_average(replicate_metric("auroc", labels[split.test], np.array(of_seeds), draw).values, draw)
            low, high = percentile_interval(values[1:], CONFIDENCE)
            size = float(np.mean([len(some) for some in drawn]))
            rows.append((f"{share:.0%} of patients", name, cell(size, 0), cell(float(values[0]), 3, "", low, high)))
    report.table("linear probes", ("labelled", "features", "records", "macro AUROC"), rows, "probe")
    report.write({"test records": len(split.test)})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder that `vqecg prepare` wrote")
    parser.add_argument("--generator", type=Path, required=True, help="folder that `vqecg train-prior` wrote")
    parser.add_argument("--train", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6, 7], help="folds to learn from")
    parser.add_argument("--test", type=int, nargs="+", default=[9], help="folds to measure on")
    parser.add_argument("--task", default="superdiagnostic", help="labels of the probes")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.01, 0.05, 0.2, 1.0], help="of training patients")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the shares, and of the networks")
    parser.add_argument("--steps", type=int, default=300, help="of the network; 0 = none")
    return parser.parse_args(arguments)


def measured(store: RecordStore, generator: ECGGenerator, train: np.ndarray) -> dict[str, np.ndarray]:
    """Features of all records of the store, by name: (records, width) float32 each."""
    batches = list(embed_store(generator, store))
    parts = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    every = RecordSelection(store, np.arange(len(store)))
    rocket = MiniRocket.fit(store.signals(train))
    return {
        **parts,
        ALL: np.hstack(list(parts.values())),
        "untrained tokenizer": LogisticUntrained().measure(generator, every, generator.task),
        "MiniRocket": np.concatenate([rocket.features(signal) for signal in every.chunks()]),
    }


def rows_of_share(train: np.ndarray, patients: np.ndarray, share: float, seed: int) -> np.ndarray:
    """The training rows of a share of their patients, drawn by lot."""
    names = by_lot(patients[train], seed)
    chosen = names[: max(1, round(share * len(names)))]
    return train[np.isin(patients[train], chosen)]


def probe(features: np.ndarray, labels: np.ndarray, patients: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Scores (records, classes) of all records by logistic regressions on the rows."""
    known = ReadRecords(features[rows], labels[rows], patients[rows])
    return LogisticTraits().fit(known, 0).scores(features)


def network(
    store: RecordStore,
    names: Sequence[str],
    labels: np.ndarray,
    rows: np.ndarray,
    test: np.ndarray,
    seed: int,
    steps: int,
) -> np.ndarray:
    """Scores (test records, classes) of a ResNet that was trained on the rows."""
    train = LabelledSignals(RecordSelection(store, rows), labels[rows].astype(np.float32))
    settings = recipe("resnet").of_steps(steps).changed({"threshold_policy": "fixed 0.5"})
    trained = train_classifier(train, settings, names, seed, sampling_rate=store.spec.sampling_rate, progress=False)
    return predict(trained.model, RecordSelection(store, test))


if __name__ == "__main__":
    main()
