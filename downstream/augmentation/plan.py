"""The plan of additions: the label rows that are added to the real training records, the same by every method.

"Duplication" is the control that matters: a generator is of use only if its records do more than copies of real ones.
So what is added is planned once, from the real training labels, and each arm provides a signal for each planned row.
"""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from vqecg.records.bounds import Checked, Factor, PositiveFactor
from vqecg.records.folds import FoldSplit
from vqecg.records.labels import TaskName
from vqecg.records.store.subset import TrainingSubset

REAL_ONLY, DUPLICATION = "real only", "duplication"
PRIOR_SAMPLES = "prior samples"
SHUFFLED_LABELS = "shuffled labels"  # the negative control: a gain of this arm says that the comparison is broken
AUTO = "auto"  # among target classes: all scarce ones


@dataclass(frozen=True, eq=False)
class AdditionPlan:
    """The label rows that are added: those of the real training records `source_indices`, one added record each."""

    class_names: tuple[str, ...]
    target_classes: tuple[str, ...]  # the scarce classes that are filled up
    source_indices: np.ndarray  # (added,) int64, rows of the training part; a record may occur more than once
    labels: np.ndarray  # (added, classes) float32: labels to ask for, e.g. from the generator; NaN = unknown, open

    @property
    def counts(self) -> dict[str, int]:
        """Added records known to have each class; other classes than the targets come along with them."""
        totals = np.nansum(self.labels, axis=0)
        return {name: round(float(total)) for name, total in zip(self.class_names, totals, strict=True)}

    def __len__(self) -> int:
        return len(self.source_indices)


@dataclass(frozen=True)
class AdditionSettings(Checked):
    """The records that are learned from, and the labels that are added to them."""

    task: TaskName = "superdiagnostic"
    # to add records to; none = that of the subset, else as auto: all scarce ones. For advise, those that a gain is
    # about; none = that of the subset, else all
    target_classes: tuple[str, ...] = ()
    ratio: PositiveFactor = 0.5  # target classes are filled up to this multiple of the commonest class: 0.25 to 4, say
    companions: Factor = 0.0  # records without a target class added for each with one: so that looks are no sign
    folds: FoldSplit = field(default_factory=FoldSplit)  # everything is made from and fitted on the training folds
    subset: TrainingSubset = field(default_factory=TrainingSubset)  # of the training folds, as the generator's

    def targets(self, labels: np.ndarray, class_names: Sequence[str]) -> list[str]:
        """The classes to add records to, from the training `labels` (records, classes) 0/1, NaN = unknown.

        Raises ValueError where none is named and none is scarce.
        """
        if self.target_classes and self.target_classes != (AUTO,):
            return list(self.target_classes)
        if not self.target_classes and self.subset.scarce_class in class_names:
            return [self.subset.scarce_class]
        return scarce_classes(labels, class_names)

    def plan(
        self,
        labels: np.ndarray,
        class_names: Sequence[str],
        seed: int,
        eligible: np.ndarray | None = None,
        invented: Collection[str] = (),
    ) -> AdditionPlan:
        """`plan_additions` for these targets, ratio and companions. Raises ValueError as it and `targets` do."""
        how = (self.targets(labels, class_names), seed, self.ratio)
        return plan_additions(
            labels, class_names, *how, eligible=eligible, companions=self.companions, invented=invented
        )


def plan_additions(
    labels: np.ndarray,
    class_names: Sequence[str],
    target_classes: Sequence[str],
    seed: int,
    ratio: float | None = None,
    count: int | None = None,
    eligible: np.ndarray | None = None,
    companions: float = 0.0,
    invented: Collection[str] = (),
) -> AdditionPlan:
    """Plans label rows that are added so that the target classes are less scarce among `labels` (records, classes) 0/1.

    A label may be NaN, unknown: the record then counts neither as one of the class nor as one without it.

    With `ratio`, every target class is raised to that fraction of the most frequent class (1 = as many; a class that is
    there already gets none); with `count`, that many records are added for each. Rows are those of real records with
    the class, each used once before any is used twice. The scarcest class comes first, and records that bring a second
    target class along count for it. `eligible` (records,) bool limits the rows to those that every arm can provide.

    With `companions`, so many records without a target class are added for each with one. Without them all
    added records have a target class, and a classifier can learn the looks of synthetic records in place of the class.

    A target class among `invented` needs no such record: where there is none, its rows are the class alone, with the
    age and sex of any record.

    Raises ValueError as `check_numbers`, for an unknown target class, for one without an eligible record, and when
    nothing would be added.
    """
    check_numbers(ratio, count, companions)
    names, labels = tuple(class_names), np.asarray(labels)
    unknown = [name for name in target_classes if name not in names]
    if unknown or not target_classes:
        raise ValueError(f"target classes {list(target_classes)} are not all among the classes {list(names)}")
    truth, doubtful = labels > 0.5, np.isnan(labels)
    present = truth.sum(axis=0)
    usable = truth if eligible is None else truth & eligible[:, None]
    empty = [name for name in target_classes if not usable[:, names.index(name)].any() and name not in invented]
    if empty:
        raise ValueError(
            f"no training record has {', '.join(empty)} (and is eligible): nothing to copy or to learn from; drop them"
        )
    generator = np.random.default_rng(seed)
    added = np.zeros(len(names), dtype=np.int64)
    chosen, rows_labels = list[np.ndarray](), list[np.ndarray]()
    for column in sorted({names.index(name) for name in target_classes}, key=lambda column: (present[column], column)):
        wanted = count if count is not None else round((ratio or 0) * int(present.max())) - int(present[column])
        rows, asked = rows_of_class(labels, usable, column, max(0, wanted - int(added[column])), generator)
        added += (asked > 0.5).sum(axis=0)
        chosen.append(rows)
        rows_labels.append(asked)
    indices = np.concatenate(chosen)
    if not len(indices):
        raise ValueError(f"the target classes have ratio {ratio} already, nothing would be added: ask for a higher one")
    beside = round(companions * len(indices))
    if beside:
        others = np.flatnonzero(possible_companions(truth | doubtful, names, target_classes, eligible))
        rows = draw_evenly(others, beside, generator)
        indices, rows_labels = np.concatenate([indices, rows]), [*rows_labels, labels[rows]]
    return AdditionPlan(names, tuple(target_classes), indices, np.concatenate(rows_labels).astype(np.float32))


def check_numbers(ratio: float | None, count: int | None, companions: float) -> None:
    """Raises ValueError unless exactly one of ratio and count is given and positive, and for negative companions."""
    if (ratio is None) == (count is None) or not 0 < (ratio or count or 0) < math.inf:
        raise ValueError(f"got ratio {ratio} and count {count}; expected exactly one of them, more than 0")
    if not 0 <= companions < math.inf:
        raise ValueError(
            f"companions is {companions}; expected 0 or more, records without a target class for each with one"
        )


def rows_of_class(
    labels: np.ndarray, usable: np.ndarray, column: int, count: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """`count` records for a class, drawn evenly, and the labels asked for: (count,) int64, (count, classes).

    The labels are the records' own, those of the class alone where no usable record has it.
    """
    if usable[:, column].any():
        rows = draw_evenly(np.flatnonzero(usable[:, column]), count, generator)
        return rows, labels[rows]
    rows = draw_evenly(np.arange(len(labels)), count, generator)
    return rows, np.tile(np.arange(labels.shape[1]) == column, (count, 1))


def possible_companions(
    truth: np.ndarray, names: Sequence[str], target_classes: Sequence[str], eligible: np.ndarray | None
) -> np.ndarray:
    """True for eligible records without a target class, by `truth` (records, classes) bool: (records,) bool.

    Raises ValueError when none is left to be a companion.
    """
    others = ~np.any(truth[:, [names.index(name) for name in target_classes]], axis=1)
    if eligible is not None:
        others = others & eligible
    if not others.any():
        raise ValueError(
            f"every eligible record has one of {', '.join(target_classes)}: no companion can be drawn; "
            "ask for 0 companions"
        )
    return others


def scarce_classes(labels: np.ndarray, class_names: Sequence[str], share: float = 1 / 3, least: int = 20) -> list[str]:
    """Classes with fewer than `share` as many records as the commonest, and at least `least`, in the classes' order.

    A class with fewer records than `least` has too little to learn a generator from, or to be judged on. Raises
    ValueError when there is none: name target classes then.
    """
    present = (np.asarray(labels) > 0.5).sum(axis=0)
    scarce = [name for name, count in zip(class_names, present, strict=True) if least <= count < share * present.max()]
    if not scarce:
        counts = ", ".join(f"{name} {count}" for name, count in zip(class_names, present, strict=True))
        raise ValueError(f"no class is scarce among {counts} (training records); name the target classes yourself")
    return scarce


def draw_evenly(rows: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """`count` of `rows` in random order, each once before any twice: (count,) int64."""
    rounds = [generator.permutation(rows) for _ in range(-(-count // len(rows)))]
    return np.concatenate([np.empty(0, np.int64), *rounds])[:count].astype(np.int64)


def slug(name: str) -> str:
    """A name as part of a path: lower case, "-" for all but letters and digits and points."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")
