"""Schedules of the synthetic share over a training. All show as many synthetic records in all, and at other times."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from vqecg.records.registry import Registry

CONSTANT = "constant"

# each maps the mean share and the part of the training that is over, 0 to 1, to the part of all records of the training
# that are synthetic and have been seen by then
Schedule = Callable[[float, float], float]
SCHEDULES: Registry[Schedule] = Registry("schedule of the mixture")


@SCHEDULES.register(CONSTANT, rank=0)
def constant(share: float, done: float) -> float:
    """The same share in every batch."""
    return share * done


@SCHEDULES.register("synthetic first", rank=1)
def synthetic_first(share: float, done: float) -> float:
    """Synthetic records alone, then real ones alone."""
    return min(share, done)


@SCHEDULES.register("linear", rank=2)
def linear(share: float, done: float) -> float:
    """A share that falls in a line from twice its mean to 0."""
    return share * (2 * done - done**2)


@SCHEDULES.register("cosine", rank=3)
def cosine(share: float, done: float) -> float:
    """A share that falls from twice its mean to 0 along half a cosine: most of it early, little late."""
    return share * (done + math.sin(math.pi * done) / math.pi)


def check_schedule(schedule: str, share: float) -> None:
    """Raises ValueError for an unknown schedule, and for one that would begin above a whole batch."""
    if SCHEDULES.get(schedule)(share, 1e-6) > 1e-6 * (1 + 1e-6):
        raise ValueError(
            f"mixture.share is {share:g} and its schedule {schedule!r}, which begins at more than 1; expected a mean "
            "share of at most 0.5: lower it, or choose another schedule"
        )


@cache
def synthetic_before(schedule: str, share: float, batch_size: int, steps: int) -> np.ndarray:
    """The synthetic records of all batches before step 0, 1, ..., `steps`: int64 (steps + 1,), read-only."""
    rule = SCHEDULES.get(schedule)
    parts = [rule(share, step / steps) for step in range(steps + 1)]
    before = np.rint(batch_size * steps * np.array(parts)).astype(np.int64)
    before.setflags(write=False)
    return before
