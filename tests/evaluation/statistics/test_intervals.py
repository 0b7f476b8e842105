"""Intervals and p-values: hand-computed examples, and the one statement that they make together."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from vqecg.evaluation.statistics.intervals import percentile_interval, two_sided_p, wilson_interval
from vqecg.evaluation.statistics.significance import is_significant


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 10_000), st.integers(39, 400), st.floats(-3, 3), st.sampled_from([0.9, 0.95]))
def test_the_p_value_is_at_most_alpha_exactly_when_the_interval_is_clear_of_0(
    seed: int, replicates: int, shift: float, confidence: float
) -> None:
    draws = (np.random.default_rng(seed).normal(size=replicates) + shift).round(1)
    low, high = percentile_interval(draws, confidence)
    assert is_significant(two_sided_p(draws), confidence) == (low > 0 or high < 0)


def test_intervals_and_p_values_count_draws() -> None:
    draws = np.array([*range(-1, 18), math.nan])  # 19 draws, one below 0 and one at 0
    assert percentile_interval(draws, 0.9) == (-1, 17)
    assert percentile_interval(np.arange(1.0, 40), 0.9) == (2, 38)
    assert two_sided_p(draws) == pytest.approx(2 * 3 / 20)
    assert two_sided_p(-draws) == two_sided_p(draws)
    assert two_sided_p(np.ones(19)) == pytest.approx(2 / 20)
    assert two_sided_p(np.zeros(19)) == 1
    assert math.isnan(two_sided_p(np.array([math.nan]))) and math.isnan(percentile_interval(draws[-1:], 0.9)[0])
    assert not is_significant(math.nan, 0.95)


def test_too_few_draws_for_the_confidence_are_never_significant() -> None:
    assert percentile_interval(np.arange(1.0, 11), 0.95) == (1, 10)
    assert not is_significant(two_sided_p(np.arange(1.0, 11)), 0.95)


def test_an_interval_leaves_out_draws_without_a_figure() -> None:
    assert percentile_interval(np.array([np.nan, 0.5, 0.5]), 0.95) == (0.5, 0.5)
    assert np.isnan(percentile_interval(np.array([np.nan]), 0.95)).all()


@pytest.mark.parametrize(("successes", "records"), [(0, 5), (3, 7), (40, 40), (1, 1000)])
def test_wilson_interval_is_that_of_scipy(successes: int, records: int):
    expected = binomtest(successes, records).proportion_ci(0.95, "wilson")
    np.testing.assert_allclose(wilson_interval(successes, records), (expected.low, expected.high), atol=1e-6)


def test_a_share_of_nothing_is_unknown_and_impossible_counts_are_refused() -> None:
    assert wilson_interval(0, 0) == (0, 1)
    with pytest.raises(ValueError, match="3 of 2"):
        wilson_interval(3, 2)
