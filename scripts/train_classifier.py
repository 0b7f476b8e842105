"""`vqecg train-classifier`."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vqecg.downstream.metrics import ClassificationMetrics, classification_metrics
from vqecg.downstream.signals import JoinedSignals, StoreSignals
from vqecg.downstream.training import ClassifierSettings, LabelledSignals, predict, train_classifier
from vqecg.records.folds import FoldSplit
from vqecg.records.store import RecordStore
from vqecg.scripts.arguments import plain
from vqecg.scripts.presets import SMALL, preset
from vqecg.scripts.stage import Stage, begin
from vqecg.training.checkpoint import write_text


@dataclass(frozen=True)
class Arguments:
    """Options of `vqecg train-classifier`."""

    store: Path  # folder that `vqecg prepare` wrote: the real recordings
    out: Path  # folder of the classifier
    task: str = "superdiagnostic"  # all, diagnostic, subdiagnostic, superdiagnostic, form, rhythm or cpsc2018
    synthetic: tuple[Path, ...] = ()  # stores of synthetic records (`vqecg prepare` on them) to add to training
    real: bool = True  # train on the real training folds; without them on synthetic records alone
    preset: str = "small"  # tiny, small or base: the defaults of --training
    folds: FoldSplit = field(default_factory=FoldSplit)
    training: ClassifierSettings = field(default_factory=lambda: SMALL.classifier)
    seed: int = 0
    overwrite: bool = False  # start anew where --out holds a classifier of other settings

    @staticmethod
    def preset_defaults(name: str) -> dict[str, Any]:
        """What --preset sets."""
        return {"training": preset(name).classifier}


def run(arguments: Arguments) -> None:
    """Trains the classifier and tests it on real records."""
    train(arguments)


def train(arguments: Arguments) -> Stage:
    """Trains, tests and saves; a folder that is finished is left as it is."""
    store = RecordStore.open(arguments.store)
    added = [RecordStore.open(folder) for folder in arguments.synthetic]
    rows, task = arguments.folds.indices(store.table), store.task(arguments.task)
    labels = store.labels(task)
    sources = [(store, rows.train)] if arguments.real else []
    sources += [(other, np.arange(len(other))) for other in added]
    if not sources:
        raise ValueError("nothing to train on: drop --no-real, or name stores of synthetic records with --synthetic")
    identity = {
        "stores": [source.fingerprint for source, _ in sources],
        "real": arguments.real,
        "test_store": store.fingerprint,
        "task": arguments.task,
        "folds": plain(arguments.folds),
        "training": plain(arguments.training),
        "seed": arguments.seed,
    }
    stage = begin(arguments.out, "train-classifier", identity, arguments.overwrite)
    if stage.figures is None:
        data = LabelledSignals(
            JoinedSignals(tuple(StoreSignals(source, own) for source, own in sources)),
            np.concatenate([source.labels(source.task(arguments.task))[own] for source, own in sources]),
        )
        validation = LabelledSignals(StoreSignals(store, rows.validation), labels[rows.validation])
        trained = train_classifier(
            data,
            arguments.training,
            task.class_names,
            arguments.seed,
            validation,
            store.spec.sampling_rate,
            arguments.out / "training",
        )
        metrics = classification_metrics(
            labels[rows.test],
            predict(trained.model, StoreSignals(store, rows.test)),
            trained.thresholds.values,
            task.class_names,
            trained.thresholds.policy,
        )
        model: Any = trained.model
        model.save_pretrained(arguments.out)
        write_text(arguments.out / "thresholds.json", json.dumps(plain(trained.thresholds)) + "\n")
        stage = stage.finish({"metrics": metrics.to_dict(), "records": len(data.labels)})
    figures = stage.figures or {}
    print(f"trained on {figures['records']:,} records ({stage.seconds / 60:.1f} minutes), tested on real ones:")
    print(ClassificationMetrics.from_dict(figures["metrics"]))
    return stage
