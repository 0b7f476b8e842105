"""The classes that statements count as: PTB-XL's six tasks, the nine classes of CPSC2018, and a corpus's own labels.

The facts stand in two packaged tables (label_tables.py). Two readings to know of. CPSC2018's Normal is a normal ECG, so
of PTB-XL's statements NORM is SNR and SR (any sinus rhythm) is not. The Challenge turned Normal into the SNOMED code of
sinus rhythm, so NSR is SNR in the task `cpsc2018`, but only SR, not NORM, in PTB-XL's tasks.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import pandas as pd
from typing_extensions import Doc

from vqecg.records.bounds import Checked, Percentile, shown
from vqecg.records.label_tables import FLAGS, normal_statement_table, snomed_table
from vqecg.records.label_tables import statement_table as packaged_statements
from vqecg.records.plain_names import unfit
from vqecg.records.unknown_labels import EVERYTHING

TASKS = ("all", "diagnostic", "subdiagnostic", "superdiagnostic", "form", "rhythm", "cpsc2018")
OWN = "own"  # the task whose classes are the labels of a corpus, whatever they are called
TaskName = Annotated[str, Doc(f"one of {', '.join(TASKS)}, or {OWN}: the labels of the data, whatever they are")]
SUPERCLASSES = ("NORM", "MI", "STTC", "CD", "HYP")  # the order of Strodthoff et al., JBHI 25:1519 (2021)
CPSC2018_CLASSES = ("SNR", "AF", "IAVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE")  # labels 1-9 of its REFERENCE.csv


@dataclass(frozen=True)
class LabelTask(Checked):
    """The classes of a classification task, and the class that each statement counts as.

    The six tasks of PTB-XL always have 71, 44, 23, 5, 19 and 12 classes, in the order in which the packaged statement
    table first names them; `superdiagnostic` is in the order of SUPERCLASSES, `cpsc2018` in that of CPSC2018_CLASSES.
    """

    name: str  # one of TASKS, or OWN
    class_names: tuple[str, ...]
    minimum_likelihood: Percentile = 0.0  # percent, diagnostic statements only; a likelihood of 0 is unknown and kept
    members: Mapping[str, str] = field(default_factory=dict)  # statement -> class

    def __post_init__(self) -> None:
        super().__post_init__()
        strange = sorted(set(self.members.values()) - set(self.class_names))
        if strange:
            raise ValueError(f"members name the classes {strange}, which task {self.name!r} does not have")

    @classmethod
    def named(
        cls, name: str, statement_table: pd.DataFrame | None = None, minimum_likelihood: float = 0.0
    ) -> "LabelTask":
        """The task `name` of TASKS.

        Args:
            statement_table: a data set's own table. Statements in it that the packaged one lacks (a superclass as a
                statement, say) become members of the class that their row names; they never add or change a class.
            minimum_likelihood: percent below which a diagnostic statement of known likelihood does not count.

        Raises:
            ValueError: an unknown task, or a statement table without the columns that are needed.
        """
        if name not in TASKS:
            raise ValueError(f"task {name!r}, expected one of {', '.join(TASKS)}, or of a corpus {OWN}")
        packaged = packaged_statements()
        classes = _class_of_each(name, packaged)
        class_names = {"superdiagnostic": SUPERCLASSES, "cpsc2018": CPSC2018_CLASSES}.get(
            name, tuple(dict.fromkeys(classes.values()))
        )
        members = {class_name: class_name for class_name in class_names} | classes
        if statement_table is not None and name in ("subdiagnostic", "superdiagnostic"):
            extra = _class_of_each(name, normal_statement_table(statement_table))
            known = {code: class_name for code, class_name in extra.items() if class_name in class_names}
            members = known | members
        members = _challenge_members(name, members) | members
        return cls(name, class_names, minimum_likelihood, members)

    @classmethod
    def own(cls, statements: Iterable[Mapping[str, float]], minimum_likelihood: float = 0.0) -> "LabelTask":
        """The task whose classes are all labels of some records, by name in alphabetical order.

        Raises ValueError for records without any label, and for a label with a "+", which joins labels in our tables.
        """
        names = sorted({name for record in statements for name in record})
        if not names:
            raise ValueError(f"no record has a label: the task {OWN!r} has no class; give the records labels first")
        for name in names:
            if reason := unfit(name):
                raise ValueError(f"the label {reason}: give it another name")
        joined = [name for name in names if "+" in name]
        if joined:
            raise ValueError(f"the label {joined[0]!r} has a +, which stands between labels: give it another name")
        return cls(OWN, tuple(names), minimum_likelihood, {name: name for name in names})

    def encode(
        self, statements: Sequence[Mapping[str, float]], unknown: Sequence[Collection[str]] | None = None
    ) -> np.ndarray:
        """Multi-hot labels: (records, classes) float32 of 0 and 1. A statement that is no member counts for nothing.

        `unknown` names, for each record, the statements of which nobody said whether they are there; EVERYTHING means
        all. A class is NaN where no statement that is there counts as it and one that is unknown would.
        """
        labels = np.zeros((len(statements), len(self.class_names)), np.float32)
        for row, columns in enumerate(self._columns(statements)):
            labels[row, columns] = 1
        doubtful: dict[frozenset[str], np.ndarray] = {}  # many records lack the same
        for row, names in enumerate([] if unknown is None else unknown):
            if names:
                key = frozenset(names)
                if key not in doubtful:
                    doubtful[key] = self._doubtful(key)
                labels[row, doubtful[key] & (labels[row] == 0)] = np.nan
        return labels

    def _doubtful(self, unknown: Collection[str]) -> np.ndarray:
        """True for the classes that one of the unknown statements counts as: (classes,) bool."""
        classes = {self.members[name] for name in unknown if name in self.members}
        return np.array([EVERYTHING in unknown or name in classes for name in self.class_names], bool)

    def first_columns(self, statements: Sequence[Mapping[str, float]]) -> np.ndarray:
        """The column of the first statement of each record that has a class, -1 without one: (records,) int64.

        Readers keep the order of the source: in CPSC2018's REFERENCE.csv it is the first label.
        """
        return np.array([columns[0] if columns else -1 for columns in self._columns(statements)], np.int64)

    def _columns(self, statements: Sequence[Mapping[str, float]]) -> Iterator[list[int]]:
        """The columns of the classes of each record, in the order of its statements."""
        column = {class_name: number for number, class_name in enumerate(self.class_names)}
        likelihood_counts = self._statements_with_likelihood()
        for record in statements:
            yield [
                column[self.members[statement]]
                for statement, likelihood in record.items()
                if statement in self.members
                and not (0 < likelihood < self.minimum_likelihood and statement in likelihood_counts)
            ]

    def _statements_with_likelihood(self) -> set[str]:
        """The members whose likelihood says something: all in a diagnostic task, none in form and rhythm."""
        if self.name in ("diagnostic", "subdiagnostic", "superdiagnostic"):
            return set(self.members)
        if self.name in ("form", "rhythm"):
            return set()
        table = packaged_statements()
        return set(table.index[table["diagnostic"] == 1])

    def names(self, row: np.ndarray) -> tuple[str, ...]:
        """The classes that a row of encode(), shape (classes,), has. ValueError: a row of another length."""
        if np.shape(row) != (len(self.class_names),):
            raise ValueError(f"labels of shape {np.shape(row)}, expected ({len(self.class_names)},) for {self.name!r}")
        return tuple(class_name for class_name, present in zip(self.class_names, row, strict=True) if present > 0.5)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "name": self.name,
            "class_names": list(self.class_names),
            "minimum_likelihood": self.minimum_likelihood,
            "members": dict(self.members),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "LabelTask":
        """The inverse of to_dict. ValueError: a key is missing or unknown."""
        expected = {"name", "class_names", "minimum_likelihood", "members"}
        if not isinstance(plain, Mapping) or set(plain) != expected or not isinstance(plain["class_names"], list):
            raise ValueError(
                f"a label task of {shown(plain)}; expected the keys {sorted(expected)}, class_names a list"
            )
        return cls(plain["name"], tuple(plain["class_names"]), plain["minimum_likelihood"], dict(plain["members"]))


def _class_of_each(task: str, table: pd.DataFrame) -> dict[str, str]:
    """Statement -> class of `task`, for the statements of a normal_statement_table that have one."""
    if task in FLAGS:
        table = table[table[task] == 1]
    elif task in ("subdiagnostic", "superdiagnostic"):
        table = table[table["diagnostic"] == 1]
    columns = {"subdiagnostic": "diagnostic_subclass", "superdiagnostic": "diagnostic_class", "cpsc2018": "cpsc2018"}
    codes = table.index.tolist()
    classes = table[columns[task]].tolist() if task in columns else codes
    return {code: class_name for code, class_name in zip(codes, classes, strict=True) if class_name}


def _challenge_members(task: str, members: Mapping[str, str]) -> dict[str, str]:
    """Abbreviation -> class, for those of snomed.csv whose PTB-XL statement, or CPSC2018 class, is in `members`."""
    rows = snomed_table()[["abbreviation", "scp", "cpsc2018"]].to_numpy(dtype=object).tolist()
    if task == "cpsc2018":
        return {abbreviation: class_name for abbreviation, _, class_name in rows if class_name}
    return {abbreviation: members[scp] for abbreviation, scp, _ in rows if scp in members}
