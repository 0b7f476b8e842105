"""Stacked generalisation (Wolpert 1992; Breiman 1996): how much each member of an average is worth, class by class.

The weights come from scores of training records by members that had not seen them, and are none below 0, as negative
ones only fit noise. They are drawn towards those of a plain mean of logits, which few positives cannot improve on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

LEAST_SCORE = 1e-6  # a score nearer to 0 or 1 counts as that: one member must not outvote all others
PULL = 5.0  # towards equal weights, in records whose loss counts as much


@dataclass(frozen=True, eq=False)
class Stack:
    """Weights of the logits of members, for each class."""

    weights: np.ndarray  # (members, classes) at least 0
    intercepts: np.ndarray  # (classes,)

    @classmethod
    def fit(cls, scores: Sequence[np.ndarray], labels: np.ndarray) -> Self:
        """Logistic regression on out-of-fold scores, one array (records, classes) in 0..1 per member.

        `labels` (records, classes) 0/1, NaN where unknown. A class without a known positive or negative gets equal
        weights.
        """
        logits = logits_of(scores)
        weights, intercepts = np.full((len(logits), labels.shape[1]), 1 / len(logits)), np.zeros(labels.shape[1])
        for column, present in enumerate(labels.T):
            known = ~np.isnan(present)
            if len(set(present[known].tolist())) > 1:
                fitted = fit_column(logits[:, known, column], present[known])
                weights[:, column], intercepts[column] = fitted[:-1], fitted[-1]
        return cls(weights, intercepts)

    def scores(self, scores: Sequence[np.ndarray]) -> np.ndarray:
        """Those of the members put together: (records, classes) in 0..1."""
        return expit((logits_of(scores) * self.weights[:, None]).sum(axis=0) + self.intercepts)


def logits_of(scores: Sequence[np.ndarray], least: float = LEAST_SCORE) -> np.ndarray:
    """Logits of members (members, records, classes); a score nearer than `least` to 0 or 1 counts as that."""
    return logit(np.clip(np.stack(scores), least, 1 - least))


def fit_column(logits: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Weights of the members, then the intercept, from logits (members, records) and labels (records,) 0/1."""
    members = len(logits)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        total = parameters[:-1] @ logits + parameters[-1]
        away = parameters[:-1] - 1 / members
        error = expit(total) - present
        value = np.logaddexp(0, total).sum() - present @ total + 0.5 * PULL * away @ away
        return float(value), np.append(logits @ error + PULL * away, error.sum())

    start = np.append(np.full(members, 1 / members), 0.0)
    bounds = [(0.0, None)] * members + [(None, None)]
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)
