"""The patients behind each class, said before anything is trained: what can be judged, and what that would take."""

import json
import math
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from vqecg.downstream.comparison.tables import LEAST_PATIENTS, unjudged_classes
from vqecg.records.folds import SplitIndices
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore

PARTS = ("train", "validation", "test")
HEADS = ("class", "training", "validation", "test")
MOST = 0.5  # share of records without a class from which on a task is probably not the one that was meant
NAMED = 8  # labels outside a task that are named, at most


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """Patients and records with each class of a task in each part of a store."""

    store: RecordStore
    task: LabelTask
    rows: SplitIndices

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per class: class_name, and patients and records of each part, such as test_patients, test_records."""
        columns = dict[str, object]()
        for part in PARTS:
            patients, labels = self.store.patients(getattr(self.rows, part)), self.known(part)
            columns[f"{part}_patients"] = [len(set(patients[present])) for present in labels.T]
            columns[f"{part}_records"] = labels.sum(axis=0)
        return pd.DataFrame({"class_name": self.task.class_names, **columns})

    @cached_property
    def every_patient(self) -> dict[str, int]:
        """Class -> patients with it in all parts together, as each is tested on once when folds rotate."""
        patients = self.store.patients(np.concatenate([getattr(self.rows, part) for part in PARTS]))
        labels = np.concatenate([self.known(part) for part in PARTS])
        return {name: len(set(patients[labels[:, column]])) for column, name in enumerate(self.task.class_names)}

    @property
    def unjudged(self) -> tuple[str, ...]:
        """Classes that fewer than LEAST_PATIENTS test patients have, or lack: the rule of a comparison."""
        labels, patients = self.known("test").astype(np.float32), self.store.patients(self.rows.test)
        return unjudged_classes(labels, patients, self.task.class_names)

    def known(self, part: str) -> np.ndarray:
        """True where a record of a part is known to have a class: (records, classes) bool.

        Raises ValueError for an unknown label of validation or test.
        """
        rows = getattr(self.rows, part)
        if part == "train":
            return self.store.labels(self.task, rows, math.nan) == 1
        whole = (
            self.store if self.store.whole is None else self.store.whole
        )  # pooled folds: another part trains on them
        return whole.labels(self.task, rows) == 1

    def describe(self, targets: Sequence[str]) -> str:
        """The counts of the target classes as a table, the classes that cannot be judged, and what would judge them."""
        rows = self.table.set_index("class_name").loc[list(targets)]
        cells = [HEADS, *((name, *(self.cell(row, part) for part in PARTS)) for name, row in rows.iterrows())]
        widths = [max(len(str(row[column])) for row in cells) for column in range(len(HEADS))]
        lines = ["  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        blind = [name for name in targets if rows.loc[name, "validation_records"] == 0]
        if blind:
            lines.append(f"no validation record has {', '.join(blind)}: no threshold can be chosen for F1")
        return "\n".join(
            [f"patients (records) with the target classes of {self.task.name}:", *lines, *self.judging(targets)]
        )

    @staticmethod
    def cell(row: pd.Series, part: str) -> str:
        """Patients, and records behind them."""
        return f"{row[f'{part}_patients']:,} ({row[f'{part}_records']:,})"

    def judging(self, targets: Sequence[str]) -> list[str]:
        """Lines on the classes that some record has and that cannot be judged; none where all can."""
        every = {name: count for name, count in self.every_patient.items() if count and name in self.unjudged}
        if not every:
            return []
        held = ", ".join(f"{name} {count:,}" for name, count in every.items())
        lines = [
            f"not judged, as fewer than {LEAST_PATIENTS} test patients have the class, or lack it (patients of all "
            f"parts together): {held}"
        ]
        hopeful = [name for name in targets if every.get(name, 0) >= LEAST_PATIENTS]
        parts = np.concatenate([getattr(self.rows, part) for part in PARTS])
        folds = sorted(set(self.store.table["fold"].iloc[parts].tolist()))
        if hopeful and len(folds) > 2:
            lines += rotating_plan(self.store.folder, self.task.name, hopeful, folds)
        return lines


def rotating_plan(store: Path, task: str, classes: Sequence[str], folds: Sequence[int]) -> list[str]:
    """The command, and the plan that it reads, by which every record is tested once."""
    together = max(1, min(3, len(folds) // 3))
    return [
        f"{', '.join(classes)} could be judged if every record were tested on once: "
        f"vqecg compare --plan plan.yaml --store {shlex.quote(str(store))} --out OUT, with this plan.yaml (each turn "
        "has a generator of its own, which docs/quickstart.md shows how to train):",
        "cells:",
        f"  - {{name: rotating folds, task: {task}, target_classes: {json.dumps(list(classes), ensure_ascii=False)}, "
        f'rotate: {list(folds)}, together: {together}, generator: "runs/without-{{test_fold}}/prior"}}',
    ]


def outside_task(store: RecordStore, task: LabelTask, option: str = "--task") -> str:
    """A line on the records that have labels but no class of the task; "" where there are none.

    Raises ValueError when no record of the store has a class.
    """
    statements = store.table["statements"]
    labels = store.labels(task, unknown=math.nan)
    without = (labels == 0).all(axis=1) & (statements.map(len) > 0).to_numpy()
    if not without.any():
        return ""
    counted = Counter(name for names in statements[without] for name in names)
    named = ", ".join(f"{name} ({count:,})" for name, count in counted.most_common(NAMED))
    more = f" and {len(counted) - NAMED} more" if len(counted) > NAMED else ""
    share = without.mean()
    line = (
        f"{without.sum():,} of {len(store):,} records ({100 * share:.3g} %) have labels but no class of the task "
        f"{task.name}; their labels are {named}{more}"
    )
    if not (labels == 1).any():
        raise ValueError(f"no record has a class: {line}. Take the labels as they are with {option} own")
    if share < MOST:
        return line
    return f"MOST RECORDS ARE OUTSIDE THE TASK: {line}. {option} own takes the labels as they are"
