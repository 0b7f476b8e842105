"""The outputs of a finished run that several sections of its report are made from."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from vqecg.downstream.assessment.realism import mean_scores
from vqecg.downstream.classifiers.models.registry import classifier_class
from vqecg.downstream.comparison.comparison import read_comparison
from vqecg.downstream.comparison.results import Comparison
from vqecg.records.folds import FoldSplit, SplitIndices
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.records.store.subset import TrainingSubset, split_rows
from vqecg.reports.run.folders import RunFolders


@dataclass(frozen=True, eq=False)
class RunParts:
    """Stores, labels, comparison and the classifiers trained on real records alone."""

    folders: RunFolders
    store: RecordStore
    rows: SplitIndices
    task: LabelTask
    labels: np.ndarray  # (records, classes) 0/1, of the store; NaN = unknown, in training records alone
    synthetic: RecordStore
    comparison: Comparison
    classifiers: tuple[torch.nn.Module, ...]  # trained on real records, one per seed
    test_scores: np.ndarray  # (test records, classes) in 0..1, mean over these classifiers

    @property
    def test(self) -> RecordSelection:
        """The test records."""
        return RecordSelection(self.store, self.rows.test)

    @property
    def test_labels(self) -> np.ndarray:
        """(test records, classes) 0/1."""
        return self.labels[self.rows.test]


def open_parts(folders: RunFolders, task_name: str, folds: FoldSplit, subset: TrainingSubset | None = None) -> RunParts:
    """Opens the folders of a finished run. Raises ValueError where a step is missing."""
    subset = subset or TrainingSubset()
    store = subset.known_labels(RecordStore.open(folders.store), folds)
    task = store.task(task_name)
    rows = split_rows(store, folds, subset, task)
    comparison = read_comparison(folders.comparison_runs)
    classifiers = real_classifiers(folders, comparison)
    return RunParts(
        folders=folders,
        store=store,
        rows=rows,
        task=task,
        labels=store.labels(task, unknown=math.nan),
        synthetic=RecordStore.open(folders.synthetic_store),
        comparison=comparison,
        classifiers=classifiers,
        test_scores=mean_scores(classifiers, RecordSelection(store, rows.test)),
    )


def real_classifiers(folders: RunFolders, comparison: Comparison) -> tuple[torch.nn.Module, ...]:
    """The comparison's classifiers trained on real records only, one per seed."""
    model_class: Any = classifier_class(comparison.settings["model"])
    return tuple(
        model_class.from_pretrained(folders.comparison_runs / f"real-only-{seed}" / "model")
        for seed in comparison.seeds
    )
