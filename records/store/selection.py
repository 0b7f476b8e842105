"""Chosen records of a store, in order: their signals, labels, patients and attributes, read when they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vqecg.records.labels import LabelTask

if TYPE_CHECKING:
    from vqecg.records.store.record_store import RecordStore

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
