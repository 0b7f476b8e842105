"""The nearest recordings to one."""

import numpy as np


def nearest_records(points: np.ndarray, row: int, count: int, excluded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the `count` nearest points to that of `row`, nearest first, and their distances.

    Rows that are `excluded` (records,) bool, and `row` itself, are not among them. Raises ValueError where too few are
    left.
    """
    distances = np.linalg.norm(points - points[row], axis=1)
    allowed = ~excluded
    allowed[row] = False
    if allowed.sum() < count:
        raise ValueError(f"{allowed.sum():,} records can be compared, expected {count} or more: ask for fewer")
    rows = np.flatnonzero(allowed)
    order = np.argsort(distances[rows], kind="stable")[:count]
    return rows[order], distances[rows[order]]
