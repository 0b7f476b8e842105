"""Chosen records of a store, in order: their signals, labels, patients and attributes, read when they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vqecg.records.labels import LabelTask
from vqecg.records.leads import INDEPENDENT_LEADS

if TYPE_CHECKING:
    from torch.utils.data import Dataset

    from vqecg.records.store.record_store import RecordStore

    MapStyle = Dataset[tuple[np.ndarray, np.ndarray]]
else:
    MapStyle = object  # a DataLoader asks for no more than length and items; torch is not imported to read records

CHUNK = 512  # records read at a time


@dataclass(frozen=True, eq=False)
class RecordSelection:
    """Rows of a store. Indexed by int64 numbers it gives signals (n, 8, samples) float32 mV."""

    store: RecordStore
    rows: np.ndarray  # (records,) int64

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        return self.store.signals(self.rows[indices])

    def only(self, chosen: np.ndarray | slice) -> RecordSelection:
        """The records at `chosen` (numbers, a mask or a slice) of these."""
        return RecordSelection(self.store, self.rows[chosen])

    @property
    def signals(self) -> np.ndarray:
        """All of them at once: (records, 8, samples) float32 mV."""
        return self.store.signals(self.rows)

    @property
    def table(self) -> pd.DataFrame:
        """Their rows of the store's table."""
        return self.store.table.iloc[self.rows]

    @property
    def statements(self) -> list[dict[str, float]]:
        """Statement -> likelihood in percent, one dict per record."""
        return [dict(names) for names in self.table["statements"]]

    @property
    def patients(self) -> np.ndarray:
        """(records,) names of patients; a record of unknown patient is a patient of its own."""
        return self.store.patients(self.rows)

    def attributes(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Columns of the table by name, such as age and sex: (records,) each."""
        table = self.table
        return {name: table[name].to_numpy() for name in names}

    def chunks(self) -> Iterator[np.ndarray]:
        """Signals (n, 8, samples) float32 mV, some at a time."""
        for start in range(0, len(self.rows), CHUNK):
            yield self.store.signals(self.rows[start : start + CHUNK])

    def labels(self, task: LabelTask, unknown: float | None = None) -> np.ndarray:
        """(records, classes) float32 of a task, by the store's own statement table.

        Raises ValueError where a label is unknown, unless `unknown` is math.nan, which then stands for it.
        """
        return self.store.labels(self.store.same_task(task), self.rows, unknown)

    def sample(self, count: int, seed: int) -> RecordSelection:
        """At most `count` of them, drawn without replacement, in order."""
        if len(self.rows) <= count:
            return self
        chosen = np.random.default_rng(seed).choice(len(self.rows), count, replace=False)
        return RecordSelection(self.store, self.rows[np.sort(chosen)])


@dataclass(frozen=True, eq=False, repr=False)
class LabelledRecords(MapStyle):
    """Records one by one with their labels: a map-style data set for a torch DataLoader, with workers or without.

    Number n gives its signal (8, samples) float32 mV, leads I, II, V1 to V6, and its labels (classes,) float32; a
    DataLoader makes tensors (batch, 8, samples) and (batch, classes) of them. Signals are read when they are asked for.
    """

    records: RecordSelection
    task: LabelTask
    labels: np.ndarray  # (records, classes) float32 0 or 1; NaN = unknown, where that was asked for

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of `labels`."""
        return self.task.class_names

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        labels = self.labels[number]
        if labels.ndim != 1:
            raise ValueError(f"got {number!r} for one record; expected a whole number: `records` takes several")
        return self.records[np.array([number])][0], labels

    def __repr__(self) -> str:
        return f"LabelledRecords({len(self):,} records of {self.records.store.spec}, {self.task.name!r})"

    def to_datasets(self) -> Any:
        """A Hugging Face `datasets.Dataset` of all records: record_id, signal (8, samples) mV, labels (classes,).

        It is written to that library's cache, record by record. Raises ImportError where `datasets` is not installed.
        """
        try:
            import datasets  # here, as nothing else needs it
        except ImportError as error:
            raise ImportError("to_datasets needs Hugging Face's package datasets: pip install datasets") from error
        samples, classes = self.records.store.spec.samples, len(self.class_names)
        features = datasets.Features(
            {
                "record_id": datasets.Value("string"),
                "signal": datasets.Array2D((len(INDEPENDENT_LEADS), samples), "float32"),
                "labels": datasets.Sequence(datasets.Value("float32"), length=classes),
            }
        )
        digest = sha256(self.records.store.fingerprint.encode() + self.records.rows.tobytes() + self.labels.tobytes())
        contents = {"records": self, "digest": digest.hexdigest()}  # the library goes by them to find what it has
        return datasets.Dataset.from_generator(_examples, features=features, gen_kwargs=contents)


def _examples(records: LabelledRecords, digest: str) -> Iterator[dict[str, Any]]:
    """The records as `to_datasets` writes them."""
    for number, record_id in enumerate(records.records.table["record_id"]):
        signal, labels = records[number]
        yield {"record_id": record_id, "signal": signal, "labels": labels}
