"""The simulated heart and its patients."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.records.simulation.heart import draw_patient, normal_heart, rotation


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_a_patient_is_an_adult_with_normal_intervals(seed: int):
    patient = draw_patient(np.random.default_rng(seed))
    assert 18 <= patient.age <= 95 and patient.sex in ("female", "male")
    assert 60 < patient.heart_rate < 100
    assert (
        0.11 < patient.pr_interval < 0.20 and 0.07 < patient.qrs_duration < 0.11 and 0.35 < patient.qt_corrected < 0.45
    )


def test_age_and_sex_can_be_given():
    patient = draw_patient(np.random.default_rng(0), "17", age=80, sex="female")
    assert (patient.patient_id, patient.age, patient.sex) == ("17", 80.0, "female")


def test_the_same_patient_has_the_same_heart_and_its_qrs_starts_and_ends_near_zero():
    patient = draw_patient(np.random.default_rng(1))
    first, again = normal_heart(patient), normal_heart(patient)
    np.testing.assert_array_equal(first.qrs_vectors, again.qrs_vectors)
    leads = first.qrs_leads(patient.lead_matrix, np.array([0.0, first.qrs_duration]))
    whole = first.qrs_leads(patient.lead_matrix, np.linspace(0, first.qrs_duration, 200))
    assert leads.shape == (8, 2) and np.abs(leads).max() < 0.15 * np.abs(whole).max()


@settings(deadline=None, max_examples=20)
@given(st.floats(-3, 3), st.floats(-3, 3))
def test_a_rotation_keeps_lengths(frontal: float, horizontal: float):
    turn = rotation(frontal, horizontal)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
