"""Readers of ECGs by name: classifiers that stand on what a generator says of a recording, not on its signal.

To add one: a file in this folder, or an extension anywhere, with a subclass of `Reader`, registered here. `measure`
turns recordings into numbers and never sees a label of theirs; `fit` learns classes from those of training records.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vqecg.records.labels import LabelTask
from vqecg.records.registry import Registry
from vqecg.records.store.selection import RecordSelection

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


@dataclass(frozen=True, eq=False)
class ReadRecords:
    """Training records as a reader learns from them; row n of each field belongs together."""

    measures: np.ndarray  # (records, measures) float32
    labels: np.ndarray  # (records, classes) float32 0/1, NaN where it is unknown whether the record has the class
    patients: np.ndarray  # (records,) names


@dataclass(frozen=True, eq=False)
class FittedReader:
    """A reader that has learned its classes."""

    scores: Callable[[np.ndarray], np.ndarray]  # (records, measures) -> (records, classes) float64 in 0..1
    constant: tuple[int, ...] = ()  # columns of classes of too few patients, whose score is the same for every record

    def read(self, measures: np.ndarray, classes: int) -> np.ndarray:
        """The scores of records by their measures. Raises ValueError unless they are (records, classes) in 0..1."""
        scores = self.scores(measures)
        if scores.shape != (len(measures), classes) or not ((scores >= 0) & (scores <= 1)).all():
            raise ValueError(
                f"a reader gave scores of shape {scores.shape} from {scores.min(initial=1):g} to "
                f"{scores.max(initial=0):g} for {len(measures)} records and {classes} classes; expected (records, "
                "classes) in 0..1, none of them NaN: mend its `fit`"
            )
        return scores


class Reader(ABC):
    """A classifier of recordings by numbers that are measured on them."""

    help: ClassVar[str] = ""  # the reader in a line
    measured: ClassVar[str] = ""  # name of the measures: readers of one name share the file that keeps them
    version: ClassVar[int] = 1  # raised when the same recordings get other measures

    @abstractmethod
    def measure(self, generator: ECGGenerator, records: RecordSelection, task: LabelTask) -> np.ndarray:
        """Numbers of each recording, without a look at its labels: (records, measures) float32, NaN = unknown.

        `task` has the classes that the reader will be asked for.
        """

    @abstractmethod
    def fit(self, known: ReadRecords, seed: int) -> FittedReader:
        """Learns the classes from training records; `seed` of what is drawn."""


READERS: Registry[type[Reader]] = Registry("reader by a generator", "vqecg.downstream.reading")


def find_reader(name: str) -> Reader:
    """The reader of that name.

    Raises ValueError, with the names there are, for another, and for a reader that lacks a method or a name of what it
    measures.
    """
    reader = READERS.get(name)
    lacking = [*sorted(reader.__abstractmethods__), *([] if reader.measured else ["measured"])]
    if lacking:
        raise ValueError(f"{reader.__name__} has no {' and no '.join(lacking)}: a reader must define it")
    return reader()
