"""The reading alone: what readers by a generator say of recordings, without a network beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vqecg.downstream.reading.registry import ReadRecords, find_reader
from vqecg.records.bounds import Seed, check_value
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator

OF_TRAITS = ("boosted traits", "logistic traits")


def read(
    generator: ECGGenerator,
    store: RecordStore,
    rows: np.ndarray,
    training: np.ndarray,
    task: str = "superdiagnostic",
    readers: Sequence[str] = OF_TRAITS,
    seed: int = 0,
) -> np.ndarray:
    """Scores of recordings, the mean over readers that learn from training records: (rows, classes) float64 in 0..1.

    `rows` and `training` are int64 rows of the store; columns are `store.task(task).class_names`. Labels that are
    unknown are not learned from. `readers` are names of READERS, such as "logistic states".

    Raises ValueError for no reader or an unknown one, for a patient on both sides, and for a store of another sampling
    rate than the generator's. A generator that learned from the records to read knows them, as no check can see.
    """
    check_value("seed", seed, Seed)
    known, asked = RecordSelection(store, np.asarray(training)), RecordSelection(store, np.asarray(rows))
    shared = sorted(set(known.patients) & set(asked.patients))
    if shared or not readers:
        raise ValueError(
            f"got {len(readers)} readers, and {len(shared)} patients among the training records and those to read; "
            "expected at least one reader and no shared patient, or scores are those of records known by heart"
        )
    classes = store.task(task)
    labels = known.labels(classes, math.nan)
    scores = []
    for name in readers:
        reader = find_reader(name)
        learned = ReadRecords(reader.measure(generator, known, classes), labels, known.patients)
        fitted = reader.fit(learned, seed)
        scores.append(fitted.read(reader.measure(generator, asked, classes), len(classes.class_names)))
    return np.asarray(np.mean(scores, axis=0))
