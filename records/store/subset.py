"""Fewer training records, or fewer labels, on purpose: a common class made scarce, a share of the patients, ...

Validation and test stay whole, so that what a scarce class gains can be measured on many records. An honest comparison
needs a generator that has not seen the records that were taken away: `TrainedOn` says what a model was trained on.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from vqecg.records.bounds import OMITTED_WHILE_DEFAULT, Checked, CountOrNone, PositiveShare, Seed
from vqecg.records.folds import FoldSplit, SplitIndices, folds_text
from vqecg.records.labels import LabelTask
from vqecg.records.store.hidden_labels import HiddenLabels
from vqecg.records.store.task_split import rows_by_task
from vqecg.records.unknown_labels import COLUMN

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
    # share of the training patients whose labels are known; the ECGs of the others stay, unlabelled
    labelled: PositiveShare = field(default=1.0, metadata=OMITTED_WHILE_DEFAULT)
    # class whose labels are known for few records, and unknown for the others; "" = none
    known_class: str = field(default="", metadata=OMITTED_WHILE_DEFAULT)
    # training records known to have that class, at most; of the patients drawn on the way, those without it are known
    known_records: CountOrNone = field(default=0, metadata=OMITTED_WHILE_DEFAULT)

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.known_class) != (self.known_records > 0):
            raise ValueError(
                f"known_class is {self.known_class!r} and known_records {self.known_records}; expected a class and at "
                "least 1 record, or neither"
            )
        if bool(self.scarce_class) != (self.scarce_records > 0):
            raise ValueError(
                f"scarce_class is {self.scarce_class!r} and scarce_records {self.scarce_records}; expected a class and "
                "at least 1 record, or neither"
            )

    @property
    def reduces(self) -> bool:
        """True where anything is taken away: records or labels."""
        return self.takes_records or self.hides

    @property
    def takes_records(self) -> bool:
        """True where whole recordings are taken away."""
        return bool(self.scarce_class) or self.fraction < 1

    @property
    def hides(self) -> bool:
        """True where labels of recordings that stay are taken for unknown."""
        return bool(self.known_class) or self.labelled < min(1, self.fraction)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, without the settings of labels that are at their defaults, as before there were any."""
        later = {one.name: one.default for one in fields(self) if one.metadata == OMITTED_WHILE_DEFAULT}
        return {name: value for name, value in asdict(self).items() if name not in later or value != later[name]}

    @property
    def of_recordings(self) -> TrainingSubset:
        """The subset of the recordings alone: all labels of them are known."""
        return replace(self, labelled=1.0, known_class="", known_records=0)

    def within(self, other: TrainingSubset, labels: bool = True) -> bool:
        """True where all that is known here is known under `other` too: the same of any training, or less.

        Without `labels` the recordings alone count, as for a model that uses no labels.
        """
        if not labels:
            return self.of_recordings.within(other.of_recordings)
        if self.reduces and other.reduces and self.seed != other.seed:
            return False
        scarce = (self.scarce_class, self.task, self.fraction, self.scarce_records)
        others = (other.scarce_class, other.task, other.fraction, other.scarce_records)
        fewer = self.fraction <= other.fraction
        if other.scarce_class:
            fewer = scarce[:3] == others[:3] and self.scarce_records <= other.scarce_records
        if other.known_class:  # as many records known of the class are the same records only where the same are there
            named = (self.known_class, self.task) == (other.known_class, other.task)
            fewer &= named and self.known_records <= other.known_records
            fewer &= scarce == others or not (self.scarce_class or other.scarce_class)
        return fewer and min(self.fraction, self.labelled) <= other.labelled

    def __str__(self) -> str:
        parts = [f"{self.scarce_class} cut to {self.scarce_records}"] if self.scarce_class else []
        parts += [f"{self.fraction:.3g} of the training patients"] if self.fraction < 1 else []
        parts += [f"labels of {self.labelled:.3g} of the training patients"] if self.labelled < self.fraction else []
        parts += [f"{self.known_class} known for {self.known_records}"] if self.known_class else []
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
        inside = among(patients, staying)
        rows, patients = rows[inside], patients[inside]
        return rows[self.scarce_mask(store, rows, patients)] if self.scarce_class else rows

    def known_labels(self, store: RecordStore, folds: FoldSplit) -> RecordStore:
        """A view of the store in which labels that this subset takes for unknown are hidden; the store if none are.

        Everything that learns or chooses gets this view and no other: see `split_rows`. Labels of validation and test
        stay. Raises ValueError as `train_rows`, for labels that are all known or all hidden then, and for a view that
        hides other labels already.
        """
        whole = store if store.whole is None else store.whole
        return store.hiding(self.hidden_labels(whole, folds) if self.hides else HiddenLabels())

    def hidden_labels(self, store: RecordStore, folds: FoldSplit) -> HiddenLabels:
        """The labels of the training folds that are taken for unknown."""
        rows = FoldSplit(folds.train, (), ()).indices(store.table).every_training_row
        patients = store.patients(rows)
        order = by_lot(patients, self.seed)
        labelled = among(patients, order[: round(self.labelled * len(order))])
        if not labelled.any():
            raise ValueError(
                f"{self.labelled} of {len(order)} training patients with labels is none: ask for more (labelled)"
            )
        some, statements = np.zeros(0, np.int64), tuple[str, ...]()
        if self.known_class:
            task = self.task_with(store, "known_class", self.known_class)
            statements = tuple(sorted(name for name, member in task.members.items() if member == self.known_class))
            staying = labelled & np.isin(rows, self.train_rows(store, rows))
            known = self.known_mask(store, rows[staying], patients[staying], task)
            some = np.setdiff1d(rows, rows[staying][known])
        return HiddenLabels.of(f"folds {folds_text(folds.train)}, {self}", rows[~labelled], some, statements)

    def known_mask(self, store: RecordStore, rows: np.ndarray, patients: np.ndarray, task: LabelTask) -> np.ndarray:
        """True for the rows whose labels of the known class are known: (records,) bool.

        Patients are taken by lot until `known_records` records have the class; one with more than are still wanted
        ends it too.
        """
        column = task.class_names.index(self.known_class)
        having = store.labels(task, rows, math.nan)[:, column] == 1
        if having.sum() <= self.known_records:
            raise ValueError(
                f"{int(having.sum())} labelled training records have {self.known_class}, {self.known_records} are to "
                "be known: there is nothing to hide; ask for fewer"
            )
        counts, order = Counter(patients[having].tolist()), by_lot(patients, self.seed)
        of_each = np.array([counts[name] for name in order])
        upto = np.cumsum(of_each)
        known = (upto <= self.known_records) & (upto - of_each < self.known_records)
        if not of_each[known].any():
            raise ValueError(
                f"the first patient with {self.known_class} has more than {self.known_records} records with it: ask "
                "for more, or for another seed"
            )
        return among(patients, [name for name, one in zip(order, known, strict=True) if one])

    def task_with(self, store: RecordStore, option: str, name: str) -> LabelTask:
        """The task of the subset. Raises ValueError where it does not have the class `name`."""
        task = store.task(self.task)
        if name not in task.class_names:
            raise ValueError(f"{option} is {name!r}; expected a class of {self.task}: {', '.join(task.class_names)}")
        return task

    def scarce_mask(self, store: RecordStore, rows: np.ndarray, patients: np.ndarray) -> np.ndarray:
        """True for the rows that stay when the class is made scarce: (records,) bool."""
        task = self.task_with(store, "scarce_class", self.scarce_class)
        whole = store if store.whole is None else store.whole  # the same records stay, whatever is hidden
        having = whole.labels(task, rows, math.nan)[:, task.class_names.index(self.scarce_class)] == 1
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
        return ~having | among(patients, staying)


def among(patients: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """True for the patients that are among `names`: (records,) bool. numpy's own takes the square of their number."""
    chosen = set(names)
    return np.array([patient in chosen for patient in patients], bool)


def by_lot(patients: np.ndarray, seed: int) -> list[str]:
    """Each patient once, in an order that depends on name and seed alone, not on who else is there."""
    return sorted(set(patients), key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())


def split_rows(
    store: RecordStore, folds: FoldSplit, subset: TrainingSubset, task: LabelTask | None = None
) -> SplitIndices:
    """The rows of training, cut down to the subset, and all of validation and test.

    With a `task`, a record without any known label of it is unlabelled, whatever else is known. Raises ValueError for a
    store that shows labels which the subset hides (expected is `subset.known_labels`), and for validation or test
    records with labels of the task some of which are unknown.
    """
    if subset.hides and store.hidden != subset.known_labels(store, folds).hidden:
        raise ValueError(
            f"the store shows labels that are to be unknown ({subset}); expected the view that "
            "TrainingSubset.known_labels makes of it"
        )
    rows = folds.indices(store.table)
    if subset.takes_records:
        staying = subset.train_rows(store, rows.every_training_row)
        train, unlabelled = (part[np.isin(part, staying)] for part in (rows.train, rows.unlabelled))
        rows = replace(rows, train=train, unlabelled=unlabelled)
    return rows if task is None or COLUMN not in store.table else rows_by_task(rows, store, task)


@dataclass(frozen=True)
class TrainedOn:
    """The records that a model was trained on, or a comparison trains on."""

    store: str  # fingerprint of the store
    folds: FoldSplit
    subset: TrainingSubset = field(default_factory=TrainingSubset)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"store": self.store, "folds": asdict(self.folds), "subset": self.subset.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainedOn:
        """The inverse of to_dict; a file from before subsets has none."""
        folds = {name: tuple(numbers) for name, numbers in values["folds"].items()}
        return cls(values["store"], FoldSplit(**folds), TrainingSubset(**values.get("subset", {})))

    def fewer(self, wanted: TrainedOn, labels: bool = True) -> bool:
        """True where the subset is a smaller part of the one `wanted`: this model has seen nothing else.

        Here and in `differences`: of a model that uses no labels, such as a tokenizer, `labels` is False.
        """
        return self.subset.within(wanted.subset, labels) and not wanted.subset.within(self.subset, labels)

    def differences(self, wanted: TrainedOn, labels: bool = True) -> list[str]:
        """The differences from `wanted`, in words, but for fewer of the same training records or of their labels.

        Test folds only count where this model has seen them.
        """
        differences = self._other_store(wanted)
        seen = sorted({*self.folds.train, *self.folds.validation} & set(wanted.folds.test))
        if seen:
            differences.append(f"it has seen the test folds {seen}")
        differences += [*self._other_folds(wanted, "train"), *self._other_folds(wanted, "validation")]
        if not self.subset.within(wanted.subset, labels):
            differences.append(f"{self.subset}, not {wanted.subset}")
        return differences

    def training_differences(self, wanted: TrainedOn) -> list[str]:
        """The differences from the recordings `wanted`, in words; labels, validation and test do not count."""
        differences = [*self._other_store(wanted), *self._other_folds(wanted, "train")]
        if not (self.subset.within(wanted.subset, False) and wanted.subset.within(self.subset, False)):
            differences.append(f"{self.subset}, not {wanted.subset}")
        return differences

    def train_rows(self, store: RecordStore) -> np.ndarray:
        """The rows of the training recordings in their store, or of as many others in another: (records,) int64.

        With those without a label. Raises ValueError for a training fold without records, and as
        `TrainingSubset.train_rows`.
        """
        return split_rows(store, FoldSplit(self.folds.train, (), ()), self.subset.of_recordings).every_training_row

    def _other_store(self, wanted: TrainedOn) -> list[str]:
        return [] if self.store == wanted.store else [f"another store ({self.store[:16]}, not {wanted.store[:16]})"]

    def _other_folds(self, wanted: TrainedOn, part: str) -> list[str]:
        folds, other = getattr(self.folds, part), getattr(wanted.folds, part)
        return [] if set(folds) == set(other) else [f"{part} folds {list(folds)}, not {list(other)}"]
