"""Classification metrics and thresholds against scikit-learn, and what happens to classes that have no AUROC."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    hamming_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from vqecg.downstream.classifiers.metrics import ClassificationMetrics, classification_metrics
from vqecg.downstream.classifiers.thresholds import FIXED, MAXIMUM_F1, choose_thresholds, maximum_f1_threshold

NAMES = ("NORM", "MI", "HYP")


def example(records: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = (generator.random((records, 3)) < (0.5, 0.3, 0.1)).astype(np.float32)
    scores = np.clip(0.3 * labels + generator.random((records, 3)).round(2) * 0.7, 0, 1)
    return labels, scores


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_averages_equal_scikit_learn(average: str) -> None:
    labels, scores = example()
    result = classification_metrics(labels, scores, (0.5, 0.4, 0.3), NAMES, "test")
    predicted = scores >= np.array((0.5, 0.4, 0.3))
    expected = {
        "auroc": roc_auc_score(labels, scores, average=average),
        "average_precision": average_precision_score(labels, scores, average=average),
        "f1": f1_score(labels, predicted, average=average),
        "precision": precision_score(labels, predicted, average=average),
        "recall": recall_score(labels, predicted, average=average),
    }
    assert getattr(result, average) == pytest.approx(expected)


def test_each_class_and_the_record_wise_metrics_equal_scikit_learn() -> None:
    labels, scores = example()
    result = classification_metrics(labels, scores, 0.5, NAMES, FIXED)
    predicted = scores >= 0.5
    assert result.per_class["auroc"] == pytest.approx(roc_auc_score(labels, scores, average=None))
    assert result.per_class["f1"] == pytest.approx(f1_score(labels, predicted, average=None))
    assert result.support == tuple(labels.sum(axis=0).astype(int))
    assert result.hamming_loss == pytest.approx(hamming_loss(labels, predicted))
    assert result.exact_match == pytest.approx((labels == predicted).all(axis=1).mean())


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_class_without_positives_or_negatives_is_nan_named_and_skipped(value: float) -> None:
    labels, scores = example()
    labels[:, 2] = value
    result = classification_metrics(labels, scores, 0.5, NAMES, FIXED)
    assert all(math.isnan(values[2]) for values in result.per_class.values())
    assert result.macro["auroc"] == pytest.approx(roc_auc_score(labels[:, :2], scores[:, :2]))
    assert result.undefined == ("HYP",)
    assert result.macro_note == "macro over 2 of 3 classes (undefined: HYP)"
    assert result.macro_note in str(result)


def test_no_class_at_all_gives_nan_and_no_error() -> None:
    result = classification_metrics(np.zeros((4, 3)), np.full((4, 3), 0.2), 0.5, NAMES, FIXED)
    assert math.isnan(result.macro["auroc"]) and math.isnan(result.micro["f1"])
    assert result.exact_match == 1


def test_the_threshold_policy_is_printed_with_the_table() -> None:
    labels, scores = example()
    result = classification_metrics(labels, scores, 0.5, NAMES, "chosen by hand")
    assert "thresholds: chosen by hand" in str(result)
    assert list(result.table()["class_name"]) == [*NAMES, "macro", "micro"]


def test_metrics_survive_json_with_their_nan() -> None:
    labels, scores = example()
    labels[:, 2] = 0
    result = classification_metrics(labels, scores, 0.5, NAMES, FIXED)
    again = ClassificationMetrics.from_dict(json.loads(json.dumps(result.to_dict(), allow_nan=False)))
    assert str(again) == str(result)
    assert math.isnan(again.per_class["f1"][2])


def test_what_cannot_be_scored_is_refused() -> None:
    labels, scores = example()
    with pytest.raises(ValueError, match="expected \\(records, classes\\)"):
        classification_metrics(labels, scores[:-1], 0.5, NAMES, FIXED)
    with pytest.raises(ValueError, match="1 scores are NaN"):
        classification_metrics(labels, np.where(np.arange(600).reshape(200, 3) == 5, np.nan, scores), 0.5, NAMES, FIXED)
    with pytest.raises(ValueError, match="hard labels"):
        classification_metrics(labels * 0.5, scores, 0.5, NAMES, FIXED)
    with pytest.raises(ValueError, match="one for each class"):
        classification_metrics(labels, scores, (0.5, 0.5), NAMES, FIXED)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(2, 40))
def test_no_threshold_has_a_greater_f1_than_the_chosen_one(seed: int, records: int) -> None:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, records).astype(float)
    labels[0] = 1
    scores = generator.random(records).round(1)
    chosen = f1_score(labels, scores >= maximum_f1_threshold(labels, scores))
    assert chosen == pytest.approx(max(f1_score(labels, scores >= cut) for cut in scores))


def test_a_class_without_a_validation_positive_gets_one_half_and_is_named() -> None:
    labels, scores = example()
    labels[:, 1] = 0
    thresholds = choose_thresholds(MAXIMUM_F1, labels, scores, NAMES)
    assert thresholds.values[1] == 0.5
    assert thresholds.policy == f"{MAXIMUM_F1} (0.5 for MI: no positive in validation)"


def test_an_unknown_policy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="maximum F1 on validation"):
        choose_thresholds("best", *example(), NAMES)
