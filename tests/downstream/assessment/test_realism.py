"""AUROC tables and plain measures of signals, against values known beforehand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from vqecg.downstream.assessment.realism import (
    MACRO,
    auroc_table,
    largest_einthoven_residual,
    mean_scores,
    record_measures,
    signal_checks,
)
from vqecg.records.datasets.registry import read_table
from vqecg.records.store.record_store import RecordStore

LABELS = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]], np.float32)


def test_auroc_a_class_and_their_mean_without_classes_that_have_none():
    perfect, worst = LABELS * 0.5 + 0.25, 0.75 - LABELS * 0.5
    table = auroc_table(("A", "B", "C"), {"real": (LABELS, perfect), "synthetic": (LABELS, worst)})
    assert table["class_name"].tolist() == ["A", "B", "C", MACRO]
    np.testing.assert_array_equal(table["real"], [1, 1, np.nan, 1])
    np.testing.assert_array_equal(table["synthetic"], [0, 0, np.nan, 0])
    tied = auroc_table(("A",), {"real": (LABELS[:, :1], np.full((4, 1), 0.3))})
    assert tied["real"].tolist() == [0.5, 0.5]


def test_auroc_is_nan_where_no_class_can_be_judged():
    assert np.isnan(auroc_table(("C",), {"real": (LABELS[:, 2:], LABELS[:, 2:])})["real"]).all()


class Constant(nn.Module):
    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(logit))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        return self.logit.expand(len(signal), 2)


def test_scores_of_several_classifiers_are_averaged():
    signals = np.zeros((3, 8, 100), np.float32)
    scores = mean_scores([Constant(0.0), Constant(30.0)], signals)
    np.testing.assert_allclose(scores, np.full((3, 2), 0.75), atol=1e-9)


def sines(amplitude: float, count: int = 2) -> np.ndarray:
    """Sines of 1 Hz, the same in all leads: (count, 8, 1000) mV at 100 Hz."""
    return np.tile(amplitude * np.sin(2 * np.pi * np.arange(1000) / 100), (count, 8, 1)).astype(np.float32)


def test_measures_of_a_sine_are_those_of_the_textbook():
    found = record_measures(sines(0.5), 100)
    np.testing.assert_allclose(found["standard deviation (mV, median lead)"], 0.5 / np.sqrt(2), rtol=1e-3)
    np.testing.assert_allclose(found["peak to peak (mV, median lead)"], 1.0, rtol=1e-3)
    np.testing.assert_allclose(found["maximum slew (mV/s, median lead)"], np.pi, rtol=1e-2)


def test_checks_stand_real_beside_synthetic():
    table = signal_checks(sines(1.0), sines(0.5), 100).set_index("measure")
    assert list(table.columns) == ["real", "synthetic"]
    peak = table.loc["peak to peak (mV, median lead)"]
    assert peak["real"] == pytest.approx(2, rel=1e-3) and peak["synthetic"] == pytest.approx(1, rel=1e-3)


def test_heart_rates_of_simulated_records_are_plausible(simulated_store: RecordStore):
    found = record_measures(simulated_store.signals(np.arange(40)), 100)
    assert 50 < np.median(found["heart rate (beats/min)"]) < 110
    assert np.nanmedian(found["variation of RR (SD over mean, %)"]) < 15


def test_a_flat_record_has_no_heart_rate():
    found = record_measures(np.zeros((1, 8, 1000), np.float32), 100)
    assert np.isnan(found["heart rate (beats/min)"]).all() and found["peak to peak (mV, median lead)"] == 0


def test_the_files_of_a_data_set_obey_einthoven_to_a_microvolt(simulated_store: RecordStore):
    table = read_table(simulated_store.folder.parent / "data")
    few = replace(table, records=table.records.head(10))
    assert 0 < largest_einthoven_residual(few) < 0.00151, "rounding of the files to 1 microvolt, no more"
