"""From classes to waves, beats and intervals, with the truth of simulated recordings in the segmenter's place."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from vqecg.evaluation.waves.delineation import (
    INTERVAL_COLUMNS,
    Beats,
    find_beats,
    frontal_axis,
    interval_table,
    lead_waves,
    pooled,
    record_intervals,
    wave_runs,
)
from vqecg.evaluation.waves.delineation_errors import delineation_errors, matched
from vqecg.evaluation.waves.segmenter import CLASSES, WaveSegmenter, WaveSegmenterConfig
from vqecg.evaluation.waves.segmenter_training import wave_classes
from vqecg.records.datasets.ludb import UNKNOWN_WAVE
from vqecg.records.leads import INDEPENDENT_LEADS, LEADS
from vqecg.records.simulation.marks import simulated_marks
from vqecg.records.simulation.simulator import SimulatedRecord, simulate_record

RATE = 250
ROWS = [LEADS.index(lead) for lead in INDEPENDENT_LEADS]


def simulated(*statements: str, seed: int = 0) -> SimulatedRecord:
    return simulate_record(statements, np.random.default_rng(seed))


def truth(record: SimulatedRecord) -> tuple[np.ndarray, np.ndarray]:
    """Signal and true classes of the eight leads at 250 Hz."""
    marks = simulated_marks(record)
    classes = np.stack([wave_classes(marks, lead, RATE) for lead in INDEPENDENT_LEADS])
    return record.record.signal[ROWS, ::2], np.maximum(classes, 0).astype(np.uint8)


class Oracle(WaveSegmenter):
    """A segmenter that is told the classes."""

    def __init__(self, classes: np.ndarray) -> None:
        super().__init__(WaveSegmenterConfig(widths=(8, 8)))
        self.classes = torch.from_numpy(classes.astype(np.int64))

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(self.classes, len(CLASSES)).transpose(1, 2).float()


def test_runs_are_joined_over_gaps_and_dropped_when_short():
    classes = np.zeros(500, np.uint8)
    classes[100:120], classes[124:140], classes[300:304] = 2, 2, 2
    assert wave_runs(classes, "QRS", RATE).tolist() == [[100, 139]]
    assert wave_runs(classes, "P", RATE).shape == (0, 2)
    assert wave_runs(np.full(50, 3), "T", RATE).tolist() == [[0, 49]]


def test_pooling_leaves_out_leads_without_a_value():
    values = np.array([[1, 2, 3, 4, np.nan], [np.nan, np.nan, np.nan, 7, 9], [np.nan] * 5])
    np.testing.assert_array_equal(pooled(values, 0.5, 1), [2.5, 8, np.nan])
    np.testing.assert_array_equal(pooled(values, 0.0, 3), [1, np.nan, np.nan])


@pytest.mark.parametrize("statements", [("NORM", "SR"), ("1AVB",), ("CLBBB",), ("STACH",), ("SBRAD",)])
def test_true_classes_give_the_true_intervals(statements: tuple[str, ...]):
    record = simulated(*statements)
    row = record_intervals(*truth(record), RATE)
    for name in ("pr", "qrs", "qt"):
        assert row[name] == pytest.approx(1000 * record.beats[name].median(), abs=6), name
    assert row["heart_rate"] == pytest.approx(60 / record.beats["rr"].median(), rel=0.02)
    assert row["qtc"] == pytest.approx(row["qt"] / np.cbrt(60 / row["heart_rate"]))
    assert row["p_share"] == 1


def test_two_bad_leads_do_not_decide():
    signal, classes = truth(simulated("NORM", "SR"))
    right = record_intervals(signal, classes, RATE)
    spoiled = classes.copy()
    spoiled[3] = np.where(classes[3] == 0, 2, 0)
    spoiled[6] = 0
    row = record_intervals(signal, spoiled, RATE)
    for name in ("heart_rate", "pr", "qrs", "qt", "p_share"):
        assert row[name] == pytest.approx(right[name], rel=0.06), name


def test_fibrillation_has_no_p_waves_and_an_irregular_rhythm():
    row, regular = (record_intervals(*truth(simulated(*kind)), RATE) for kind in (("AFIB",), ("NORM", "SR")))
    assert row["p_share"] == 0 and np.isnan(row["pr"])
    assert row["rr_variation"] > 2 * regular["rr_variation"] and row["rmssd"] > regular["rmssd"]


def test_beats_that_the_record_cuts_are_left_out():
    signal, classes = np.zeros((8, 1000)), np.zeros((8, 1000), np.uint8)
    for first in (0, 300, 600, 980):
        classes[:, first : first + 25] = 2
    beats = find_beats(signal, classes, RATE)
    np.testing.assert_allclose(beats.qrs_onset, [1.2, 2.4])
    np.testing.assert_allclose(beats.qrs_offset - beats.qrs_onset, 0.096)
    assert np.isnan(beats.p_onset).all() and np.isnan(beats.t_offset).all()


@pytest.mark.parametrize(
    ("one", "two", "degrees"), [(1, 0.5, 0), (0, 1, 90), (1, 2, 60), (-1, -0.5, 180), (1, -1, -60)]
)
def test_the_axis_points_where_qrs_does(one: float, two: float, degrees: float):
    # lead II is at 60 degrees: a vector of length 1 at angle a has I = cos(a), II = cos(a - 60)
    signal, classes = np.zeros((8, 1000)), np.zeros((8, 1000), np.uint8)
    bump = np.hanning(25)
    for first in (200, 500):
        classes[:, first : first + 25] = 2
        signal[0, first : first + 25], signal[1, first : first + 25] = one * bump, two * bump
    assert record_intervals(signal, classes, RATE)["axis"] == pytest.approx(degrees, abs=0.1)


def test_a_record_without_beats_has_no_intervals():
    row = record_intervals(np.zeros((8, 1000)), np.zeros((8, 1000), np.uint8), RATE)
    assert list(row) == list(INTERVAL_COLUMNS) and all(np.isnan(value) for value in row.values())


def test_the_table_has_a_row_a_record_at_any_rate():
    record = simulated("NORM", "SR")
    _, classes = truth(record)
    table = interval_table(Oracle(classes), iter([record.record.signal[None, ROWS]] * 2), 500)
    assert len(table) == 2
    assert list(table.columns) == list(INTERVAL_COLUMNS) and (table.dtypes == np.float64).all()
    assert table["qrs"][0] == pytest.approx(1000 * record.beats["qrs"].median(), abs=6)
    with pytest.raises(ValueError, match=r"\(n, 8, samples\)"):
        interval_table(Oracle(classes), [np.zeros((1, 12, 1000))], 100)


def test_waves_have_their_peak_where_they_are_tallest():
    signal, classes = truth(simulated("NORM", "SR"))
    waves = lead_waves(signal, classes, RATE)
    assert set(waves["lead"]) == set(INDEPENDENT_LEADS) and set(waves["wave"]) == {"P", "QRS", "T"}
    assert ((waves["onset"] <= waves["peak"]) & (waves["peak"] <= waves["offset"])).all()


def test_matching_pairs_each_mark_once():
    assert matched(np.array([1.0, 2.0, 3.0]), np.array([0.95, 1.02, 2.1, 3.2])).tolist() == [[0, 1], [1, 2]]
    assert matched(np.array([1.0]), np.empty(0)).shape == (0, 2)


def test_a_perfect_segmenter_has_no_errors_and_a_shifted_one_its_shift():
    record = simulated("NORM", "SR")
    marks = simulated_marks(record)
    classes = np.stack([np.maximum(wave_classes(marks, lead, RATE), 0) for lead in LEADS])
    table = delineation_errors(Oracle(classes), [marks]).set_index(["wave", "point"])
    assert (table["sensitivity"] == 1).all() and (table["ppv"] == 1).all()
    assert (table.drop("peak", level="point")["mean"].abs() < 2).all()
    late = delineation_errors(Oracle(np.roll(classes, 5, axis=1)), [marks]).set_index(["wave", "point"])
    assert late.loc[("QRS", "onset"), "mean"] == pytest.approx(20 + table.loc[("QRS", "onset"), "mean"], abs=0.1)


def test_what_is_found_beside_the_marks_counts_only_where_all_is_marked():
    marks = simulated_marks(simulated("NORM", "SR"))
    classes = np.stack([np.maximum(wave_classes(marks, lead, RATE), 0) for lead in LEADS])
    rate, waves = marks.record.sampling_rate, marks.waves
    inner = waves[(waves["onset"] > 3 * rate) & (waves["offset"] < 7 * rate)]
    assert (delineation_errors(Oracle(classes), [replace(marks, waves=inner)])["ppv"] == 1).all()
    one = inner[(inner["wave"] == "QRS") & (inner["onset"] > 4 * rate)].groupby("lead").head(1).index
    table = delineation_errors(Oracle(classes), [replace(marks, waves=inner.drop(one))])
    assert (table["ppv"][table["wave"] == "QRS"] < 1).all()
    unknown = inner.copy()
    unknown.loc[one, "wave"], unknown.loc[one, "peak"] = UNKNOWN_WAVE, np.nan
    assert (delineation_errors(Oracle(classes), [replace(marks, waves=unknown)])["ppv"] == 1).all()


def test_no_records_are_refused():
    with pytest.raises(ValueError, match="no records"):
        delineation_errors(Oracle(np.zeros((12, 10))), [])
    assert isinstance(interval_table(Oracle(np.zeros((8, 10))), [], 250), pd.DataFrame)


def test_a_beat_that_leads_find_at_different_places_leaves_the_axis_to_the_others():
    signal = np.zeros((8, 500))
    signal[0, 100:110] = 1.0  # I alone: the axis points left, 0 degrees less half of it in aVF
    nowhere = np.full(2, np.nan)
    beats = Beats(np.array([0.4, 1.2]), nowhere, np.array([0.38, np.nan]), np.array([0.46, np.nan]), nowhere)
    one = Beats(*(getattr(beats, name)[:1] for name in ("r_peak", "p_onset", "qrs_onset", "qrs_offset", "t_offset")))
    assert frontal_axis(signal, beats, RATE) == frontal_axis(signal, one, RATE) == pytest.approx(-30)
    none = replace(beats, qrs_onset=nowhere)
    assert np.isnan(frontal_axis(signal, none, RATE))
