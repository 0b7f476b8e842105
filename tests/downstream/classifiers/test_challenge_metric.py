"""The Challenge's score, against a plain implementation of its definition and at the ends of its scale."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.downstream.classifiers.challenge_metric import (
    SINUS_RHYTHM,
    YEARS,
    challenge_score,
    challenge_weights,
    scored_classes,
)
from vqecg.records.labels import CPSC2018_CLASSES, SUPERCLASSES, LabelTask

# classes of three vocabularies, some of which the Challenge does not score, and two that it takes for one (PAC, SVPB)
NAMES = ("NSR", "AF", "STD", "PAC", "SVPB", "LBBB", "QAb", "PRWP", "MI", "Brady")
# severity of the classes that both years score, by which the published table is .5 - |difference|
SEVERITY = {"NSR": 0.25, "AF": 0.0, "PAC": 0.1625, "SVPB": 0.1625, "LBBB": 0.025, "QAb": -0.1, "Brady": 0.2}


def slow_score(labels: np.ndarray, answers: np.ndarray) -> float:
    """The Challenge of 2020 on NAMES, one record and one pair of classes after the other."""

    def classes(row: np.ndarray) -> set[str]:
        names = {name for name, present in zip(NAMES, row, strict=True) if present and name in SEVERITY}
        return {"PAC" if name == "SVPB" else name for name in names}

    def total(answered: list[set[str]]) -> float:
        earned = 0.0
        for meant, given_ in zip(map(classes, labels), answered, strict=True):
            for a, b in itertools.product(meant, given_):
                reward = 1 if a == b else 0.5 - abs(SEVERITY[a] - SEVERITY[b])
                earned += reward / max(1, len(meant | given_))
        return earned

    ours, best = total([classes(row) for row in answers]), total([classes(row) for row in labels])
    lowest = total([{"NSR"}] * len(labels))
    return (ours - lowest) / (best - lowest)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_the_score_equals_its_definition(seed: int, records: int) -> None:
    generator = np.random.default_rng(seed)
    labels, answers = generator.random((2, records, len(NAMES))) < 0.3
    labels[0, 1] = True
    found = challenge_score(labels, answers, NAMES, 2020)
    assert found.score == pytest.approx(slow_score(labels, answers))
    assert found.scored == tuple(name for name in NAMES if name in SEVERITY) and found.classes == 24


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from(YEARS))
def test_perfect_answers_score_1_all_normal_0_and_nothing_less(seed: int, year: int) -> None:
    labels = np.random.default_rng(seed).random((30, 9)) < 0.3
    labels[0, 1] = True
    normal = np.zeros_like(labels)
    normal[:, CPSC2018_CLASSES.index("SNR")] = True
    assert challenge_score(labels, labels, CPSC2018_CLASSES, year).score == pytest.approx(1)
    assert challenge_score(labels, normal, CPSC2018_CLASSES, year).score == 0
    assert challenge_score(labels, np.zeros_like(labels), CPSC2018_CLASSES, year).score < 0


@pytest.mark.parametrize("year", YEARS)
def test_the_table_is_symmetric_with_one_for_each_class(year: int) -> None:
    table = challenge_weights(year)
    assert list(table.index) == list(table.columns) and len(table) == {2020: 24, 2021: 26}[year]
    weights = table.to_numpy()
    assert np.array_equal(weights, weights.T) and (weights.diagonal() == 1).all()
    others = weights[~np.eye(len(weights), dtype=bool)]
    assert others.min() == 0.15 and others.max() == 0.5
    assert SINUS_RHYTHM in table.index and ("164909002" in table.index) == (year == 2020)


def test_classes_of_three_vocabularies_are_known() -> None:
    assert list(scored_classes(CPSC2018_CLASSES, 2021)) == ["SNR", "AF", "IAVB", "LBBB", "RBBB", "PAC", "PVC"]
    statements = scored_classes(LabelTask.named("all").class_names, 2021)
    assert {"AFIB", "AFLT", "CLBBB", "CRBBB", "1AVB", "SR", "PAC", "PVC", "LAFB", "TAB_", "INVT"} <= set(statements)
    rows = {**statements, **scored_classes(NAMES, 2021)}
    assert rows["CLBBB"] == rows["LBBB"] and rows["PAC"] == rows["SVPB"] and rows["SR"] == rows["NSR"]
    assert "PRWP" in rows and "PRWP" not in scored_classes(NAMES, 2020)
    assert not scored_classes(SUPERCLASSES, 2021)


@pytest.mark.bad_input("a score that is not defined")
def test_a_score_that_is_not_defined_is_refused() -> None:
    labels = np.eye(9)[[0, 0]]
    with pytest.raises(ValueError, match="no record has a scored class other than sinus rhythm"):
        challenge_score(labels, labels, CPSC2018_CLASSES, 2021)
    with pytest.raises(ValueError, match="scores none of"):
        challenge_score(np.eye(5), np.eye(5), SUPERCLASSES, 2021)
    with pytest.raises(ValueError, match="no Challenge score of 2017; expected one of 2020, 2021"):
        challenge_score(labels, labels, CPSC2018_CLASSES, 2017)
    with pytest.raises(ValueError, match="expected \\(records, classes\\) for both"):
        challenge_score(labels, labels[:1], CPSC2018_CLASSES, 2021)
