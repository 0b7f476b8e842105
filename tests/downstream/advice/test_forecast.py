"""The check of a forecast: how far a measurement may lie from what was foretold."""

import numpy as np
import pytest
from scipy.stats import t as student

from vqecg.downstream.advice.forecast import reach_of


def test_the_reach_of_a_forecast_knows_how_well_both_errors_are_known():
    assert reach_of(0.95, (3.0, np.inf), (4.0, np.inf)) == pytest.approx(1.95996 * 5, rel=1e-4)
    assert reach_of(0.9, (1.0, 6.0), (0.0, 3.0)) == pytest.approx(student.ppf(0.95, 6))
    assert reach_of(0.9, (1.0, 6.0), (1.0, 6.0)) == pytest.approx(student.ppf(0.95, 12) * np.sqrt(2))
    assert reach_of(0.9, (0.0, 6.0), (0.0, 6.0)) == 0
