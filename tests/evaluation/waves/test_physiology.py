"""Measures of simulated and hand-made ECGs, and the scale they are put on."""

import numpy as np
import pandas as pd
import pytest

from vqecg.evaluation.waves.physiology import (
    FARTHEST,
    INTERVAL_UNITS,
    RHYTHM_UNITS,
    SIGN_UNITS,
    UNITS,
    Standardiser,
    physiology,
    physiology_features,
)
from vqecg.evaluation.waves.rhythm_signs import RHYTHM_SIGN_UNITS
from vqecg.evaluation.waves.segmenter import WaveSegmenter, WaveSegmenterConfig
from vqecg.records.store.record_store import RecordStore


def drawn_ecg(rate: int = 100, rr: float = 0.8, r: float = 1.0, t: float = 0.3) -> np.ndarray:
    """(1, 8, 10 s): Gaussian R (SD 12 ms) and T waves (0.3 s later), in lead n times 1, 1/2, ... 1/8, T of V1 down."""
    time = np.arange(10 * rate) / rate
    beats = np.arange(0.5, 9.9, rr)
    qrs = sum(np.exp(-0.5 * ((time - beat) / 0.012) ** 2) for beat in beats)
    wave = sum(np.exp(-0.5 * ((time - beat - 0.3) / 0.03) ** 2) for beat in beats)
    size = 1 / np.arange(1, 9)
    sign = np.where(np.arange(8) == 2, -1, 1)
    return ((r * size)[:, None] * qrs + (t * size * sign)[:, None] * wave)[None].astype(np.float32)


def test_rate_and_amplitudes_of_a_drawn_ecg_are_read_back():
    row = physiology([drawn_ecg()], 100).iloc[0]
    assert row["heart_rate"] == pytest.approx(75, abs=0.5) and row["rr_variation"] < 1 and row["rmssd"] < 5
    assert row["r_amplitude_I"] == pytest.approx(1.0, abs=0.02)
    assert row["r_amplitude_V6"] == pytest.approx(1 / 8, abs=0.01)
    assert row["t_amplitude_I"] == pytest.approx(0.3, abs=0.02)
    assert row["t_amplitude_V1"] == pytest.approx(-0.1, abs=0.01)
    assert row["correlation_I_II"] == pytest.approx(1, abs=1e-6)


def test_measures_scale_with_the_voltage_and_correlations_do_not():
    one, two = physiology([drawn_ecg()], 100).iloc[0], physiology([2 * drawn_ecg()], 100).iloc[0]
    voltage = [name for name, unit in UNITS.items() if unit.startswith("mV")]
    np.testing.assert_allclose(two[voltage], 2 * one[voltage], rtol=1e-3, atol=1e-6)
    kept = [name for name in one.index if name not in voltage]
    np.testing.assert_allclose(two[kept], one[kept], rtol=1e-6)


def test_a_sine_is_in_its_band():
    time = np.arange(1000) / 100
    signal = np.tile(np.sin(2 * np.pi * 10 * time), (1, 8, 1)).astype(np.float32)
    row = physiology([signal], 100).iloc[0]
    assert row["middle_rms_II"] == pytest.approx(1 / np.sqrt(2), rel=1e-3)
    assert row["low_rms_II"] < 0.01 and row["high_rms_II"] < 0.01
    assert row["sd_II"] == pytest.approx(1 / np.sqrt(2), rel=1e-3)


def test_every_column_has_a_unit_and_chunks_do_not_matter(simulated_store: RecordStore):
    signals = simulated_store.signals(slice(0, 12))
    whole = physiology([signals], 100)
    measured = [name for name in UNITS if name not in set(INTERVAL_UNITS) - set(RHYTHM_UNITS)]
    assert list(whole.columns) == [*measured, *RHYTHM_SIGN_UNITS]
    assert (whole.dtypes == np.float64).all() and len(whole) == 12
    pd.testing.assert_frame_equal(whole, physiology([signals[:5], signals[5:]], 100))
    assert whole["heart_rate"].between(30, 200).all()


def test_a_flat_record_has_no_rhythm_no_beats_and_no_correlation():
    row = physiology([np.zeros((1, 8, 1000), np.float32)], 100).iloc[0]
    assert row[["heart_rate", "r_amplitude_II", "correlation_I_II"]].isna().all()
    assert row["sd_II"] == row["slew_II"] == row["low_rms_II"] == 0


def test_signals_that_cannot_be_measured_are_refused():
    for signals, rate, told in (
        ([], 100, "no signals"),
        ([np.zeros((1, 12, 1000))], 100, "expected chunks"),
        ([np.zeros((1, 8, 1000))], 50, "100 Hz or more"),
        ([drawn_ecg(), np.full((1, 8, 1000), np.nan)], 100, "record 1 holds NaN"),
    ):
        with pytest.raises(ValueError, match=told):
            physiology(signals, rate)


def test_with_a_segmenter_the_intervals_are_there_too():
    segmenter = WaveSegmenter(WaveSegmenterConfig(widths=(4, 4)))
    table = physiology([drawn_ecg(), drawn_ecg()], 100, segmenter)
    assert list(table.columns) == [*UNITS, *SIGN_UNITS] and len(table) == 2 and (table.dtypes == np.float64).all()


def measured() -> pd.DataFrame:
    """A table with all of UNITS, 40 records, as with a segmenter; every fourth has no P wave."""
    values = np.random.default_rng(0).normal(50, 10, (40, len(UNITS)))
    table = pd.DataFrame(values, columns=list(UNITS))
    table.loc[::4, "pr"] = np.nan
    return table


def test_features_hold_the_axis_as_an_angle_and_need_no_intervals():
    table = measured()
    table["axis"] = [179.0, -179.0] * 20
    features = physiology_features(table)
    assert features.shape == (40, len(UNITS) + 1)
    place = list(UNITS).index("axis")
    np.testing.assert_allclose(features[0, place : place + 2], features[1, place : place + 2], atol=0.04)
    without = table.drop(columns=list(set(INTERVAL_UNITS) - set(RHYTHM_UNITS)))
    assert physiology_features(without).shape == (40, len(UNITS) - 6)
    for broken in (table.drop(columns="qrs"), table.drop(columns="sd_II")):
        with pytest.raises(ValueError, match="lacks the measures"):
            physiology_features(broken)


def test_the_scale_is_that_of_the_real_records_and_missing_is_a_feature():
    real = np.random.default_rng(0).normal((100, 5), (20, 0.1), (5000, 2))
    real[:1000, 0] = np.nan
    scale = Standardiser.fit(real)
    found = scale.transform(real)
    assert found.shape == (5000, 3) and np.isfinite(found).all()
    np.testing.assert_allclose(found[1000:, :2].std(axis=0), 1, rtol=0.05)
    np.testing.assert_array_equal(found[:1000, 0], 0)
    assert found[:, 2].sum() == 1000
    unseen = scale.transform(np.array([[np.nan, np.nan], [1e9, 5.0]]))
    np.testing.assert_allclose(unseen[0], [0, FARTHEST, 1])
    assert unseen[1, 0] == FARTHEST


def test_constant_and_nearly_constant_features_have_a_finite_scale():
    real = np.stack([np.ones(40), np.r_[np.ones(35), np.zeros(5)]], axis=1)
    found = Standardiser.fit(real).transform(real)
    assert (
        np.isfinite(found).all() and (found[:, 0] == 0).all() and found[35:, 1].max() == pytest.approx(-3.02, abs=0.1)
    )


def test_features_without_a_value_or_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="missing in every record"):
        Standardiser.fit(np.array([[1.0, np.nan], [2.0, np.nan]]))
    with pytest.raises(ValueError, match="expected \\(records, d\\)"):
        Standardiser.fit(np.ones(3))
    with pytest.raises(ValueError, match="expected \\(records, 2\\)"):
        Standardiser.fit(np.eye(2)).transform(np.ones((2, 3)))
