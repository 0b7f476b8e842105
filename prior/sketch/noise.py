"""Wander and noise of a sketch, drawn without codes: what a recording is beside its beats, if that were all chance.

The control of the transformer. White noise in every lead, and white noise under a bell for wander, each as large as the
sketch says; leads and samples know nothing of each other.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from vqecg.prior.sketch.layout import beat_samples

BELL = 0.3  # s, standard deviation of the bell that wander is smoothed by
MEDIAN = 0.6745  # of the size of a normal number, in standard deviations
ROUGHER = 1.08  # times the noise that is measured where beats wander as usual: their median jumps from one to another


def drawn_noise(
    wander: Tensor, noise: Tensor, streams: Sequence[Sequence[int]], samples: int, sampling_rate: int
) -> Tensor:
    """Noise of the levels (batch, leads) of `SketchModel.levels`: (batch, leads, samples) mV.

    Measured as traits are, it is within some 12 % of them: more where beats wander much, less where they do not.
    Row n is drawn from a generator seeded with the numbers `streams[n]`.
    """
    rows = [np.random.default_rng(stream).standard_normal((2, wander.shape[1], samples)) for stream in streams]
    white, slow = np.stack(rows, axis=1) if rows else np.zeros((2, 0, wander.shape[1], samples))
    slow = gaussian_filter1d(slow, BELL * sampling_rate, axis=2, mode="wrap")
    slow /= slow.std(axis=2, keepdims=True)
    sizes = noise / 2**0.5 / ROUGHER, wander / bell_after_mean(sampling_rate)  # measured by slopes, as means of beats
    drawn = sum(size.cpu().numpy()[..., None] / MEDIAN * part for size, part in zip(sizes, (white, slow), strict=True))
    return torch.as_tensor(drawn, dtype=wander.dtype, device=wander.device)


@cache
def bell_after_mean(sampling_rate: int) -> float:
    """The standard deviation of wander averaged over a beat, as a share of that of wander."""
    reach, beat = round(5 * BELL * sampling_rate), beat_samples(sampling_rate)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (BELL * sampling_rate)) ** 2)
    return float(np.linalg.norm(np.convolve(bell, np.full(beat, 1 / beat))) / np.linalg.norm(bell))
