"""The simulated record: what a statement promises is in the truth and in the signal."""

import numpy as np
import pandas as pd
import pytest

from vqecg.records.leads import LEADS, einthoven_residual
from vqecg.records.simulation.simulator import SIMULATED_STATEMENTS, TRUTH_COLUMNS, SimulatorSettings, simulate_record

QUIET = SimulatorSettings(noise=0.0)
COARSE = SimulatorSettings(sampling_rate=200, noise=0.0)  # where the truth alone is looked at: it has no rate


def simulated(*statements: str, seed: int = 0, settings: SimulatorSettings = QUIET):
    return simulate_record(statements, np.random.default_rng(seed), settings)


def at_beats(record, lead: str, columns: tuple[str, str]) -> list[np.ndarray]:
    """The lead between two truth columns, beat by beat, relative to the sample before QRS."""
    signal = record.record.signal[LEADS.index(lead)]
    rate = record.record.sampling_rate
    pieces = []
    for beat in record.beats.itertuples():
        start, end = (round(getattr(beat, name) * rate) for name in columns)
        if beat.kind == "N" and start > 0 and end < len(signal):
            pieces.append(signal[start:end] - signal[round(beat.qrs_onset * rate)])
    return pieces


def test_a_record_has_twelve_leads_in_millivolt_and_obeys_einthoven():
    record = simulated("NORM", "SR").record
    assert record.signal.shape == (12, 5000) and record.signal.dtype == np.float32
    assert record.leads == LEADS
    assert einthoven_residual(record.signal) < 1e-6
    assert 0.4 < np.ptp(record.signal, axis=1).max() < 6
    assert record.statements == {"NORM": 100.0, "SR": 0.0}


def test_the_same_seed_gives_the_same_bits_and_another_seed_another_record():
    settings = SimulatorSettings(sampling_rate=100)
    first, again, other = (simulated("AFIB", "CRBBB", seed=seed, settings=settings) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.record.signal, again.record.signal)
    pd.testing.assert_frame_equal(first.beats, again.beats)
    assert not np.array_equal(first.record.signal, other.record.signal)


def test_the_sampling_rate_changes_neither_truth_nor_waves():
    fast, slow = (simulated("IMI", "SR", seed=5, settings=SimulatorSettings(10, rate, 0.0)) for rate in (500, 100))
    pd.testing.assert_frame_equal(fast.beats, slow.beats)
    difference = fast.record.signal[:, ::5] - slow.record.signal
    assert np.abs(difference).max() < 0.1 * np.abs(fast.record.signal).max()
    assert np.sqrt((difference**2).mean()) < 0.01


@pytest.mark.parametrize("rate", [100, 128, 250, 257, 500, 1000])
def test_any_sampling_rate_gives_the_length_asked_for(rate: int):
    assert simulated("NORM", settings=SimulatorSettings(12.0, rate)).record.signal.shape == (12, 12 * rate)


@pytest.mark.parametrize("statement", list(SIMULATED_STATEMENTS))
def test_every_statement_yields_a_sound_truth_table(statement: str):
    for seed in range(3):
        beats = simulated(statement, seed=seed, settings=COARSE).beats
        assert tuple(beats.columns) == TRUTH_COLUMNS
        assert len(beats) >= 5 and beats["r_peak"].between(0, 10, inclusive="left").all()
        assert (np.diff(beats["r_peak"]) > 0.2).all()
        order = ["qrs_onset", "r_peak", "qrs_offset", "t_onset", "t_peak", "t_offset"]
        assert (np.diff(beats[order].to_numpy(), axis=1) >= 0).all()
        with_p = beats.dropna(subset="p_onset")
        assert (np.diff(with_p[["p_onset", "p_peak", "p_offset"]].to_numpy(), axis=1) > 0).all()
        np.testing.assert_allclose(with_p["pr"], with_p["qrs_onset"] - with_p["p_onset"])
        np.testing.assert_allclose(beats["qt"], beats["t_offset"] - beats["qrs_onset"])
        np.testing.assert_allclose(beats["qrs"], beats["qrs_offset"] - beats["qrs_onset"])


@pytest.mark.parametrize(
    ("statements", "column", "low", "high"),
    [
        (("NORM", "SR"), "qrs", 0.07, 0.12),
        (("NORM", "SR"), "pr", 0.11, 0.20),
        (("1AVB", "SR"), "pr", 0.20, 0.32),
        (("CLBBB", "SR"), "qrs", 0.12, 0.18),
        (("CRBBB", "SR"), "qrs", 0.12, 0.18),
        (("IRBBB", "SR"), "qrs", 0.10, 0.12),
        (("SBRAD", "NORM"), "rr", 1.0, 1.5),
        (("STACH", "NORM"), "rr", 0.40, 0.60),
        (("SR", "NORM"), "rr", 0.60, 1.0),
    ],
)
def test_intervals_follow_the_statements(statements: tuple[str, ...], column: str, low: float, high: float):
    medians = [simulated(*statements, seed=seed, settings=COARSE).beats[column].median() for seed in range(20)]
    assert low < min(medians) and max(medians) < high


def test_fibrillation_has_no_p_wave_and_no_regular_rhythm():
    irregular = [simulated("AFIB", seed=seed, settings=COARSE).beats for seed in range(10)]
    regular = [simulated("NORM", "SR", seed=seed, settings=COARSE).beats for seed in range(10)]
    assert all(beats["p_onset"].isna().all() and beats["pr"].isna().all() for beats in irregular)
    assert not any(beats["p_onset"].isna().any() for beats in regular)
    variation = [[(beats["rr"].std() / beats["rr"].mean()) for beats in group] for group in (irregular, regular)]
    assert min(variation[0]) > 0.08 > max(variation[1])


def test_premature_beats_come_early_and_ventricular_ones_are_wide_with_a_compensatory_pause():
    for seed in range(10):
        beats = simulated("PVC", "PAC", "SR", seed=seed, settings=COARSE).beats
        usual = beats["rr"].median()
        for kind in "AV":
            early = beats[beats["kind"] == kind]
            assert len(early) >= 1 and (early["rr"] < 0.85 * usual).all()
        ventricular = beats[beats["kind"] == "V"]
        assert (ventricular["qrs"] > 0.13).all() and ventricular["p_onset"].isna().all()
        for index in ventricular.index:
            if index + 1 in beats.index:
                assert beats["rr"][index] + beats["rr"][index + 1] > 1.7 * usual


def test_hypertrophy_reaches_sokolow_lyon_and_a_normal_heart_does_not():
    def voltage(*statements: str, seed: int) -> float:
        record = simulated(*statements, seed=seed)
        pieces = {lead: at_beats(record, lead, ("qrs_onset", "qrs_offset")) for lead in ("V1", "V5", "V6")}
        depth = np.median([-piece.min() for piece in pieces["V1"]])
        return float(depth + max(np.median([piece.max() for piece in pieces[lead]]) for lead in ("V5", "V6")))

    assert np.mean([voltage("LVH", "SR", seed=seed) > 3.3 for seed in range(20)]) >= 0.8
    assert np.mean([voltage("NORM", "SR", seed=seed) < 3.5 for seed in range(20)]) >= 0.9


def test_leads_look_as_a_cardiologist_expects():
    for seed in range(12):
        normal = simulated("NORM", "SR", seed=seed)
        r_wave = {
            lead: np.median([q.max() for q in at_beats(normal, lead, ("qrs_onset", "qrs_offset"))]) for lead in LEADS
        }
        s_wave = {
            lead: np.median([-q.min() for q in at_beats(normal, lead, ("qrs_onset", "qrs_offset"))]) for lead in LEADS
        }
        assert s_wave["V1"] > r_wave["V1"] and r_wave["V5"] > s_wave["V5"]  # R grows from V1 to V5
        assert s_wave["aVR"] > r_wave["aVR"]
        left = simulated("CLBBB", "SR", seed=seed)
        assert np.median([q.max() for q in at_beats(left, "V1", ("qrs_onset", "qrs_offset"))]) < 0.15  # QS in V1
        assert np.median([q.mean() for q in at_beats(left, "V6", ("qrs_onset", "qrs_offset"))]) > 0.2  # broad R in V6
        assert np.median([t.min() for t in at_beats(left, "V6", ("t_onset", "t_offset"))]) < -0.05  # T against it
        right = simulated("CRBBB", "SR", seed=seed)
        late = [q[len(q) // 2 :].max() for q in at_beats(right, "V1", ("qrs_onset", "qrs_offset"))]
        assert np.median(late) > 0.25  # r' in V1
        inferior = simulated("IMI", "SR", seed=seed)
        first = [q[: len(q) // 2].min() for q in at_beats(inferior, "III", ("qrs_onset", "qrs_offset"))]
        assert np.median(first) < -0.15  # Q in III
        anterior = simulated("AMI", "SR", seed=seed)
        assert np.median([q.max() for q in at_beats(anterior, "V2", ("qrs_onset", "qrs_offset"))]) < 0.25  # no R in V2


def test_the_qrs_complex_lies_within_its_truth():
    record = simulated("NORM", "SR", seed=2)
    slope = np.abs(np.gradient(record.record.signal[[0, 1, *range(6, 12)]], 1 / 500, axis=1)).max(0)
    times = np.arange(5000) / 500
    inside = np.zeros(5000, dtype=bool)
    for beat in record.beats.itertuples():
        inside |= (times >= beat.qrs_onset) & (times <= beat.qrs_offset)
    inside[(times < 0.5) | (times > 9.5)] = True
    assert slope[~inside].max() < 0.25 * slope[inside].max()


@pytest.mark.parametrize(
    ("statements", "message"),
    [(["XYZ"], "cannot simulate"), ([], "no statement"), (["AFIB", "SR"], "exclude"), (["NORM", "CLBBB"], "exclude")],
)
def test_impossible_statements_are_refused(statements: list[str], message: str):
    with pytest.raises(ValueError, match=message):
        simulate_record(statements, np.random.default_rng(0))


def test_a_record_too_short_is_refused():
    with pytest.raises(ValueError, match="at least 3 s"):
        simulated("NORM", settings=SimulatorSettings(seconds=1))
