"""Error rates of scores of two recordings: as verification of a pair, and as the search for one in a gallery."""

from dataclasses import dataclass

import numpy as np

from vqecg.evaluation.statistics.intervals import percentile_interval
from vqecg.evaluation.statistics.resampling import BootstrapSettings


@dataclass(frozen=True)
class Verification:
    """Figures, each with its interval: patients who have several recordings are drawn with replacement."""

    people: int  # with several recordings
    pairs: int  # of two recordings of one person
    gallery: int  # recordings that each is searched among
    auroc: tuple[float, float, float]
    equal_error: tuple[float, float, float]  # rate of false matches where it equals that of false non-matches
    first: tuple[float, float, float]  # share of recordings whose nearest in the gallery is of the same person


def verification(
    scores: np.ndarray, patients: np.ndarray, gallery: np.ndarray, same: np.ndarray, bootstrap: BootstrapSettings
) -> Verification:
    """Figures of scores (n, m): recordings of those who have several, with a gallery of m that holds them too.

    `patients` (n,) and `gallery` (m,) say whose they are; `same` (n, m) bool is True where both are one recording,
    which does not count.
    """
    one = (patients[:, None] == gallery[None]) & ~same
    names, owner = np.unique(patients.astype(str), return_inverse=True)
    others = np.where(same, -np.inf, scores)
    best = others == others.max(1, keepdims=True)
    hits = (one & best).sum(1) / best.sum(1)  # of several that are equally near, one by lot
    generator = np.random.default_rng(bootstrap.seed)
    drawn = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), bootstrap.replicates)
    weights = np.vstack([np.ones(len(names)), drawn])[:, owner]
    rows, columns = np.nonzero(~same)
    _, place = np.unique(scores[rows, columns], return_inverse=True)  # pairs of equal scores share a place
    of_one = one[rows, columns]
    curves = np.array([areas(place, of_one, weight[rows]) for weight in weights])
    firsts = weights @ hits / weights.sum(1)
    figures = (with_interval(values, bootstrap.confidence) for values in (curves[:, 0], curves[:, 1], firsts))
    return Verification(len(names), int(one.sum()) // 2, scores.shape[1], *figures)


def areas(place: np.ndarray, of_one: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """AUROC and equal error rate of pairs, each with the `place` of its score in rising order and its `weight`."""
    mates, others = (np.bincount(place[chosen], weight[chosen], place.max() + 1) for chosen in (of_one, ~of_one))
    mates, others = mates / mates.sum(), others / others.sum()
    missed, below = mates.cumsum(), others.cumsum()
    cut = int(np.abs(missed - (1 - below)).argmin())
    return float((mates * (below - others / 2)).sum()), float((missed[cut] + 1 - below[cut]) / 2)


def with_interval(values: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """A value and its interval, from the sample and its replicates."""
    low, high = percentile_interval(values[1:], confidence)
    return float(values[0]), low, high
