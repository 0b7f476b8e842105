"""A split by what is known of one task: a record may have labels, and none of those that are asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from vqecg.records.folds import SplitIndices
from vqecg.records.labels import LabelTask

if TYPE_CHECKING:
    from vqecg.records.store.record_store import RecordStore


def rows_by_task(rows: SplitIndices, store: RecordStore, task: LabelTask) -> SplitIndices:
    """The split in which records without a known label of the task are unlabelled. ValueError as `split_rows`."""
    unknown = np.isnan(store.labels(task, unknown=math.nan))
    nothing, partly = unknown.all(axis=1), unknown.any(axis=1) & ~unknown.all(axis=1)
    for name in ("validation", "test"):
        doubtful = getattr(rows, name)[partly[getattr(rows, name)]]
        if len(doubtful):
            raise ValueError(
                f"{len(doubtful):,} {name} records have unknown labels of {task.name}, the first is "
                f"{store.table['record_id'].iloc[doubtful[0]]!r}; expected whole labels, or none at all, of whom is "
                "judged: complete them, or take other folds or another task"
            )
    bare = {name: getattr(rows, name)[nothing[getattr(rows, name)]] for name in ("train", "validation", "test")}
    train, validation, test = (np.setdiff1d(getattr(rows, name), bare[name]) for name in bare)
    return SplitIndices(
        train,
        validation,
        test,
        unlabelled=np.union1d(rows.unlabelled, bare["train"]),
        left_out=np.union1d(rows.left_out, np.concatenate([bare["validation"], bare["test"]])),
    )
