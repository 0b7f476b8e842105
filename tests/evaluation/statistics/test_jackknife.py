"""Metrics without each patient: the same as scikit-learn's on the other patients, ties and all."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from vqecg.evaluation.statistics.jackknife import jackknife_metric
from vqecg.evaluation.statistics.weighted_metrics import METRICS

CUT = 0.7
REFERENCES = {
    "auroc": roc_auc_score,
    "average_precision": average_precision_score,
    "f1": lambda labels, scores: f1_score(labels, scores >= CUT),
}


def scored(records: int = 90, patients: int = 50) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels (records, 2), scores (2, records, 2) with ties, patients of one record and of several."""
    generator = np.random.default_rng(0)
    patient_of = np.unique(generator.integers(0, patients, records), return_inverse=True)[1]
    labels = (generator.random((records, 2)) < 0.3).astype(float)
    return labels, np.round(generator.normal(size=(2, records, 2)) + labels, 1), patient_of


@pytest.mark.parametrize("metric", METRICS)
def test_a_patient_left_out_is_a_metric_of_the_others(metric: str) -> None:
    labels, scores, patient_of = scored()
    result = jackknife_metric(metric, labels, scores, patient_of, np.full((2, 2), CUT))
    assert result.left_out.shape == (patient_of.max() + 1, 2, 2)
    for reader in range(2):
        for column in range(2):
            own = labels[:, column], scores[reader, :, column]
            assert result.values[reader, column] == pytest.approx(REFERENCES[metric](*own))
            expected = [
                REFERENCES[metric](*(values[patient_of != patient] for values in own))
                for patient in range(patient_of.max() + 1)
            ]
            assert result.left_out[:, reader, column] == pytest.approx(expected)


@pytest.mark.parametrize("metric", METRICS)
def test_without_the_only_patient_of_a_class_it_is_undefined(metric: str) -> None:
    _, scores, _ = scored()
    labels = np.zeros((90, 2))
    labels[:2, 0] = labels[2:, 1] = 1  # one patient has the first class, the same one lacks the second
    patients = np.maximum(np.arange(90) - 1, 0)
    result = jackknife_metric(metric, labels, scores, patients, np.full((2, 2), CUT))
    undefined = np.isnan(result.left_out)
    assert undefined[0].all() and not undefined[1:].any() and not np.isnan(result.values).any()
    none = jackknife_metric(metric, np.zeros((90, 2)), scores, patients, np.full((2, 2), CUT))
    assert np.isnan(none.values).all() and np.isnan(none.left_out).all()


@pytest.mark.bad_input("scores of another shape")
def test_what_does_not_fit_is_refused() -> None:
    labels, scores, patient_of = scored()
    with pytest.raises(ValueError, match="metric 'auc' is unknown"):
        jackknife_metric("auc", labels, scores, patient_of)
    with pytest.raises(ValueError, match=r"got scores \(2, 89, 2\)"):
        jackknife_metric("auroc", labels, scores[:, 1:], patient_of)
    with pytest.raises(ValueError, match="F1 needs thresholds"):
        jackknife_metric("f1", labels, scores, patient_of)
    labels[5, 1] = np.nan  # an unknown label must not count as an absent one
    with pytest.raises(ValueError, match="1 labels and 0 scores are unknown"):
        jackknife_metric("auroc", labels, scores, patient_of)
