"""Signs of a rhythm, on simulated and hand-made records whose beats are known."""

import numpy as np
import pytest

from vqecg.evaluation.waves.rhythm_signs import (
    FEWEST_BEATS,
    RHYTHM_SIGN_UNITS,
    autocorrelation,
    flutter,
    rhythm_signs,
    spike,
)
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.leads import INDEPENDENT_LEADS, LEADS
from vqecg.records.simulation.simulator import SimulatedRecord, SimulatorSettings, simulate_record

RATE = 100
ROWS = [LEADS.index(lead) for lead in INDEPENDENT_LEADS]


def simulated(*statements: str, seed: int = 0) -> SimulatedRecord:
    return simulate_record(statements, np.random.default_rng(seed), settings=SimulatorSettings(sampling_rate=RATE))


def signs(record: SimulatedRecord) -> dict[str, float]:
    signal = record.record.signal[ROWS]
    values = rhythm_signs(signal, find_r_peaks(signal, RATE), RATE)
    return dict(zip(RHYTHM_SIGN_UNITS, values.tolist(), strict=True))


def evenly(rr: float, seconds: float = 10.0) -> np.ndarray:
    """R peaks, samples, `rr` s apart."""
    return np.round(np.arange(0.5, seconds - 0.1, rr) * RATE).astype(np.int64)


def beats_at(peaks: np.ndarray) -> np.ndarray:
    """(8, 1000) mV with a QRS complex at each of the peaks."""
    time = np.arange(1000)
    beat = sum(np.exp(-0.5 * ((time - peak) / 1.5) ** 2) for peak in peaks)
    return np.linspace(1, 0.4, 8)[:, None] * beat


def test_ectopic_beats_are_counted_by_their_kind():
    kinds = {"PVC": "early_unlike_beats", "PAC": "early_alike_beats"}
    for statement, column in kinds.items():
        records = [simulated("SR", statement, seed=seed) for seed in range(12)]
        shown = [signs(record)[column] > 0 for record in records]
        assert np.mean(shown) > 0.8, statement
    regular = [signs(simulated("NORM", "SR", seed=seed)) for seed in range(12)]
    assert np.mean([row["unlike_beats"] + row["early_alike_beats"] == 0 for row in regular]) > 0.9
    assert max(row["longest_rr"] for row in regular) < 1.5


def test_pairs_and_threes_repeat_after_so_many_beats():
    pairs, threes = np.tile([0.5, 1.1], 6), np.tile([0.5, 1.2, 0.8], 4)
    assert autocorrelation(pairs, 1) < -0.8 and autocorrelation(threes, 3) > 0.6
    assert autocorrelation(threes, 1) > -0.6 and autocorrelation(pairs, 3) < -0.6
    assert autocorrelation(np.full(9, 0.8), 1) == 0, "what does not vary says nothing"
    assert np.isnan(autocorrelation(np.ones(3), 1))


def test_flutter_waves_have_one_frequency_and_fibrillation_has_not():
    peaks = evenly(0.8)
    signal = beats_at(peaks)
    time = np.arange(1000) / RATE
    waves = signal + 0.15 * ((time * 4.9) % 1 - 0.5)
    assert flutter(waves, peaks, RATE) > 0.6
    coarse = simulated("AFIB", seed=1).record.signal[ROWS]
    assert flutter(coarse, find_r_peaks(coarse, RATE), RATE) < flutter(waves, peaks, RATE) - 0.1
    assert np.isnan(flutter(np.zeros((8, 1000)), peaks, RATE))
    assert np.isnan(flutter(signal, np.arange(0, 1000, 10), RATE)), "QRS complexes everywhere leave nothing"


@pytest.mark.parametrize("millivolts", [0.1, 0.4])
def test_a_spike_before_qrs_stands_out_by_its_height(millivolts: float):
    peaks = evenly(0.8)
    paced = beats_at(peaks)
    paced[:, peaks - 10] += millivolts
    assert spike(paced, peaks, RATE) == pytest.approx(millivolts, rel=0.05)
    assert spike(beats_at(peaks), peaks, RATE) < 0.01
    assert np.isnan(spike(paced, np.array([5]), RATE))


def test_too_few_beats_have_no_signs():
    values = rhythm_signs(np.zeros((8, 1000)), evenly(0.8)[: FEWEST_BEATS - 1], RATE)
    assert len(values) == len(RHYTHM_SIGN_UNITS) and np.isnan(values).all()
