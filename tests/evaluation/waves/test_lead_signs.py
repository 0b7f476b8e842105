"""ST level, Q, R and S of single leads, on beats made by hand."""

import numpy as np
import pytest

from vqecg.evaluation.waves.delineation import Beats
from vqecg.evaluation.waves.lead_signs import LEAD_SIGN_UNITS, lead_signs
from vqecg.records.leads import INDEPENDENT_LEADS

RATE = 250
R_TIMES = np.arange(1.0, 9.0, 0.8)
ONSET, OFFSET = 0.044, 0.052  # s before and after the R peak


def bell(time: np.ndarray, at: float) -> np.ndarray:
    return np.exp(-0.5 * ((time - at) / 0.005) ** 2)


def drawn(lead: str, q: float, r: float, s: float, st: float, level: float = 0.0) -> np.ndarray:
    """(8, 2500): one lead with Q, R and S of these sizes, ST at a level, all on a baseline; the others are flat."""
    time = np.arange(10 * RATE) / RATE
    signal = np.zeros((8, len(time)))
    row = INDEPENDENT_LEADS.index(lead)
    for beat in R_TIMES:
        signal[row] += r * bell(time, beat) - q * bell(time, beat - 0.024) - s * bell(time, beat + 0.028)
        signal[row] += st * ((time > beat + OFFSET) & (time < beat + 0.3))
    signal[row] += level
    return signal


def beats(times: np.ndarray = R_TIMES) -> Beats:
    nothing = np.full(len(times), np.nan)
    return Beats(times, nothing, times - ONSET, times + OFFSET, nothing)


def test_waves_and_st_are_measured_from_the_level_before_qrs():
    row = lead_signs(drawn("V2", q=0.1, r=0.5, s=0.9, st=0.2, level=0.7), beats(), RATE)
    expected = {"q_V2": 0.1, "r_V2": 0.5, "s_V2": 0.9, "st_V2": 0.2}
    assert set(row) == set(LEAD_SIGN_UNITS)
    assert {name: row[name] for name in expected} == pytest.approx(expected, abs=0.02)
    assert row["r_V5"] == row["st_V5"] == 0


def test_the_limb_leads_follow_from_one_and_two():
    row = lead_signs(drawn("II", q=0.0, r=0.8, s=0.0, st=-0.1), beats(), RATE)
    assert (row["r_III"], row["r_aVF"]) == pytest.approx((0.8, 0.8), abs=0.02)
    assert row["st_III"] == pytest.approx(-0.1, abs=0.01) and row["q_aVR"] == pytest.approx(0.4, abs=0.02)
    assert row["r_aVR"] == 0 and row["q_I"] == row["r_I"] == 0


def test_a_complex_without_r_is_all_q():
    row = lead_signs(drawn("V1", q=0.0, r=-1.2, s=0.0, st=0.0), beats(), RATE)
    assert (row["q_V1"], row["r_V1"], row["s_V1"]) == pytest.approx((1.2, 0.0, 0.0), abs=0.02)


def test_too_few_beats_have_no_signs():
    signal = drawn("V2", 0.1, 0.5, 0.9, 0.2)
    assert all(np.isnan(value) for value in lead_signs(signal, beats(R_TIMES[:1]), RATE).values())
    unmarked = Beats(*(np.full(5, np.nan) for _ in range(5)))
    assert all(np.isnan(value) for value in lead_signs(signal, unmarked, RATE).values())
    at_the_edges = beats(np.array([0.02, 9.99]))
    assert all(np.isnan(value) for value in lead_signs(signal, at_the_edges, RATE).values())
