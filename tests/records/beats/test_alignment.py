"""Aligned beats: parent B in parent A's rhythm, without ghost beats."""

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.records.beats.alignment import align_beats, sample_at
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.label_tables import rhythm_bound
from vqecg.records.leads import LEADS, independent_leads
from vqecg.records.simulation.simulator import SimulatorSettings, simulate_record


def normal(seed: int, *more: str, rate: int = 100) -> np.ndarray:
    rng = np.random.default_rng([seed, 31])
    simulated = simulate_record(["NORM", *more], rng, SimulatorSettings(sampling_rate=rate))
    return independent_leads(simulated.record.signal, LEADS)


def extra_beats(pairs: list[tuple[np.ndarray, np.ndarray]], rate: float) -> tuple[float, float]:
    """Mean change in the number of beats when a pair is mixed half and half: aligned (absolute), and naive."""
    aligned, naive = [], []
    for first, second in pairs:
        own = len(find_r_peaks(first, rate))
        mixture = (first + align_beats(first, second, rate).signal) / 2
        aligned.append(abs(len(find_r_peaks(mixture, rate)) - own))
        naive.append(len(find_r_peaks((first + second) / 2, rate)) - own)
    return float(np.mean(aligned)), float(np.mean(naive))


@pytest.mark.parametrize("rate", [100, 500])
def test_mixing_aligned_parents_adds_no_beats_and_naive_mixing_does(rate: int):
    pairs = [(normal(2 * k, rate=rate), normal(2 * k + 1, rate=rate)) for k in range(30)]
    aligned, naive = extra_beats(pairs, rate)
    assert aligned <= 0.05 and naive > 1


def test_parents_of_very_different_rates_align():
    pairs = [(normal(k, "STACH"), normal(k, "SBRAD")) for k in range(10)]
    pairs += [(second, first) for first, second in pairs]
    aligned, naive = extra_beats(pairs, 100)
    assert aligned <= 0.2 and naive > 1


def test_the_aligned_parent_has_its_r_peaks_where_the_other_has_them():
    first, second = normal(3), normal(4)
    aligned = align_beats(first, second, 100)
    assert aligned.signal.shape == first.shape and aligned.signal.dtype == np.float32
    np.testing.assert_array_equal(aligned.r_peaks, find_r_peaks(first, 100))
    inner = aligned.r_peaks[1:-1]
    found = find_r_peaks(aligned.signal, 100)
    assert max(np.abs(found - peak).min() for peak in inner) <= 2  # samples of 10 ms
    peaks_b = find_r_peaks(second, 100)
    np.testing.assert_allclose(aligned.signal[:, inner], second[:, peaks_b[aligned.source_beats[1:-1]]], atol=1e-3)


def test_a_record_aligned_with_itself_stays_itself_between_its_first_and_last_beat():
    signal = normal(5)
    aligned = align_beats(signal, signal, 100)
    first, last = aligned.r_peaks[1], aligned.r_peaks[-3]
    if aligned.source_beats[0] == 0:
        np.testing.assert_allclose(aligned.signal[:, first:last], signal[:, first:last], atol=0.02)


def test_a_parent_with_fewer_beats_is_used_again_from_its_start():
    first, second = normal(6, "STACH"), normal(7, "SBRAD")
    source = align_beats(first, second, 100).source_beats
    assert len(source) > len(np.unique(source)) and set(np.diff(source)) <= {1, np.min(np.diff(source))}


def test_there_is_no_step_at_the_stitches():
    for seed in range(10):
        first, second = normal(seed, "STACH"), normal(seed + 20, "SBRAD")
        second = second + np.linspace(0, 1.0, 1000)  # drifting baseline: the last beat lies 1 mV above the first
        warped = align_beats(first, second, 100).signal
        assert np.abs(np.diff(warped, axis=1)).max() < 1.5 * np.abs(np.diff(second, axis=1)).max()


def test_parents_may_differ_in_length():
    first, second = normal(8), normal(9)
    assert align_beats(first, second[:, :700], 100).signal.shape == first.shape
    assert align_beats(first[:, :700], second, 100).signal.shape == (8, 700)


def test_too_few_beats_are_refused():
    signal = normal(10)
    with pytest.raises(ValueError, match="0 beats found in the second record"):
        align_beats(signal, np.zeros((8, 1000)), 100)
    with pytest.raises(ValueError, match="first record"):
        align_beats(signal[:, :120], signal, 100)
    with pytest.raises(ValueError, match="same leads"):
        align_beats(signal, signal[:3], 100)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(4, 60))
def test_sampling_between_samples_passes_through_the_samples_and_through_lines(seed: int, samples: int):
    signal = np.random.default_rng(seed).normal(size=(2, samples))
    np.testing.assert_allclose(sample_at(signal, np.arange(samples)), signal, atol=1e-12)
    line = np.arange(samples, dtype=float)[None]
    positions = np.random.default_rng(seed).uniform(1, samples - 2, 10)
    np.testing.assert_allclose(sample_at(line, positions)[0], positions, atol=1e-9)


@pytest.mark.real
@pytest.mark.slow
def test_real_normal_pairs_mix_without_extra_beats(real_data: Path):
    database = pd.read_csv(
        real_data / "ptb-xl" / "ptbxl_database.csv", usecols=["scp_codes", "strat_fold", "filename_lr"]
    )
    statements = database["scp_codes"].map(ast.literal_eval)
    chosen = database[[("NORM" in s and not any(map(rhythm_bound().get, s))) for s in statements]]
    files = chosen[chosen["strat_fold"] <= 8]["filename_lr"].sample(200, random_state=1)
    signals = [independent_leads(wfdb.rdsamp(str(real_data / "ptb-xl" / file))[0].T, LEADS) for file in files]
    aligned, naive = extra_beats(list(zip(signals[::2], signals[1::2], strict=True)), 100)
    assert aligned <= 0.05 and naive > 1
