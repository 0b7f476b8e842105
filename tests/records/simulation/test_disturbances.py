"""Disturbances of a chosen kind and size."""

import numpy as np
import pytest

from vqecg.records.leads import einthoven_residual, twelve_leads
from vqecg.records.simulation.disturbances import DISTURBANCES, disturbed, noise_of, power

RATE = 500


@pytest.mark.parametrize("kind", DISTURBANCES.names())
def test_noise_has_the_power_that_was_asked_for_and_repeats_itself(kind: str):
    signal = np.random.default_rng(0).normal(size=(8, 5000)).astype(np.float32)
    for size in (0.1, 1.0, 3.0):
        noisy = disturbed(signal, RATE, {kind: 1.0}, size, np.random.default_rng(1))
        assert noisy.dtype == np.float32 and noisy.shape == signal.shape
        assert np.sqrt(power(noisy - signal) / power(signal)) == pytest.approx(size, rel=1e-3)
        assert np.array_equal(noisy, disturbed(signal, RATE, {kind: 1.0}, size, np.random.default_rng(1)))


def test_each_kind_is_where_it_belongs():
    frequencies = np.fft.rfftfreq(5000, 1 / RATE)

    def share(kind: str, low: float, high: float) -> float:
        noise = noise_of({kind: 1.0}, 5000, RATE, np.random.default_rng(0))
        spectrum = np.square(np.abs(np.fft.rfft(noise - noise.mean(1, keepdims=True)))).sum(0)
        return float(spectrum[(frequencies >= low) & (frequencies <= high)].sum() / spectrum.sum())

    assert share("wander", 0, 1) > 0.95
    assert share("muscle", 100, 250) > 0.4
    assert share("mains", 49, 61) > 0.99
    assert share("motion", 0, 20) > 0.9


def test_leads_share_the_electrodes_noise():
    """A disturbed left arm is in leads I and III, and Einthoven's law still holds."""
    noise = noise_of({"muscle": 1.0}, 1000, RATE, np.random.default_rng(0)).astype(np.float32)
    assert einthoven_residual(twelve_leads(noise)) < 1e-5


def test_shares_of_kinds_are_shares_of_power():
    rng = np.random.default_rng(0)
    noise = noise_of({"wander": 3.0, "mains": 1.0}, 5000, RATE, rng)
    slow = np.fft.rfftfreq(5000, 1 / RATE) < 10
    spectrum = np.square(np.abs(np.fft.rfft(noise - noise.mean(1, keepdims=True)))).sum(0)
    assert spectrum[slow].sum() / spectrum.sum() == pytest.approx(0.75, abs=0.05)


def test_a_flat_recording_stays_flat():
    flat = np.ones((8, 1000), np.float32)
    assert np.array_equal(disturbed(flat, RATE, {"wander": 1.0}, 1.0, np.random.default_rng(0)), flat)


def test_what_cannot_be_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="mains hum of 60 Hz does not exist at 100 Hz; expected more than 120 Hz"):
        noise_of({"mains": 1.0}, 1000, 100, rng)
    with pytest.raises(ValueError, match="'thunder' is unknown; expected one of wander, muscle, motion, mains"):
        noise_of({"thunder": 1.0}, 1000, 100, rng)
    for shares in ({"wander": 0.0}, {"wander": 1.0, "muscle": -1.0}):
        with pytest.raises(ValueError, match="expected numbers of 0 or more"):
            noise_of(shares, 1000, 100, rng)
