"""`vqecg train-classifier`."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vqecg.downstream.classifiers.metrics import ClassificationMetrics, classification_metrics
from vqecg.downstream.classifiers.published_metrics import published_scores
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.signals import JoinedSignals, StoreSignals, record_digests
from vqecg.downstream.classifiers.training import LabelledSignals, classifier_card, predict, train_classifier
from vqecg.records.files.atomic import write_text
from vqecg.records.folds import FoldSplit, SplitIndices, folds_text
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import TrainingSubset, split_rows
from vqecg.scripts.cli.arguments import plain
from vqecg.scripts.cli.presets import SMALL, preset
from vqecg.scripts.cli.stage import Stage, begin
from vqecg.training.processes import is_main_process


@dataclass(frozen=True)
class Arguments:
    """Options of `vqecg train-classifier`."""

    store: Path  # folder that `vqecg prepare` wrote: the real recordings
    out: Path  # folder of the classifier
    task: str = "superdiagnostic"  # all, diagnostic, subdiagnostic, superdiagnostic, form, rhythm, cpsc2018 or own
    synthetic: tuple[Path, ...] = ()  # stores of synthetic records (`vqecg prepare` on them), added to training whole
    real: bool = True  # --no-real: train on the synthetic records alone, not on the real training folds too
    preset: str = "small"  # tiny, small or base: the defaults of --training
    folds: FoldSplit = field(default_factory=FoldSplit)
    training: ClassifierSettings = field(default_factory=lambda: SMALL.classifier)
    seed: int = 0  # of the first weights and the order of records
    overwrite: bool = False  # start anew where --out holds a classifier of other settings
    subset: TrainingSubset = field(default_factory=TrainingSubset)  # fewer real training records

    model_option: ClassVar[str] = "training.model"

    @staticmethod
    def preset_defaults(name: str, model: str = "") -> dict[str, Any]:
        """What --preset sets, and the recipe of a classifier."""
        return {"training": preset(name, model).classifier}


def run(arguments: Arguments) -> None:
    """Trains the classifier and tests it on real records."""
    train(arguments)


def train(arguments: Arguments) -> Stage:
    """Trains, tests and saves; a folder that is finished is left as it is."""
    store = RecordStore.open(arguments.store)
    added = [RecordStore.open(folder) for folder in arguments.synthetic]
    rows, task = split_rows(store, arguments.folds, arguments.subset), store.task(arguments.task)
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
        "subset": plain(arguments.subset),
        "training": plain(arguments.training),
        "seed": arguments.seed,
    }
    check_added(store, rows, added)
    stage = begin(arguments.out, "train-classifier", identity, arguments.overwrite, plain(arguments))
    if stage.figures is None:
        with stage:
            data = LabelledSignals(
                JoinedSignals(tuple(StoreSignals(source, own) for source, own in sources)),
                np.concatenate([source.labels(source.same_task(task))[own] for source, own in sources]),
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
                progress=is_main_process(),
                real_labels=labels[rows.train],
            )
            if not is_main_process():
                return stage  # the main process tests and saves
            scores = predict(trained.model, StoreSignals(store, rows.test))
            metrics = classification_metrics(
                labels[rows.test],
                scores,
                trained.thresholds.values,
                task.class_names,
                trained.thresholds.policy,
            )
            model: Any = trained.model
            model.save_pretrained(
                arguments.out, classifier_card(trained, trained_on(arguments, store), len(data.labels))
            )
            write_text(arguments.out / "thresholds.json", json.dumps(plain(trained.thresholds)) + "\n")
            first = task.first_columns(store.table["statements"].iloc[rows.test].tolist())
            published = published_scores(labels[rows.test], scores, arguments.task, metrics, arguments.seed, first)
            stage = stage.finish({"metrics": metrics.to_dict(), "published": published, "records": len(data.labels)})
            shutil.rmtree(arguments.out / "training")
    figures = stage.figures or {}
    print(f"trained on {figures['records']:,} records ({stage.seconds / 60:.1f} minutes), tested on real ones:")
    print(ClassificationMetrics.from_dict(figures["metrics"]))
    for protocol, said in figures.get("published", {}).items():
        print(f"by the protocol of {protocol}: {said}")
    return stage


def check_added(store: RecordStore, rows: SplitIndices, added: list[RecordStore]) -> None:
    """Raises ValueError for added records of another rate or length, or that are in validation or test."""
    held_out = np.concatenate([rows.validation, rows.test])
    kept_back = set(record_digests(StoreSignals(store, held_out))) if added else set()
    for other in added:
        if other.spec != store.spec:
            raise ValueError(
                f"{other.folder} holds records of {other.spec.seconds:g} s at {other.spec.sampling_rate} Hz, "
                f"{store.folder} of {store.spec.seconds:g} s at {store.spec.sampling_rate} Hz: prepare both alike"
            )
        copies = sum(digest in kept_back for digest in record_digests(StoreSignals(other, np.arange(len(other)))))
        if copies:
            raise ValueError(
                f"{copies} records of {other.folder} are in the validation or test folds of {store.folder} (to the "
                "microvolt), expected none: --synthetic is for records that were made from training folds alone"
            )


def trained_on(arguments: Arguments, store: RecordStore) -> str:
    """What the classifier was trained on, in words."""
    real = f"{store.description}, folds {folds_text(arguments.folds.train)}" if arguments.real else ""
    synthetic = f"{len(arguments.synthetic)} synthetic sets" if arguments.synthetic else ""
    return " and ".join(filter(None, (real, synthetic)))
