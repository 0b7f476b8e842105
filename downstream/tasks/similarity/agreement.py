"""Groups beside labels: which labels a group has more often than all records, and how much groups say of classes."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

FEWEST = 5  # records of a group with a label, without which it is not named


@dataclass(frozen=True)
class Agreement:
    """How much groups say of classes, over records of exactly one class."""

    records: int
    rand: float  # adjusted Rand index; 0 = chance, 1 = the same division; NaN without two classes
    information: float  # normalized mutual information


@dataclass(frozen=True)
class Lift:
    """A label that a group has more often."""

    name: str
    share: float  # of the group's records
    share_of_all: float


def agreement(group: np.ndarray, labels: np.ndarray) -> Agreement:
    """Of groups (records,) and labels (records, classes), NaN where unknown."""
    single = np.nan_to_num(labels, nan=2).sum(1) == 1
    classes = labels[single].argmax(1)
    if len(np.unique(classes)) < 2:
        return Agreement(int(single.sum()), float("nan"), float("nan"))
    pair = classes, group[single]
    return Agreement(int(single.sum()), float(adjusted_rand_score(*pair)), float(normalized_mutual_info_score(*pair)))


def lifts(member: np.ndarray, labels: np.ndarray, names: tuple[str, ...], most: int = 4) -> list[Lift]:
    """The labels that exceed their share of all records by most, at most so many; `member` (records,) bool."""
    known = np.isfinite(labels)
    ones = np.nan_to_num(labels)
    inside = ones[member].sum(0) / known[member].sum(0).clip(1)
    overall = ones.sum(0) / known.sum(0).clip(1)
    order = np.argsort(overall - inside, kind="stable")
    enough = ones[member].sum(0) >= FEWEST
    chosen = [place for place in order if enough[place] and inside[place] > overall[place]][:most]
    return [Lift(names[place], float(inside[place]), float(overall[place])) for place in chosen]
