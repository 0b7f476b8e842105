"""Fewer training records on purpose: a common class made scarce, or a share of the patients.

Validation and test stay whole, so that what a scarce class gains can be measured on many records. An honest comparison
needs a generator that has not seen the records that were taken away: `TrainedOn` says what a model was trained on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from vqecg.records.bounds import Checked, CountOrNone, PositiveShare, Seed
from vqecg.records.folds import FoldSplit, SplitIndices

if TYPE_CHECKING:
    from vqecg.records.store.record_store import RecordStore


@dataclass(frozen=True)
class TrainingSubset(Checked):
    """The part of the training records that is used; all of them by default."""

    scarce_class: str = ""  # class that is made scarce, such as HYP; "" = none
    scarce_records: CountOrNone = 0  # training records with that class that stay, at most; all records without it stay
    task: str = "superdiagnostic"  # that the scarce class belongs to
    fraction: PositiveShare = 1.0  # of the training patients that stay, above 0; taken before a class is made scarce
    seed: Seed = 0  # of the draw of patients; with the same seed the fewer are among the more

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.scarce_class) != (self.scarce_records > 0):
            raise ValueError(
                f"scarce_class is {self.scarce_class!r} and scarce_records {self.scarce_records}; expected a class and "
                "at least 1 record, or neither"
            )

    @property
    def reduces(self) -> bool:
        """True where anything is taken away."""
        return bool(self.scarce_class) or self.fraction < 1

    def within(self, other: TrainingSubset) -> bool:
        """True where all that stays here stays under `other` too: the same records of any training, or fewer."""
        if self.reduces and other.reduces and self.seed != other.seed:
            return False
        if not other.scarce_class:
            return self.fraction <= other.fraction
        alike = (self.scarce_class, self.task, self.fraction) == (other.scarce_class, other.task, other.fraction)
        return alike and self.scarce_records <= other.scarce_records

    def __str__(self) -> str:
        parts = [f"{self.scarce_class} cut to {self.scarce_records}"] if self.scarce_class else []
        parts += [f"{self.fraction:.3g} of the training patients"] if self.fraction < 1 else []
        return ", ".join(parts) + f" (seed {self.seed})" if parts else "all training records"

    def train_rows(self, store: RecordStore, rows: np.ndarray) -> np.ndarray:
        """Those of the training rows (records,) int64 of a store that stay, in their order.

        Whole patients go: a patient's records with the scarce class all stay or all go, so that fewer than
        `scarce_records` stay where the next patient has several. Raises ValueError for a class that the task does not
        have, one with no more records than are to stay, and when none would be left.
        """
        patients = store.patients(rows)
        names = by_lot(patients, self.seed)
        staying = names[: round(self.fraction * len(names))]
        if not staying:
            raise ValueError(f"a fraction of {self.fraction} of {len(names)} training patients is none: ask for more")
        inside = np.isin(patients, staying)
        rows, patients = rows[inside], patients[inside]
        return rows[self.scarce_mask(store, rows, patients)] if self.scarce_class else rows

    def scarce_mask(self, store: RecordStore, rows: np.ndarray, patients: np.ndarray) -> np.ndarray:
        """True for the rows that stay when the class is made scarce: (records,) bool."""
        task = store.task(self.task)
        if self.scarce_class not in task.class_names:
            raise ValueError(
                f"scarce_class is {self.scarce_class!r}; expected a class of {self.task}: {', '.join(task.class_names)}"
            )
        statements = store.table["statements"].iloc[rows].tolist()
        having = task.encode(statements)[:, task.class_names.index(self.scarce_class)] > 0
        if having.sum() <= self.scarce_records:
            raise ValueError(
                f"{int(having.sum())} training records have {self.scarce_class}, {self.scarce_records} are to stay: "
                "there is nothing to take away; ask for fewer"
            )
        order = by_lot(patients[having], self.seed)
        counts = dict(zip(*np.unique(patients[having], return_counts=True), strict=True))
        upto = np.cumsum([counts[name] for name in order])
        staying = [name for name, total in zip(order, upto, strict=True) if total <= self.scarce_records]
        if not staying:
            raise ValueError(
                f"the first patient drawn has {upto[0]} records with {self.scarce_class}, {self.scarce_records} are to "
                "stay: ask for more, or for another seed"
            )
        return ~having | np.isin(patients, staying)


def by_lot(patients: np.ndarray, seed: int) -> list[str]:
    """Each patient once, in an order that depends on name and seed alone, not on who else is there."""
    return sorted(set(patients), key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())


def split_rows(store: RecordStore, folds: FoldSplit, subset: TrainingSubset) -> SplitIndices:
    """The rows of training, cut down to the subset, and all of validation and test."""
    rows = folds.indices(store.table)
    train = subset.train_rows(store, rows.train) if subset.reduces else rows.train
    return SplitIndices(train, rows.validation, rows.test)


@dataclass(frozen=True)
class TrainedOn:
    """The records that a model was trained on, or a comparison trains on."""

    store: str  # fingerprint of the store
    folds: FoldSplit
    subset: TrainingSubset = field(default_factory=TrainingSubset)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"store": self.store, "folds": asdict(self.folds), "subset": asdict(self.subset)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainedOn:
        """The inverse of to_dict; a file from before subsets has none."""
        folds = {name: tuple(numbers) for name, numbers in values["folds"].items()}
        return cls(values["store"], FoldSplit(**folds), TrainingSubset(**values.get("subset", {})))

    def fewer(self, wanted: TrainedOn) -> bool:
        """True where the subset is a smaller part of the one `wanted`: this model has seen nothing else."""
        return self.subset.within(wanted.subset) and not wanted.subset.within(self.subset)

    def differences(self, wanted: TrainedOn) -> list[str]:
        """The differences from `wanted`, in words, but for fewer of the same training records.

        Test folds only count where this model has seen them.
        """
        differences = self._other_store(wanted)
        seen = sorted({*self.folds.train, *self.folds.validation} & set(wanted.folds.test))
        if seen:
            differences.append(f"it has seen the test folds {seen}")
        differences += [*self._other_folds(wanted, "train"), *self._other_folds(wanted, "validation")]
        if not self.subset.within(wanted.subset):
            differences.append(f"{self.subset}, not {wanted.subset}")
        return differences

    def training_differences(self, wanted: TrainedOn) -> list[str]:
        """The differences from the training records `wanted`, in words; those of validation and test do not count."""
        differences = [*self._other_store(wanted), *self._other_folds(wanted, "train")]
        if not (self.subset.within(wanted.subset) and wanted.subset.within(self.subset)):
            differences.append(f"{self.subset}, not {wanted.subset}")
        return differences

    def train_rows(self, store: RecordStore) -> np.ndarray:
        """The rows of the training records in their store, or of as many others in another: (records,) int64.

        Raises ValueError for a training fold without records, and as `TrainingSubset.train_rows`.
        """
        return split_rows(store, FoldSplit(self.folds.train, (), ()), self.subset).train

    def _other_store(self, wanted: TrainedOn) -> list[str]:
        return [] if self.store == wanted.store else [f"another store ({self.store[:16]}, not {wanted.store[:16]})"]

    def _other_folds(self, wanted: TrainedOn, part: str) -> list[str]:
        folds, other = getattr(self.folds, part), getattr(wanted.folds, part)
        return [] if set(folds) == set(other) else [f"{part} folds {list(folds)}, not {list(other)}"]
