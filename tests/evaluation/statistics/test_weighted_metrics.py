"""Weighted metrics against scikit-learn, and where they are undefined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from vqecg.evaluation.statistics.weighted_metrics import weighted_auroc, weighted_average_precision, weighted_f1


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(3, 60))
def test_weighted_metrics_equal_scikit_learn_with_sample_weights(seed: int, records: int) -> None:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, records).astype(float)
    labels[:2] = 0, 1
    scores = generator.random(records).round(1)  # many ties
    weights = generator.integers(0, 4, (3, records)).astype(np.float32)
    weights[:, :2] += 1
    predicted = (scores >= 0.5).astype(float)
    for row in range(3):
        weight = {"sample_weight": weights[row]}
        expected = (
            roc_auc_score(labels, scores, **weight),
            average_precision_score(labels, scores, **weight),
            f1_score(labels, predicted, zero_division=0, **weight),
        )
        found = (
            weighted_auroc(labels, scores, weights)[row],
            weighted_average_precision(labels, scores, weights)[row],
            weighted_f1(labels, predicted, weights)[row],
        )
        assert found == pytest.approx(expected)


def test_a_draw_without_positives_or_negatives_is_nan_in_every_metric() -> None:
    labels, scores = np.array([1.0, 1.0, 0.0]), np.array([0.9, 0.2, 0.4])
    weights = np.array([[0, 0, 2], [1, 1, 0]], np.float32)
    for function in (weighted_auroc, weighted_average_precision, weighted_f1):
        assert np.isnan(function(labels, scores, weights)).all()
