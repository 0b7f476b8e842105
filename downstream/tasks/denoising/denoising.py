"""Noise removed from a recording of any length, in windows as long as the recordings of most data sets."""

import numpy as np

from vqecg.downstream.tasks.denoising.registry import DENOISERS
from vqecg.tokenizer.modeling import ECGTokenizer

WINDOW = 10.0  # s
OVERLAP = 1.0  # s at least, over which one window passes into the next
BATCH = 64  # windows at a time


def denoise(tokenizer: ECGTokenizer, signal: np.ndarray, method: str = "codes") -> np.ndarray:
    """A recording (8, samples) float32 mV at the tokenizer's rate -> the same without noise.

    Windows overlap, and are averaged there with weights that rise and fall. Raises ValueError for an unknown method, a
    tokenizer that did not learn to leave noise out, and a signal that is not finite or of another shape.
    """
    check_denoises(tokenizer)
    way = DENOISERS.get(method)()
    if signal.ndim != 2 or len(signal) != len(tokenizer.config.leads) or signal.shape[1] == 0:
        raise ValueError(
            f"got a recording of shape {signal.shape}; expected ({len(tokenizer.config.leads)}, samples) in mV with "
            f"the leads {', '.join(tokenizer.config.leads)}"
        )
    unknown = int(np.count_nonzero(~np.isfinite(signal)))
    if unknown:
        raise ValueError(f"{unknown:,} of {signal.size:,} samples are unknown, expected none: cut them off")
    samples, rate = signal.shape[1], tokenizer.config.sampling_rate
    length = min(samples, round(WINDOW * rate))
    starts = window_starts(samples, length, round(OVERLAP * rate))
    weight = np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1)).clip(max=round(OVERLAP * rate))
    total, weights = np.zeros(signal.shape), np.zeros(samples)
    for first in range(0, len(starts), BATCH):
        part = starts[first : first + BATCH]
        windows = np.stack([signal[:, start : start + length] for start in part]).astype(np.float32)
        for start, cleaned in zip(part, way.denoise(tokenizer, windows), strict=True):
            total[:, start : start + length] += weight * cleaned
            weights[start : start + length] += weight
    return (total / weights).astype(np.float32)


def window_starts(samples: int, length: int, overlap: int) -> np.ndarray:
    """The first samples of windows of `length` that cover so many samples and overlap by `overlap` or more: int64."""
    windows = 1 + -(-(samples - length) // max(1, length - overlap))
    return np.rint(np.linspace(0, samples - length, windows)).astype(np.int64)


def check_denoises(tokenizer: ECGTokenizer) -> None:
    """Raises ValueError for a tokenizer that gives noise back as it came."""
    if not tokenizer.config.denoises:
        raise ValueError(
            "this tokenizer gives a recording back with its noise; expected one that was trained with "
            "--training.model.noise-share above 0, such as 0.9, from the beginning or with --start THIS"
        )
