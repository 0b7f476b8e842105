"""Holm's correction and detectable differences: hand-computed examples and plain definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from vqecg.evaluation.statistics.intervals import two_sided_p
from vqecg.evaluation.statistics.significance import holm, is_significant, needed_replicates, smallest_detectable

P_VALUES = st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), min_size=1, max_size=12)


def step_down(p_values: list[float], alpha: float) -> list[bool]:
    """Holm's procedure as written: from the smallest p on, reject while p_(i) <= alpha / (m - i + 1)."""
    known = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    rejected = [False] * len(p_values)
    for number, (p, place) in enumerate(known):
        if p > alpha / (len(known) - number):
            break
        rejected[place] = True
    return rejected


def test_holm_equals_examples_computed_by_hand() -> None:
    # sorted .005, .01, .03, .04 times 4, 3, 2, 1 = .02, .03, .06, .04; the last may not be less than the one before
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.04])) == pytest.approx([0.04])
    assert holm(np.array([0.5, 0.6, 0.02])) == pytest.approx([1, 1, 0.06])
    assert holm(np.array([0.02, 0.02])) == pytest.approx([0.04, 0.04])


def test_a_test_that_was_not_done_does_not_count() -> None:
    found = holm(np.array([0.02, math.nan, 0.03]))
    assert found[[0, 2]] == pytest.approx([0.04, 0.04]) and math.isnan(found[1])
    assert np.isnan(holm(np.array([math.nan]))).all()
    with pytest.raises(ValueError, match=r"expected them in 0\.\.1"):
        holm(np.array([0.2, 1.1]))


@settings(deadline=None, max_examples=200)
@given(P_VALUES, st.sampled_from([0.01, 0.05, 0.1, 0.3]))
def test_adjusted_p_values_reject_what_the_step_down_procedure_rejects(p_values: list[float], alpha: float) -> None:
    found = holm(np.array(p_values))
    # a p-value on the very border may round to either side
    on_border = any(abs(p * k - alpha) < 1e-12 for p in p_values for k in range(1, len(p_values) + 1))
    if not on_border:
        assert [bool(p <= alpha) for p in found] == step_down(p_values, alpha)


@pytest.mark.parametrize(("tests", "confidence"), [(1, 0.95), (5, 0.95), (71, 0.95), (5, 0.9), (44, 0.99)])
def test_needed_draws_are_the_fewest_that_can_pass_holm(tests: int, confidence: float) -> None:
    needed = needed_replicates(tests, confidence)

    def best(replicates: int) -> float:
        others = [1.0] * (tests - 1)
        return float(holm(np.array([two_sided_p(np.ones(replicates)), *others]))[0])

    assert is_significant(best(needed), confidence)
    assert not is_significant(best(needed - 1), confidence)


def test_the_smallest_detectable_difference_is_2_80_standard_errors_and_more_under_holm() -> None:
    assert smallest_detectable(0.01, 0.95) == pytest.approx(0.01 * (1.95996 + 0.84162), rel=1e-4)
    assert smallest_detectable(0.01, 0.95, tests=5) == pytest.approx(0.01 * (2.57583 + 0.84162), rel=1e-4)
    assert smallest_detectable(0.01, 0.9, power=0.9) == pytest.approx(0.01 * (1.64485 + 1.28155), rel=1e-4)
    for wrong in ({"power": 1.0}, {"tests": 0}):
        with pytest.raises(ValueError, match="at least one test"):
            smallest_detectable(0.01, 0.95, **wrong)


def test_a_difference_of_that_size_is_found_four_times_in_five() -> None:
    generator = np.random.default_rng(0)
    difference = smallest_detectable(1.0, 0.95)
    estimates = generator.normal(difference, 1, size=2000)
    draws = norm.ppf(np.arange(1, 400) / 400)  # an ideal bootstrap: draws spread as the estimate does
    found = [is_significant(two_sided_p(estimate + draws), 0.95) for estimate in estimates]
    assert np.mean(found) == pytest.approx(0.8, abs=0.03)
