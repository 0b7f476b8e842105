"""R amplitude and ST level of decoded records."""

import numpy as np
import pytest

from benchmarks.codec import diagnostic_error
from vqecg.records.store.record_store import RecordStore


def test_a_codec_that_blunts_by_a_tenth_shows_in_the_r_amplitude(simulated_store: RecordStore):
    signals = simulated_store.signals(slice(0, 10))
    error = diagnostic_error.diagnostic_error(
        signals, 0.9 * signals, [diagnostic_error.beat_samples(own, 100) for own in signals]
    )
    assert error.r_percent == pytest.approx(10, abs=0.01) and error.r_bias == pytest.approx(-10, abs=0.01)
    assert error.records == 10 and 0.02 < error.r_amplitude < 0.3


def test_a_raised_st_segment_shows_in_the_st_level_alone(simulated_store: RecordStore):
    signal = simulated_store.signals(slice(0, 1))
    raised = signal.copy()
    samples = diagnostic_error.beat_samples(signal[0], 100)
    raised[0][:, samples.st] += 0.1  # V leads by 0.1 mV, limb leads by their arithmetic
    error = diagnostic_error.diagnostic_error(signal, raised, [samples])
    assert error.st_worst == pytest.approx(100, abs=1) and error.r_amplitude == 0
    same = diagnostic_error.diagnostic_error(signal, signal, [samples])
    assert same.st_level == same.st_worst == same.r_percent == 0
    with pytest.raises(ValueError, match="no whole beat in 1 records"):
        flat = np.zeros_like(signal)
        diagnostic_error.diagnostic_error(flat, flat, [diagnostic_error.beat_samples(flat[0], 100)])
