"""What statements do to the simulated heart."""

import numpy as np
import pytest

from vqecg.records.simulation.heart import draw_patient, sokolow_lyon
from vqecg.records.simulation.pathologies import EFFECTS, build_heart

PATIENTS = [draw_patient(np.random.default_rng(seed)) for seed in range(15)]


@pytest.mark.parametrize("statement", list(EFFECTS))
def test_a_statement_changes_the_heart_and_keeps_it_finite(statement: str):
    for patient in PATIENTS:
        normal, changed = build_heart(patient, ("NORM",)), build_heart(patient, (statement,))
        assert any(not np.array_equal(vars(normal)[name], vars(changed)[name]) for name in vars(normal))
        assert all(np.isfinite(value).all() for value in vars(changed).values())
        assert len(changed.qrs_centres) == len(changed.qrs_widths) == len(changed.qrs_vectors) == len(changed.qrs_local)
        assert changed.qrs_centres.min() > 0 and changed.qrs_centres.max() < changed.qrs_duration


def test_severity_belongs_to_the_patient_and_not_to_the_other_statements():
    for patient in PATIENTS:
        alone, together = build_heart(patient, ("1AVB",)), build_heart(patient, ("1AVB", "IMI"))
        assert alone.pr_interval == together.pr_interval == build_heart(patient, ("1AVB",)).pr_interval


def test_voltage_is_high_with_hypertrophy_and_bounded_without():
    for patient in PATIENTS:
        assert sokolow_lyon(build_heart(patient, ("NORM",)), patient.lead_matrix) < 3.31
        assert sokolow_lyon(build_heart(patient, ("LVH",)), patient.lead_matrix) > 2.9


def test_left_anterior_block_turns_the_axis_up():
    for patient in PATIENTS:
        heart = build_heart(patient, ("LAFB",))
        leads = heart.qrs_leads(patient.lead_matrix, np.arange(0, heart.qrs_duration, 0.002))
        assert leads[0].sum() > 0 > leads[1].sum()  # I up, II down: beyond -30 degrees
