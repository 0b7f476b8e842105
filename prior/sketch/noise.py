"""Wander and noise of a sketch, drawn without codes: what a recording is beside its beats, if that were all chance.

The control of the transformer. White noise in every lead, and white noise under a bell for wander, each as large as the
sketch says; leads and samples know nothing of each other.
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

BELL = 0.3  # s, standard deviation of the bell that wander is smoothed by
MEDIAN = 0.6745  # of the size of a normal number, in standard deviations


def drawn_noise(
    wander: Tensor, noise: Tensor, streams: Sequence[Sequence[int]], samples: int, sampling_rate: int
) -> Tensor:
    """Noise of the levels (batch, leads) of `SketchModel.levels`: (batch, leads, samples) mV.

    Row n is drawn from a generator seeded with the numbers `streams[n]`.
    """
    rows = [np.random.default_rng(stream).standard_normal((2, wander.shape[1], samples)) for stream in streams]
    white, slow = np.stack(rows, axis=1) if rows else np.zeros((2, 0, wander.shape[1], samples))
    slow = gaussian_filter1d(slow, BELL * sampling_rate, axis=2, mode="wrap")
    slow /= slow.std(axis=2, keepdims=True)
    levels = (level.cpu().numpy()[..., None] / MEDIAN for level in (noise / 2**0.5, wander))
    drawn = sum(level * part for level, part in zip(levels, (white, slow), strict=True))
    return torch.as_tensor(drawn, dtype=wander.dtype, device=wander.device)
