"""Scores of published tables, against plain implementations of their definitions and against hand-made examples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, roc_auc_score

from vqecg.downstream.classifiers.challenge_metric import challenge_score
from vqecg.downstream.classifiers.metrics import classification_metrics
from vqecg.downstream.classifiers.published_metrics import (
    FMAX_THRESHOLDS,
    cpsc2018_score,
    fmax,
    ptbxl_benchmark,
    published_scores,
)
from vqecg.records.labels import CPSC2018_CLASSES, LabelTask


def challenge_labels(seed: int, records: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels (records, 9) with one to three each, coarse scores with ties, and the first labels in any order."""
    generator = np.random.default_rng(seed)
    labels, first = np.zeros((records, 9)), np.zeros(records, np.int64)
    for row in range(records):
        own = generator.permutation(9)[: generator.integers(1, 4)]
        labels[row, own], first[row] = 1, own[0]
    return labels, generator.random((records, 9)).round(1), first


def slow_cpsc2018(labels: np.ndarray, scores: np.ndarray, first: np.ndarray) -> tuple[list[float], list[float]]:
    """The definition, one record and one class after the other."""
    pairs = []
    for row in range(len(labels)):
        answer = max(range(9), key=lambda column: (scores[row, column], -column))
        pairs.append((answer if labels[row, answer] else int(first[row]), answer))

    def f1(group: list[int]) -> float:
        hits = sum(meant == answer and answer in group for meant, answer in pairs)
        total = sum((meant in group) + (answer in group) for meant, answer in pairs)
        return 2 * hits / total if total else math.nan

    return [f1([column]) for column in range(9)], [f1([1]), f1([2, 3, 4]), f1([5, 6]), f1([7, 8])]


def slow_fmax(labels: np.ndarray, scores: np.ndarray) -> float:
    """The definition, one threshold and one record after the other."""
    found = [0.0]
    for threshold in FMAX_THRESHOLDS:
        precisions, recalls = [], []
        for truth, score in zip(labels, scores, strict=True):
            predicted = {column for column in range(len(score)) if score[column] >= threshold}
            meant = {column for column in range(len(truth)) if truth[column]}
            if predicted:
                precisions.append(len(predicted & meant) / len(predicted))
            recalls.append(len(predicted & meant) / len(meant))
        if precisions and sum(precisions) > 0:
            precision, recall = np.mean(precisions), np.mean(recalls)
            found.append(2 * precision * recall / (precision + recall))
    return max(found)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_the_cpsc2018_score_equals_its_definition(seed: int, records: int) -> None:
    labels, scores, first = challenge_labels(seed, records)
    found = cpsc2018_score(labels, scores, first)
    f1, groups = slow_cpsc2018(labels, scores, first)
    assert found.f1 == pytest.approx(f1, nan_ok=True)
    assert list(found.sub_scores.values()) == pytest.approx(groups, nan_ok=True)
    assert found.mean_f1 == pytest.approx(np.mean(f1), nan_ok=True)
    assert found.confusion.sum() == records


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_with_one_label_a_record_the_cpsc2018_score_is_the_macro_f1_of_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    meant = np.concatenate([np.arange(9), generator.integers(0, 9, 40)])
    scores = generator.random((len(meant), 9))
    expected = f1_score(meant, scores.argmax(axis=1), average="macro")
    assert cpsc2018_score(np.eye(9)[meant], scores).mean_f1 == pytest.approx(expected)


def test_an_answer_among_the_labels_is_right_and_a_wrong_one_counts_against_the_first() -> None:
    labels = np.zeros((3, 9))
    labels[0, [1, 4]] = 1  # AF and RBBB, answered RBBB: right
    labels[1, [1, 4]] = 1  # the same, answered PVC: against AF or against RBBB
    labels[2, 6] = 1
    scores = np.eye(9)[[4, 6, 6]]
    found = cpsc2018_score(labels, scores)
    assert (found.f1[1], found.f1[4], found.f1[6]) == pytest.approx((0, 1, 2 / 3))
    other = cpsc2018_score(labels, scores, first_labels=[1, 4, 6])
    assert (math.isnan(other.f1[1]), other.f1[4]) == (True, pytest.approx(2 / 3))
    assert found.sub_scores["F_Block"] == 1 and found.sub_scores["F_PC"] == pytest.approx(2 / 3)
    assert math.isnan(found.mean_f1) and math.isnan(found.sub_scores["F_ST"])


def test_the_official_score_stands_beside_the_multi_label_f1() -> None:
    labels, scores, first = challenge_labels(0, 200)
    metrics = classification_metrics(labels, scores, 0.5, CPSC2018_CLASSES, "fixed 0.5")
    table = cpsc2018_score(labels, scores, first).table(metrics)
    assert list(table["class_name"]) == [*CPSC2018_CLASSES, "mean"]
    assert table["multi_label_f1"].iloc[-1] == pytest.approx(f1_score(labels, scores >= 0.5, average="macro"))
    other = classification_metrics(labels[:, :2], scores[:, :2], 0.5, ("MI", "HYP"), "fixed 0.5")
    with pytest.raises(ValueError, match="expected \\['SNR'"):
        cpsc2018_score(labels, scores).table(other)


def test_records_that_the_challenge_does_not_know_are_refused() -> None:
    labels, scores, _ = challenge_labels(0, 5)
    for count in (0, 4):
        wrong = labels.copy()
        wrong[2] = np.arange(9) < count
        with pytest.raises(ValueError, match="needs 1 to 3: leave the others out"):
            cpsc2018_score(wrong, scores)
    with pytest.raises(ValueError, match="one of its own labels"):
        cpsc2018_score(labels, scores, (labels == 0).argmax(axis=1))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(1, 5))
def test_fmax_equals_its_definition(seed: int, records: int, classes: int) -> None:
    generator = np.random.default_rng(seed)
    labels = generator.random((records, classes)) < 0.4
    labels[np.arange(records), generator.integers(0, classes, records)] = True
    scores = generator.random((records, classes)).round(int(generator.integers(1, 4)))
    assert fmax(labels, scores) == pytest.approx(slow_fmax(labels, scores))


def test_fmax_of_perfect_scores_is_1_and_needs_a_label_in_each_record() -> None:
    labels = np.eye(4)
    assert fmax(labels, labels) == 1
    assert fmax(labels, np.full((4, 4), -1.0)) == 0
    with pytest.raises(ValueError, match="1 records without a label"):
        fmax(np.eye(4) * [[1], [1], [1], [0]], labels)


def test_the_benchmark_has_a_point_inside_its_interval_and_drops_unlabelled_records() -> None:
    generator = np.random.default_rng(0)
    labels = generator.random((300, 3)) < (0.5, 0.3, 0.02)
    scores = np.clip(0.3 * labels + 0.7 * generator.random((300, 3)), 0, 1)
    found = ptbxl_benchmark(labels, scores, seed=0, replicates=40)
    kept = labels.any(axis=1)
    auroc, best = found.scores
    assert (found.records, found.left_out) == (kept.sum(), 300 - kept.sum())
    assert auroc.point == pytest.approx(roc_auc_score(labels[kept], scores[kept]))
    assert best.point == pytest.approx(fmax(labels[kept], scores[kept]))
    assert all(score.lower < score.point < score.upper for score in found.scores)
    assert found.replicates == 40 <= found.drawn
    assert (
        ptbxl_benchmark(labels, scores, seed=0, replicates=40)
        == found
        != ptbxl_benchmark(labels, scores, seed=1, replicates=40)
    )
    assert str(auroc).startswith(f"{auroc.point:.3f}(")


def test_a_resample_without_a_class_is_drawn_again() -> None:
    labels = np.zeros((30, 2))
    labels[:, 0], labels[0] = 1, (0, 1)
    found = ptbxl_benchmark(labels, np.random.default_rng(0).random((30, 2)), seed=0, replicates=50)
    assert found.drawn > 60  # one record in 30 is missing from 36 % of the resamples
    with pytest.raises(ValueError, match="no positive or no negative record"):
        ptbxl_benchmark(labels[1:], np.zeros((29, 2)), seed=0)


@pytest.mark.slow
def test_what_is_said_of_a_classifier_has_the_figures_of_each_protocol():
    labels, scores, _ = challenge_labels(0, 200)
    ours = classification_metrics(labels, scores, 0.5, CPSC2018_CLASSES, "one half")
    said = published_scores(labels, scores, "cpsc2018", ours, seed=3)
    auroc, best = ptbxl_benchmark(labels, scores, 3).scores
    assert (
        f"macro AUROC {auroc}, Fmax {best}" in said["PTB-XL benchmark"] and "200 records)" in said["PTB-XL benchmark"]
    )
    official = cpsc2018_score(labels, scores)
    assert str(official) in said["CPSC2018"]
    last = said["CPSC2018"].splitlines()[-1].split()
    assert last == ["mean", f"{official.mean_f1:.3f}", f"{ours.macro['f1']:.3f}"]
    answers = scores >= 0.5
    for year in (2020, 2021):
        expected = challenge_score(labels, answers, CPSC2018_CLASSES, year)
        assert said[f"Challenge {year}"] == str(expected) and "7 classes of ours in its 2" in said[f"Challenge {year}"]
    equal = labels == answers
    assert (
        said["accuracy"] == f"{equal.mean():.3f} of answers, {equal.all(axis=1).mean():.3f} of records in every class"
    )
    three = classification_metrics(labels[:, :3], scores[:, :3], 0.5, ("NORM", "MI", "HYP"), "one half")
    others = published_scores(labels[:, :3], scores[:, :3], "superdiagnostic", three, seed=3)
    assert list(others) == ["PTB-XL benchmark", "accuracy"]


def test_first_labels_are_those_that_the_data_names_first():
    task = LabelTask.named("cpsc2018")
    statements = [{"RBBB": 0.0, "AF": 0.0}, {"AF": 0.0, "RBBB": 0.0}, {"PVC": 0.0}]
    labels, first = task.encode(statements), task.first_columns(statements)
    assert first.tolist() == [4, 1, 6]
    scores = np.eye(9)[[6, 6, 6]]  # PVC thrice: two wrong answers
    ours = classification_metrics(labels, scores, 0.5, CPSC2018_CLASSES, "one half")
    said = published_scores(labels, scores, "cpsc2018", ours, 0, first)["CPSC2018"]
    assert str(cpsc2018_score(labels, scores, [4, 1, 6])) in said


def test_a_protocol_that_cannot_be_followed_says_why():
    labels, scores, _ = challenge_labels(1, 60)
    labels[:2] = 0
    ours = classification_metrics(labels, scores, 0.5, CPSC2018_CLASSES, "one half")
    said = published_scores(labels, scores, "cpsc2018", ours, seed=0)
    assert "58 records, 2 without a label left out" in said["PTB-XL benchmark"]
    assert said["CPSC2018"].startswith("not defined here: records have 0 to 3 of the nine labels")
