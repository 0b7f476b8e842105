"""From real recordings, synthetic ones, or both, to a classifier, tested on real ones."""

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vqecg.downstream.classifiers.held_out import check_added
from vqecg.downstream.classifiers.metrics import ClassificationMetrics, classification_metrics
from vqecg.downstream.classifiers.published_metrics import published_scores
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.signals import JoinedSignals
from vqecg.downstream.classifiers.training import LabelledSignals, classifier_card, predict, train_classifier
from vqecg.records.bounds import Checked, Seed
from vqecg.records.files.atomic import write_text
from vqecg.records.folds import FoldSplit, folds_text
from vqecg.records.labels import LabelTask, TaskName
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.records.store.subset import TrainingSubset, split_rows
from vqecg.scripts.cli.arguments import plain
from vqecg.scripts.cli.presets import SMALL
from vqecg.scripts.cli.stage import Stage, alone, begin, described
from vqecg.training.processes import is_main_process


@dataclass(frozen=True)
class ClassifierStep(Checked):
    """The recordings, the folder of the classifier, and how it is trained."""

    store: Path  # folder that `vqecg prepare` wrote: the real recordings
    out: Path  # folder of the classifier
    task: TaskName = "superdiagnostic"
    # stores of synthetic records (`vqecg prepare` on them): added to training whole, or, with a share above 0
    # (--training.mixture.share), the stream that gives that share of every batch
    synthetic: tuple[Path, ...] = ()
    real: bool = True  # --no-real: train on the synthetic records alone, not on the real training folds too
    folds: FoldSplit = field(default_factory=FoldSplit)
    training: ClassifierSettings = field(default_factory=lambda: SMALL.classifier)
    seed: Seed = 0  # of the first weights and the order of records
    overwrite: bool = False  # start anew where --out holds a classifier of other settings
    subset: TrainingSubset = field(default_factory=TrainingSubset)  # fewer real training records


@alone
def classifier_stage(step: ClassifierStep) -> Stage:
    """Trains, tests and saves; a folder that is finished is left as it is."""
    store = step.subset.known_labels(RecordStore.open(step.store), step.folds)
    added = [RecordStore.open(folder) for folder in step.synthetic]
    task = store.task(step.task)
    rows = split_rows(store, step.folds, step.subset, task)
    print(rows.unlabelled_text(), end="\n" if rows.unlabelled_text() else "")
    labels = store.labels(task, unknown=math.nan)  # of validation and test all are known
    real = [(store, rows.train)] if step.real else []
    synthetic = [(other, np.arange(len(other))) for other in added]
    sources, share = real + synthetic, step.training.mixture.share
    if not sources:
        raise ValueError("nothing to train on: drop --no-real, or name stores of synthetic records with --synthetic")
    if share and not (real and synthetic):
        raise ValueError(
            f"--training.mixture.share is {share:g}: expected real records (no --no-real) and stores of synthetic ones "
            "(--synthetic), which are that share of every batch"
        )
    identity = identity_of(step, store, sources)
    check_added(store, rows, added)
    stage = begin(step.out, "train-classifier", identity, step.overwrite, plain(step))
    if stage.figures is None:
        with stage:
            data = joined(real if share else sources, task)
            validation = LabelledSignals(RecordSelection(store, rows.validation), labels[rows.validation])
            trained = train_classifier(
                data,
                step.training,
                task.class_names,
                step.seed,
                validation,
                store.spec.sampling_rate,
                step.out / "training",
                progress=is_main_process(),
                real_labels=labels[rows.train],
                stream=joined(synthetic, task) if share else None,
            )
            if not is_main_process():
                return stage  # the main process tests and saves
            scores = predict(trained.model, RecordSelection(store, rows.test))
            metrics = classification_metrics(
                labels[rows.test],
                scores,
                trained.thresholds.values,
                task.class_names,
                trained.thresholds.policy,
            )
            model: Any = trained.model
            count = sum(len(chosen) for _, chosen in sources)
            model.save_pretrained(step.out, classifier_card(trained, trained_on(step, store), count))
            write_text(step.out / "thresholds.json", json.dumps(plain(trained.thresholds)) + "\n")
            first = task.first_columns(store.table["statements"].iloc[rows.test].tolist())
            published = published_scores(labels[rows.test], scores, step.task, metrics, step.seed, first)
            stage = stage.finish({"metrics": metrics.to_dict(), "published": published, "records": count})
            shutil.rmtree(step.out / "training")
    return stage


def identity_of(
    step: ClassifierStep, store: RecordStore, sources: Sequence[tuple[RecordStore, np.ndarray]]
) -> dict[str, Any]:
    """All that a classifier depends on; `store` is the one it is tested on, with labels hidden as the subset says."""
    return {
        "stores": [source.fingerprint for source, _ in sources],
        "real": step.real,
        "test_store": store.fingerprint,
        "task": step.task,
        "folds": plain(step.folds),
        "subset": plain(step.subset),
        "training": plain(step.training),
        "seed": step.seed,
    }


def joined(sources: Sequence[tuple[RecordStore, np.ndarray]], task: LabelTask) -> LabelledSignals:
    """Rows of several stores one after the other, with their labels for a task, NaN where unknown."""
    parts = [RecordSelection(*source) for source in sources]
    return LabelledSignals(JoinedSignals(tuple(parts)), np.concatenate([part.labels(task, math.nan) for part in parts]))


@described
def summary(stage: Stage) -> str:
    """The scores on real records."""
    if stage.figures is None:
        return ""  # a process that only helps to train
    figures = stage.figures
    lines = [
        f"trained on {figures['records']:,} records ({stage.seconds / 60:.1f} minutes), tested on real ones:",
        str(ClassificationMetrics.from_dict(figures["metrics"])),
    ]
    published = figures.get("published", {}).items()
    return "\n".join([*lines, *(f"by the protocol of {protocol}: {scores}" for protocol, scores in published)])


def trained_on(step: ClassifierStep, store: RecordStore) -> str:
    """The training records of the classifier, in words."""
    real = f"{store.description}, folds {folds_text(step.folds.train)}" if step.real else ""
    synthetic = f"{len(step.synthetic)} synthetic sets" if step.synthetic else ""
    share = step.training.mixture.share
    synthetic += f" as {share:g} of every batch" if share else ""
    return " and ".join(filter(None, (real, synthetic)))
