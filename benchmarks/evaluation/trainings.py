"""Classifiers, parts of a store and trainings of one on the other, each of which is done once and then read again."""

import hashlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.training import LabelledSignals, model_config, predict, train_classifier
from vqecg.downstream.comparison.tables import unjudged_classes
from vqecg.evaluation.statistics.resampling import BootstrapDraw, draw_bootstrap
from vqecg.records.files.atomic import write_text
from vqecg.records.folds import FoldSplit
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.training.checkpoint import identifying


@dataclass(frozen=True)
class Variant:
    """A classifier of the comparison."""

    name: str
    model: str  # a registered classifier
    model_settings: Mapping[str, Any] = field(default_factory=dict)  # fields of its config


LEFT_OUT: Mapping[str, Mapping[str, Any]] = {  # what a label-correlation network does without
    "no-label-module": {"label_module": False, "memory": "features"},
    "no-decoder": {"decoder": False},
    "neither": {"label_module": False, "decoder": False},
}
VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("label-features", "label-correlation", {"memory": "label features"}),
        Variant("embedding-memory", "label-correlation", {"memory": "labels"}),
        *(Variant(name, "label-correlation", settings) for name, settings in LEFT_OUT.items()),
        *(Variant(f"zhang-sun-{name}", "zhang-sun", settings) for name, settings in LEFT_OUT.items()),
    )
}


def find_variant(name: str) -> Variant:
    """The classifier of this name, or the one of VARIANTS."""
    return VARIANTS.get(name, Variant(name, name))


@dataclass(frozen=True, eq=False)
class Parts:
    """The records of a comparison."""

    train: LabelledSignals
    validation: LabelledSignals
    test: LabelledSignals
    task: LabelTask
    sampling_rate: int  # Hz
    data: Mapping[str, Any]  # what names the records: store, task, folds
    draw: BootstrapDraw  # of the test part, shared by all variants
    unjudged: tuple[str, ...]  # classes that too few test patients have
    first_labels: list[int]  # of the test records, the column of the class that the source names first; -1 without one

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the task."""
        return self.task.class_names


def read_parts(
    store: RecordStore, task_name: str, folds: FoldSplit, seeds: int, replicates: int, only_with_class: bool = False
) -> Parts:
    """The folds of the store, and a draw of `replicates` for as many `seeds`.

    With `only_with_class` records that have no class of the task are left out of every part, as the PTB-XL benchmark
    and the papers that follow it do.
    """
    task = store.task(task_name)
    labels = store.labels(task)
    rows = folds.indices(store.table)
    chosen = [
        part[labels[part].any(axis=1)] if only_with_class else part for part in (rows.train, rows.validation, rows.test)
    ]
    train, validation, test = (LabelledSignals(RecordSelection(store, part), labels[part]) for part in chosen)
    patients = [str(patient) for patient in store.table["patient_id"].to_numpy()[chosen[2]]]
    draw = draw_bootstrap(patients, seeds, replicates, 0)
    named = {name: list(getattr(folds, name)) for name in ("train", "validation", "test")}
    data = {"store": store.fingerprint, "task": task.to_dict(), "folds": named}
    data |= {"only with class": True} if only_with_class else {}
    few = unjudged_classes(test.labels, draw.patient_of, task.class_names)
    first = task.first_columns(store.table["statements"].iloc[chosen[2]].tolist()).tolist()
    return Parts(train, validation, test, task, store.spec.sampling_rate, data, draw, few, first)


def in_epochs(settings: ClassifierSettings, epochs: int, records: int) -> ClassifierSettings:
    """The same in so many passes over the training records, with an evaluation (for early stopping) after each."""
    pass_steps = math.ceil(records / settings.fit.batch_size)
    return settings.of_steps(epochs * pass_steps).changed({"fit.evaluate_every": pass_steps})


@dataclass(frozen=True)
class Run:
    """The outcome of one training of a variant; as JSON in the folder of --runs."""

    scores: list[list[float]]  # (test records, classes) in 0..1
    thresholds: list[float]  # one per class
    policy: str  # of the thresholds
    parameters: int
    seconds: float


def stored_run(variant: Variant, settings: ClassifierSettings, parts: Parts, seed: int, folder: Path | None) -> Run:
    """A training's outcome: from the file that is named after all it depends on, or trained and written there."""
    if folder is None:
        return train(variant, settings, parts, seed)
    model = model_config(variant.model, parts.class_names, parts.sampling_rate, variant.model_settings)
    known = {"name": variant.name, "model": model, "settings": identifying(settings), "seed": seed, "data": parts.data}
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
