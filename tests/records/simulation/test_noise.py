"""Noise enters at the electrodes."""

import numpy as np

from vqecg.records.simulation.noise import ELECTRODES_TO_LEADS, electrode_noise, fibrillation_waves


def test_leads_are_differences_so_a_voltage_common_to_all_electrodes_vanishes():
    np.testing.assert_allclose(ELECTRODES_TO_LEADS @ np.ones(9), 0, atol=1e-12)


def test_noise_has_the_size_of_real_noise_and_the_same_seed_the_same_bits():
    breathing = np.sin(np.arange(5000) / 500)
    levels = [electrode_noise(5000, 500, breathing, np.random.default_rng(seed)).std() for seed in range(60)]
    assert 0.015 < np.median(levels) < 0.08  # mV
    first, again = (electrode_noise(5000, 500, breathing, np.random.default_rng(1)) for _ in range(2))
    assert first.shape == (8, 5000)
    np.testing.assert_array_equal(first, again)


def test_fibrillation_waves_beat_four_to_ten_times_a_second():
    waves = fibrillation_waves(5000, 500, np.random.default_rng(0))
    power = (np.abs(np.fft.rfft(waves, axis=0)) ** 2).sum(1)
    frequencies = np.fft.rfftfreq(5000, 1 / 500)
    assert waves.shape == (5000, 3)
    assert power[(frequencies > 3.5) & (frequencies < 18)].sum() > 0.9 * power.sum()
