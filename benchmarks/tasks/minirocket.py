"""MiniRocket (Dempster et al. 2021) for several channels: random features without training, a strong simple baseline.

Kernels of nine weights, six of -1 and three of 2, at dilations up to the length of the signal; the share of samples in
which a convolution exceeds a bias taken from quantiles of training signals. Each kernel and dilation reads a random set
of channels.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

LENGTH, HIGH = 9, 3  # weights of a kernel, and those of 2
KERNELS = np.array(
    [[2.0 if place in high else -1.0 for place in range(LENGTH)] for high in combinations(range(LENGTH), HIGH)]
)
MOST_DILATIONS = 32


@dataclass(frozen=True, eq=False)
class MiniRocket:
    """Features of signals, fitted on training signals without their labels."""

    dilations: np.ndarray  # (dilations,) samples
    channels: np.ndarray  # (dilations, kernels, channels) float32 0/1
    biases: np.ndarray  # (dilations, kernels, biases) float32

    @classmethod
    def fit(cls, signals: np.ndarray, features: int = 10_000, seed: int = 0) -> "MiniRocket":
        """Of training signals (records, channels, samples) float32."""
        generator = np.random.default_rng(seed)
        count = max(1, min(MOST_DILATIONS, features // len(KERNELS)))
        longest = np.log2((signals.shape[2] - 1) / (LENGTH - 1))
        dilations = np.unique(np.floor(np.exp2(np.linspace(0, longest, count))).astype(int))
        each = max(1, features // (len(KERNELS) * len(dilations)))
        quantiles = (np.arange(1, each + 1) * (5**0.5 - 1) / 2) % 1
        most = min(signals.shape[1], 9)
        channels = np.zeros((len(dilations), len(KERNELS), signals.shape[1]), np.float32)
        biases = np.zeros((len(dilations), len(KERNELS), each), np.float32)
        for row, dilation in enumerate(dilations):
            for kernel in range(len(KERNELS)):
                size = int(np.exp2(generator.uniform(0, np.log2(most + 1))))
                channels[row, kernel, generator.choice(signals.shape[1], size, replace=False)] = 1
            examples = signals[generator.integers(0, len(signals), len(KERNELS))]
            for kernel, example in enumerate(examples):
                response = convolved(example[None], dilation, channels[row])[0, kernel]
                biases[row, kernel] = np.quantile(response, quantiles)
        return cls(dilations, channels, biases)

    def features(self, signals: np.ndarray) -> np.ndarray:
        """(records, channels, samples) float32 -> (records, features) float32, shares in 0..1."""
        parts = []
        for dilation, channels, biases in zip(self.dilations, self.channels, self.biases, strict=True):
            response = convolved(signals, dilation, channels)
            above = [(response > bias[None, :, None]).mean(2) for bias in biases.T]
            parts.append(np.stack(above, axis=2).reshape(len(signals), -1))
        return np.concatenate(parts, axis=1).astype(np.float32)


def convolved(signals: np.ndarray, dilation: int, channels: np.ndarray) -> np.ndarray:
    """Every kernel on the sum of its channels, at a dilation: (records, kernels, samples) float32, 0 past the ends."""
    reach = LENGTH // 2 * dilation
    padded = np.pad(signals, ((0, 0), (0, 0), (reach, reach)))
    shifted = np.stack(
        [padded[:, :, at : at + signals.shape[2]] for at in range(0, LENGTH * dilation, dilation)], axis=1
    )
    weights = (KERNELS[:, :, None] * channels[:, None, :]).reshape(len(KERNELS), -1).astype(np.float32)
    return weights @ shifted.reshape(len(signals), -1, signals.shape[2])
