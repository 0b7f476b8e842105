"""The validation patients in two halves: one chooses, the other estimates, and the other way round."""

import numpy as np

from vqecg.records.store.subset import by_lot


def halves(patients: np.ndarray, labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """The half, 0 or 1, of each record: (records,) int64; whole patients, combinations of labels as even as they go.

    `patients` (records,) names, `labels` (records, classes) 0/1. Depends on names, labels and seed alone.
    """
    order = {name: place for place, name in enumerate(by_lot(patients, seed))}
    carried = {name: labels[patients == name].max(axis=0) > 0.5 for name in order}
    # rare combinations lie together, so that every second one goes into the other half
    ranked = sorted(order, key=lambda name: (carried[name].tolist(), order[name]))
    half = {name: place % 2 for place, name in enumerate(ranked)}
    return np.array([half[name] for name in patients], dtype=np.int64)
