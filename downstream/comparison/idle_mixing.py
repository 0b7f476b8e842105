"""Arms that mix two recordings, left out before hours of training where no planned record can be mixed."""

import math
from dataclasses import replace

from vqecg.downstream.augmentation.methods.mixing import Mixing
from vqecg.downstream.augmentation.methods.registry import find_method
from vqecg.downstream.comparison.design import Design, plan_of_labels
from vqecg.prior.editing.interpolation import interpolable
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import split_rows


def without_idle_mixing(design: Design, store: RecordStore) -> tuple[Design, tuple[str, ...]]:
    """The design without arms that mix two recordings, where no planned record can be mixed; and the arms left out.

    From labels alone. A label whose meaning is unknown is never mixed, as it may be a rhythm. Raises ValueError as
    `plan_of_labels`.
    """
    store = design.subset.known_labels(store, design.folds)
    plan, task = plan_of_labels(design, store), store.task(design.task)
    rows = split_rows(store, design.folds, design.subset, task).train
    labels = store.labels(task, unknown=math.nan)
    parents = rows[interpolable(store, labels, rows, task, design.augmentation.interpolation.pairing)]
    mixed = {row.tobytes() for row in labels[parents]}
    if any(row.tobytes() in mixed for row in plan.labels):
        return design, ()
    idle = [arm.name for arm in design.catalogue if any(isinstance(find_method(name), Mixing) for name in arm.methods)]
    useful = tuple(arm.name for arm in design.catalogue if arm.name not in idle)
    return replace(design, arms=useful), tuple(idle)
