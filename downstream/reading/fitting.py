"""Two ways to learn classes from measures, one class at a time: gradient boosting and logistic regression."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vqecg.downstream.reading.registry import FittedReader, Reader, ReadRecords

LEAST_PATIENTS = 3  # with a class, and without, or nothing is learned of it


def fit_classes(known: ReadRecords, make: Callable[[int], Any]) -> FittedReader:
    """A classifier for each class, on the records of which it is known; `make` gives a new one for a column.

    A class that fewer than LEAST_PATIENTS patients have, or lack, gets its share of the training records as the score
    of every record; one of which nothing is known gets 0.5.
    """
    shares, models = np.full(known.labels.shape[1], 0.5), dict[int, Any]()
    for column, labels in enumerate(known.labels.T):
        rows = np.flatnonzero(~np.isnan(labels))
        present = labels[rows] > 0.5
        if len(rows):
            shares[column] = present.mean()
        if min(len(set(known.patients[rows[side]])) for side in (present, ~present)) >= LEAST_PATIENTS:
            models[column] = make(column).fit(known.measures[rows], present)

    def scores(measures: np.ndarray) -> np.ndarray:
        answers = np.tile(shares, (len(measures), 1))
        for column, model in models.items():
            answers[:, column] = model.predict_proba(measures)[:, 1]
        return answers

    return FittedReader(scores, tuple(column for column in range(len(shares)) if column not in models))


class Boosted(Reader):
    """Learns by gradient boosting of small trees on histograms (Ke et al. 2017, LightGBM)."""

    def fit(self, known: ReadRecords, seed: int) -> FittedReader:
        """A model of 150 trees per class; each split looks at a third of the measures, drawn by `seed`."""

        def make(column: int) -> HistGradientBoostingClassifier:
            return HistGradientBoostingClassifier(
                learning_rate=0.05,
                max_iter=150,
                max_leaf_nodes=8,
                min_samples_leaf=10,
                l2_regularization=1.0,
                max_features=0.33,
                early_stopping=False,
                random_state=(seed + column) % 2**32,
            )

        return fit_classes(known, make)


class Logistic(Reader):
    """Learns by logistic regression on standardised measures, shrunk towards nothing (ridge)."""

    strength: float = 0.01  # inverse of the ridge penalty

    def fit(self, known: ReadRecords, seed: int) -> FittedReader:
        """A regression per class; nothing is drawn, so `seed` does not matter."""

        def make(column: int) -> Any:
            steps = (SimpleImputer(keep_empty_features=True), StandardScaler())
            return make_pipeline(*steps, LogisticRegression(C=self.strength, max_iter=3000))

        return fit_classes(known, make)
