"""Some rows of a store, as one thing."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import patient_names

CHUNK = 512  # records read at a time


@dataclass(frozen=True, eq=False)
class RecordRows:
    """Records of a store, in the order of `rows`."""

    store: RecordStore
    rows: np.ndarray  # (records,) int64

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def patients(self) -> np.ndarray:
        """One name a patient (records,); a record of unknown patient is a patient of its own."""
        return patient_names(self.store, self.rows)

    def chunks(self) -> Iterator[np.ndarray]:
        """Signals (n, 8, samples) float32 mV, some at a time."""
        for start in range(0, len(self.rows), CHUNK):
            yield self.store.signals(self.rows[start : start + CHUNK])

    def labels(self, task: LabelTask) -> np.ndarray:
        """(records, classes) float32 of a task, by the store's own statement table."""
        return self.store.labels(self.store.same_task(task))[self.rows]

    def sample(self, count: int, seed: int) -> "RecordRows":
        """At most `count` of them, drawn without replacement, in order."""
        if len(self.rows) <= count:
            return self
        chosen = np.random.default_rng(seed).choice(len(self.rows), count, replace=False)
        return RecordRows(self.store, self.rows[np.sort(chosen)])
