"""Noise of a sketch without codes: as large as traits are measured, and the same for the same stream."""

import numpy as np
import torch

from vqecg.prior.sketch.noise import drawn_noise
from vqecg.prior.sketch.traits import measure

RATE, SAMPLES, LEADS = 100, 1000, 8


def levels(records: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full((records, LEADS), 0.03), torch.full((records, LEADS), 0.004)


def test_measured_as_traits_are_it_is_as_large_as_asked():
    wander, noise = levels(60)
    drawn = drawn_noise(wander, noise, [[0, row] for row in range(60)], SAMPLES, RATE).numpy()
    peaks = np.arange(60, 960, 85)
    found = np.array([np.exp(measure(one, peaks, RATE)[3:19]) - 0.001 for one in drawn])
    np.testing.assert_allclose(np.median(found[:, :LEADS]), 0.03, rtol=0.15)
    np.testing.assert_allclose(np.median(found[:, LEADS:]), 0.004, rtol=0.13)


def test_a_stream_has_its_noise_whoever_is_beside_it():
    streams = [[3, row] for row in range(4)]
    together = drawn_noise(*levels(4), streams, SAMPLES, RATE)
    alone = drawn_noise(*levels(1), streams[2:3], SAMPLES, RATE)
    assert together.shape == (4, LEADS, SAMPLES) and together.dtype == torch.float32
    torch.testing.assert_close(together[2], alone[0])
    assert not torch.equal(together[0], together[1])
    assert drawn_noise(*levels(0), [], SAMPLES, RATE).shape == (0, LEADS, SAMPLES)
