"""The learning curve: it finds the power law behind its points, and the labels that a gain is worth."""

import numpy as np
import pytest

from vqecg.downstream.advice.learning_curve import Range, fit_curve
from vqecg.downstream.advice.words import labels_text


def points(values: list[float], noise: float = 1e-4, seeds: int = 3):
    generator = np.random.default_rng(0)
    return [
        [
            tuple(value + noise * np.append(generator.normal(), generator.normal(size=30) / 30) for _ in range(2))
            for _ in range(seeds)
        ]
        for value in values
    ]


def test_a_power_law_is_found_and_says_what_labels_bring():
    records = [250, 500, 1000]
    curve = fit_curve(records, points([1 - 2 * count**-0.4 for count in records]), {"it": 0.01}, 0.9)
    assert curve.exponent.value == pytest.approx(0.4, abs=0.01)
    assert curve.exponent.low < 0.4 < curve.exponent.high
    assert curve.more["1000"].value == pytest.approx(2 * 1000**-0.4 - 2 * 2000**-0.4, rel=0.05)
    needed = curve.needed["it"]
    assert 2 * 1000**-0.4 - 2 * (1000 + needed.value) ** -0.4 == pytest.approx(0.01, rel=0.05)
    assert needed.low < needed.value < needed.high


def test_a_curve_that_does_not_rise_says_no_number_of_labels():
    curve = fit_curve([100, 200, 400], points([0.80, 0.79, 0.78]), {"it": 0.01, "all": 0.5}, 0.9)
    assert curve.needed["it"].value is None and curve.needed["all"].high is None
    assert curve.more["400"].value < 0


@pytest.mark.bad_input("one point")
def test_one_point_is_no_curve():
    with pytest.raises(ValueError, match="1 points of a learning curve; expected at least 2"):
        fit_curve([100], points([0.8]), {}, 0.9)


def test_a_number_of_labels_that_cannot_be_said_is_said_once():
    assert labels_text(Range(None, None, None)) == "more than can be said"
    assert labels_text(Range(None, 90.0, None)) == "more than can be said (90 to more than can be said)"
