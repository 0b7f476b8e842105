"""AUROC, average precision and F1 under many weightings of the same records at once: scores are ranked only once."""

import math
from dataclasses import dataclass

import numpy as np

METRICS = ("auroc", "average_precision", "f1")
MACRO = "macro"  # class_name of the mean over classes in every table


def weighted_auroc(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUROC of `scores` (records,) against `labels` (records,) 0/1 for each row of `weights` (replicates, records).

    Equals scikit-learn's with sample_weight, ties counted half; NaN where a row has no positive or no negative weight.
    """
    ranked = rank_positives(labels, scores, weights)
    wins = (ranked.weight * (ranked.negative_below + ranked.negative_upto)).sum(axis=1) / 2
    return divide(wins, ranked.positive_total * ranked.negative_total)


def weighted_average_precision(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average precision, as `weighted_auroc`: the sum over falling thresholds of precision times recall gained."""
    ranked = rank_positives(labels, scores, weights)
    hits = ranked.positive_total[:, None] - ranked.positive_below
    precision = divide(hits, hits + ranked.negative_total[:, None] - ranked.negative_below, undefined=0.0)
    values = divide((precision * ranked.weight).sum(axis=1), ranked.positive_total)
    return np.where(ranked.negative_total > 0, values, np.nan)


def weighted_f1(labels: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """F1 of `predicted` (records,) 0/1, as `weighted_auroc`."""
    weights = weights.astype(np.float64)
    positives, hits = weights @ labels, weights @ (labels * predicted)
    values = divide(2 * hits, positives + weights @ predicted)
    return np.where(positives < weights.sum(axis=1), np.where(positives > 0, values, np.nan), np.nan)


@dataclass(frozen=True, eq=False)
class RankedPositives:
    """The weights below each positive record in rank; float64, (replicates, positives) or (replicates,)."""

    weight: np.ndarray  # of the positive record itself
    positive_below: np.ndarray  # weight of the positive records with a lower score
    negative_below: np.ndarray  # of the negative records with a lower score
    negative_upto: np.ndarray  # of the negative records with the same or a lower score
    positive_total: np.ndarray  # (replicates,)
    negative_total: np.ndarray  # (replicates,)


def rank_positives(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> RankedPositives:
    """Sorts once for all rows of `weights` (replicates, records); only positives are looked at after that."""
    order = np.argsort(scores, kind="stable")
    ranked, positive = scores[order], np.flatnonzero(labels[order])
    starts, ends = (np.searchsorted(ranked, ranked[positive], side) for side in ("left", "right"))
    total = leading_sums(weights[:, order])
    positive_weights = weights[:, order[positive]].astype(np.float64)
    positives = leading_sums(positive_weights)
    below, upto = (positives[:, np.searchsorted(positive, at)] for at in (starts, ends))
    return RankedPositives(
        weight=positive_weights,
        positive_below=below,
        negative_below=total[:, starts] - below,
        negative_upto=total[:, ends] - upto,
        positive_total=positives[:, -1],
        negative_total=total[:, -1] - positives[:, -1],
    )


def leading_sums(weights: np.ndarray) -> np.ndarray:
    """Column i is the sum of the columns before i: (replicates, records + 1) float64."""
    sums = np.zeros((len(weights), weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums


def divide(over: np.ndarray, under: np.ndarray, undefined: float = math.nan) -> np.ndarray:
    """over / under, and `undefined` where `under` is 0."""
    return np.divide(over, under, out=np.full_like(under, undefined), where=under > 0)
