"""Sets of records that an assessment compares: real test and training records, synthetic ones, reconstructions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vqecg.downstream.assessment.reconstructions import write_reconstructions
from vqecg.downstream.assessment.results import RECONSTRUCTIONS, TEST, TRAINING
from vqecg.downstream.classifiers.signals import Signals
from vqecg.records.folds import SplitIndices
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


@dataclass(frozen=True, eq=False)
class RecordSet:
    """Rows of a store under a name, with the labels of a task; their signals may be others, such as reconstructions."""

    name: str  # TEST, TRAINING, SYNTHETIC or RECONSTRUCTIONS
    records: RecordSelection
    task: LabelTask
    replaced: Signals | None = None  # signals in place of the store's, in the same order
    learned_from: bool = False  # classifiers are trained on these: some labels may be unknown

    def __len__(self) -> int:
        return len(self.records)

    @property
    def signals(self) -> Signals:
        """(records, leads, samples) float32 mV when indexed."""
        return self.records if self.replaced is None else self.replaced

    @cached_property
    def labels(self) -> np.ndarray:
        """(records, classes) float32 0/1, by the store's own statement table; NaN = unknown, where learned from."""
        return self.records.labels(self.task, math.nan if self.learned_from else None)

    @cached_property
    def patient_ids(self) -> tuple[str, ...]:
        """The patient of each record; "" = unknown."""
        return tuple(str(patient) for patient in self.records.table["patient_id"])


@dataclass(frozen=True, eq=False)
class RealData:
    """The real records: a store with its training and test rows."""

    store: RecordStore
    rows: SplitIndices
    task: LabelTask

    @cached_property
    def training(self) -> RecordSet:
        """The training part."""
        return RecordSet(TRAINING, RecordSelection(self.store, self.rows.train), self.task, learned_from=True)

    @cached_property
    def test(self) -> RecordSet:
        """The held-out part."""
        return RecordSet(TEST, RecordSelection(self.store, self.rows.test), self.task)


@dataclass(frozen=True, eq=False)
class Ceiling:
    """Reconstructions of real records, from as many levels of codes as the prior writes."""

    training: RecordSet
    test: RecordSet


def reconstruct_real(generator: ECGGenerator, real: RealData, folder: Path) -> Ceiling:
    """Training and test records through the tokenizer and back, with the labels of the originals."""
    levels = generator.prior.config.levels
    sets = []
    for part in (real.training, real.test):
        path = folder / f"reconstructions-{part.name}.npy"
        signals = write_reconstructions(generator.tokenizer, real.store, part.records.rows, path, levels)
        sets.append(replace(part, name=RECONSTRUCTIONS, replaced=signals))
    return Ceiling(*sets)
