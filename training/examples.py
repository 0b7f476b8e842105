"""Training examples cut from a store of prepared recordings."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from vqecg.records.store.record_store import RecordStore


@dataclass(frozen=True)
class SignalExamples:
    """The chosen records of a store as batches {"signal": (batch, 8, samples) float32 mV}, read from its memory map.

    `shift` moves each record by up to that many samples either way (its first or last value held), drawn anew each
    time it is seen; `gain` scales each record by a random factor, log-normal with that standard deviation.
    """

    store: RecordStore
    indices: np.ndarray  # (examples,) int64 rows of the store
    shift: int = 0  # samples
    gain: float = 0.0  # standard deviation of the logarithm of the factor
    extra: dict[str, np.ndarray] = field(default_factory=dict)  # further arrays, one row per example

    def __len__(self) -> int:
        return len(self.indices)

    def batch(self, indices: np.ndarray, generator: np.random.Generator) -> dict[str, Tensor]:
        """The examples `indices` (numbers from 0 to len - 1), jittered with `generator`."""
        signal = jitter(self.store.signals(self.indices[indices]), self.shift, self.gain, generator).signal
        return {"signal": torch.from_numpy(signal)} | {
            name: torch.from_numpy(np.ascontiguousarray(values[indices])) for name, values in self.extra.items()
        }


@dataclass(frozen=True)
class Jittered:
    """Records that were moved and scaled."""

    signal: np.ndarray  # (batch, 8, samples) float32 mV
    moves: np.ndarray  # (batch,) int64 samples: what was at sample n is now at n - move
    gains: np.ndarray  # (batch,) float32, what the record was multiplied by


def jitter(signal: np.ndarray, shift: int, gain: float, generator: np.random.Generator) -> Jittered:
    """Moves and scales each record of (batch, 8, samples) by itself; see `SignalExamples`."""
    moves, gains = np.zeros(len(signal), np.int64), np.ones(len(signal), np.float32)
    if shift:
        moves = generator.integers(-shift, shift + 1, len(signal))
        positions = np.arange(signal.shape[2])[None] + moves[:, None]
        signal = np.take_along_axis(signal, positions.clip(0, signal.shape[2] - 1)[:, None], axis=2)
    if gain:
        gains = np.exp(gain * generator.standard_normal(len(signal))).astype(np.float32)
        signal = signal * gains[:, None, None]
    return Jittered(signal, moves, gains)
