"""Synthetic records: generated from labels, or derived from real records, with all that a check needs to judge them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import torch

from vqecg.prior.requests import Requests, attribute_column
from vqecg.prior.sketch.sketch import Sketch
from vqecg.records.labels import LabelTask

if TYPE_CHECKING:
    from vqecg.records.store.selection import RecordSelection

CERTAIN = 100.0  # %, the likelihood of a statement that was asked for
NO_GATE = "No gate was applied: nobody looked whether a record is a copy of a training record."


@dataclass(frozen=True, eq=False)
class SyntheticRecords:
    """Synthetic records and what each is meant to show; row n of each field belongs together."""

    signal: np.ndarray  # (records, 8, samples) float32 mV, the independent leads
    labels: np.ndarray  # (records, classes) float32 0 or 1, of some task; NaN where a request left it open
    statements: Sequence[Mapping[str, float]]  # statement -> likelihood in percent; they give the labels
    attributes: Mapping[str, np.ndarray]  # by name, (records,) each: float32 numbers, NaN unknown; text
    parents: np.ndarray  # (records, 2) int64, rows of the store that they were made from, -1 where there is none
    weight: np.ndarray  # (records,) float64 of the second parent, 0 to 1, NaN without
    valid: np.ndarray  # (records,) bool, False where none could be made: the signal there is no ECG
    codes: np.ndarray | None = None  # (records, frames, levels) int64, of the levels that the prior writes
    sketch: Sketch | None = None  # that the codes were written for
    real_frames: np.ndarray | None = None  # (records, frames) bool, True where the codes are the first parent's

    @classmethod
    def sampled(
        cls, signal: np.ndarray, requests: Requests, task: LabelTask, codes: np.ndarray, sketch: Sketch
    ) -> SyntheticRecords:
        """Samples of a prior whose labels are the classes of `task`; they have no parents."""
        return replace(cls.drawn(signal, requests, task), codes=codes, sketch=sketch)

    @classmethod
    def drawn(cls, signal: np.ndarray, requests: Requests, task: LabelTask) -> SyntheticRecords:
        """Records (records, 8, samples) mV drawn for `requests`, whose labels are the classes of `task`."""
        count = len(signal)
        return cls(
            signal,
            requests.labels,
            [dict.fromkeys(task.names(row), CERTAIN) for row in requests.labels],
            requests.attributes,
            np.full((count, 2), -1, np.int64),
            np.full(count, np.nan),
            np.ones(count, bool),
        )

    @classmethod
    def derived(
        cls,
        signal: np.ndarray,
        first: RecordSelection,
        task: LabelTask,
        attributes: Sequence[str],
        second: np.ndarray | None = None,
        weight: np.ndarray | None = None,
        statements: Sequence[Mapping[str, float]] | None = None,
        valid: np.ndarray | None = None,
    ) -> SyntheticRecords:
        """Records made from real ones: `attributes`, and statements unless given, are those of the first parents.

        `second` (records,) are rows of the same store, -1 where there is none.
        """
        count, table = len(first), first.table
        statements = first.statements if statements is None else statements
        return cls(
            signal,
            task.encode(list(statements)),
            statements,
            {name: attribute_column(name, table[name]) for name in attributes},
            np.stack([first.rows, np.full(count, -1, np.int64) if second is None else second], axis=1),
            np.full(count, np.nan) if weight is None else weight,
            np.ones(count, bool) if valid is None else valid,
        )

    def __len__(self) -> int:
        return len(self.signal)

    def __getitem__(self, rows: slice | Sequence[int] | np.ndarray) -> SyntheticRecords:
        numbers = np.arange(len(self))[rows]
        return SyntheticRecords(
            self.signal[numbers],
            self.labels[numbers],
            [self.statements[number] for number in numbers],
            {name: values[numbers] for name, values in self.attributes.items()},
            self.parents[numbers],
            self.weight[numbers],
            self.valid[numbers],
            None if self.codes is None else self.codes[numbers],
            None if self.sketch is None else self.sketch[torch.from_numpy(numbers)],
            None if self.real_frames is None else self.real_frames[numbers],
        )

    def for_task(self, task: LabelTask) -> SyntheticRecords:
        """The same records with the labels that their statements give under another task."""
        return replace(self, labels=task.encode(list(self.statements)))


def code_digest(codes: np.ndarray) -> str:
    """sha256 hex of the codes (frames, levels) of one record."""
    return sha256(np.ascontiguousarray(codes, "<i4").tobytes()).hexdigest()
