"""The frontal axis of a record, and the table of how far a turned heart moves it."""

import numpy as np
import pytest

from benchmarks.evaluation.axis_rotation import apart, between_recordings, frontal_axis, main


def test_axes_point_where_the_limb_leads_say():
    areas = np.zeros((4, 8))
    areas[:, 0] = [1, 0, 1, 1]  # I
    areas[:, 1] = [0.5, 1, np.sqrt(3) / 2 * 1 + 0.5, 0.5 - np.sqrt(3) / 2]  # II
    np.testing.assert_allclose(frontal_axis(areas), [0, 90, 45, -45], atol=1e-9)
    np.testing.assert_allclose(apart(np.array([170.0, 10]), np.array([-170.0, 30])), [20, 20])


def test_recordings_of_one_patient_are_compared_with_the_next_one():
    moved = between_recordings(np.array([0.0, 50, 10, 80, 90]), np.array(["a", "b", "a", "", ""]))
    assert moved.tolist() == [10.0]


def test_a_larger_limit_moves_the_axis_further(capsys: pytest.CaptureFixture[str]):
    main(["--records", "20", "--limits", "2", "40"])
    printed = capsys.readouterr().out
    assert "turned by up to 2 degrees" in printed and "turned by up to 40 degrees" in printed
