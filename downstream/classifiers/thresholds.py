"""Decision thresholds. They come from the validation part or are fixed beforehand, never from the test part.

Thresholds tuned on the test part flatter macro F1 by some hundredths, and each policy orders models differently, so the
policy travels with the values and is printed beside every F1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqecg.records.bounds import Checked, Share

FIXED = "fixed 0.5"
MAXIMUM_F1 = "maximum F1 on validation, per class"
POLICIES = (FIXED, MAXIMUM_F1)


@dataclass(frozen=True)
class Thresholds(Checked):
    """One threshold per class: a class is predicted where its score is at least the threshold."""

    values: tuple[Share, ...]  # in the order of the classes
    policy: str  # where they come from, in words


def choose_thresholds(policy: str, labels: np.ndarray, scores: np.ndarray, class_names: Sequence[str]) -> Thresholds:
    """Thresholds from validation `labels` (records, classes) 0/1 and `scores` (records, classes) in 0..1.

    A class without a positive in validation gets 0.5 under "maximum F1 ...", and the policy's text names it.
    Raises ValueError for a policy not in POLICIES, for shapes that do not fit, and for labels that are unknown.
    """
    if policy not in POLICIES:
        raise ValueError(f"threshold policy {policy!r} is unknown; expected one of {', '.join(map(repr, POLICIES))}")
    if policy == FIXED:
        return Thresholds((0.5,) * len(class_names), FIXED)
    if labels.shape != scores.shape or labels.ndim != 2 or labels.shape[1] != len(class_names):
        raise ValueError(
            f"got labels {labels.shape} and scores {scores.shape} for {len(class_names)} classes; "
            "expected (records, classes) for both"
        )
    if np.isnan(labels).any():
        raise ValueError("a validation label is unknown (NaN); expected 0 or 1: thresholds need whole labels")
    values = [maximum_f1_threshold(labels[:, column], scores[:, column]) for column in range(len(class_names))]
    unseen = [name for name, column in zip(class_names, labels.T, strict=True) if not column.any()]
    note = f" (0.5 for {', '.join(unseen)}: no positive in validation)" if unseen else ""
    return Thresholds(tuple(values), MAXIMUM_F1 + note)


def maximum_f1_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    """The threshold of the greatest F1 for `labels` (records,) 0/1 and `scores` (records,); 0.5 without a positive.

    It lies halfway to the next lower score, so that it does not hang on the last digit of one record.
    """
    positives = float(labels.sum())
    if positives == 0:
        return 0.5
    candidates, groups = np.unique(scores, return_inverse=True)
    hits = np.bincount(groups, weights=labels, minlength=len(candidates))[::-1].cumsum()[::-1]
    predicted = np.bincount(groups, minlength=len(candidates))[::-1].cumsum()[::-1]
    best = int(np.argmax(2 * hits / (predicted + positives)))
    below = candidates[best - 1] if best else candidates[0]
    return float((candidates[best] + below) / 2)
