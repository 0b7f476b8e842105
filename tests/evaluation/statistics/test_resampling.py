"""Draws of patients and seeds."""

import numpy as np
import pytest

from vqecg.evaluation.statistics.resampling import draw_bootstrap, draw_patients


def test_all_records_of_a_patient_are_drawn_together_and_unknown_patients_alone() -> None:
    draw = draw_bootstrap(["a", "b", "a", "", "", "b"], seeds=2, replicates=100, bootstrap_seed=0)
    weights = draw.record_weights
    assert draw.patients == 4
    assert (weights[:, 0] == weights[:, 2]).all() and (weights[:, 1] == weights[:, 5]).all()
    assert (weights[:, 3] != weights[:, 4]).any()
    assert (weights[0] == 1).all()
    patients_drawn = weights[:, [0, 1, 3, 4]].sum(axis=1)
    assert (patients_drawn == 4).all()
    assert draw.seed_weights.sum(axis=1) == pytest.approx(np.ones(101))


def test_as_many_patients_are_drawn_as_there_are_in_every_replicate() -> None:
    counts, patient_of = draw_patients(np.array(["b", "a", "b", "c"]), 5, np.random.default_rng(0))
    assert counts.shape == (5, 3) and (counts.sum(axis=1) == 3).all()
    assert patient_of.tolist() == [1, 0, 1, 2], "columns are in the order of the names"
