"""The examples of a training step as a pure function of seed and step, which makes a resumed run exact."""

from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
from torch import Tensor


class Examples(Protocol):
    """Indexed examples that come as batches of named tensors."""

    def __len__(self) -> int: ...

    def batch(self, indices: np.ndarray, generator: np.random.Generator) -> dict[str, Tensor]: ...


@runtime_checkable
class BatchChoosing(Examples, Protocol):
    """Examples that choose their batches themselves, such as a fixed share of each from a second source."""

    @property
    def identity(self) -> Any:
        """Plain JSON that names the rule: a run goes on only where it is the same."""

    def choose(self, batch_size: int, step: int, seed: int) -> np.ndarray:
        """Indices of one global batch, source after source: int64 (batch_size,), a pure function of the three."""


@lru_cache(maxsize=4)
def epoch_permutation(examples: int, epoch: int, seed: int, stream: int = 0) -> np.ndarray:
    """The order of the examples in one epoch, another one in each stream: int64 (examples,), read-only."""
    # numpy takes [seed, epoch, 0] for [seed, epoch]: stream 0 is the order of a training with one stream
    order = np.random.default_rng([seed, epoch, stream]).permutation(examples)
    order.setflags(write=False)
    return order


def batch_indices(examples: int, batch_size: int, step: int, seed: int, stream: int = 0) -> np.ndarray:
    """Indices of one global batch: int64 (batch_size,).

    Epoch after epoch of permutations is one endless row of indices, and step `s` takes the `s`-th window of it, so a
    batch may straddle two epochs and every example is seen equally often. No state: nothing to save or restore.
    Batches that are put together from several sets of examples read each as a `stream` with an order of its own.

    Raises ValueError when there are no examples or the batch size is not positive.
    """
    if examples < 1 or batch_size < 1:
        raise ValueError(f"got {examples} examples and a batch size of {batch_size}; both must be at least 1")
    return window(examples, step * batch_size, batch_size, seed, stream)


def window(examples: int, start: int, count: int, seed: int, stream: int = 0) -> np.ndarray:
    """`count` indices, from place `start` on, of the endless row of a stream (see `batch_indices`): int64 (count,)."""
    epochs, offsets = np.divmod(np.arange(start, start + count), examples)
    parts = [
        epoch_permutation(examples, int(epoch), seed, stream)[offsets[epochs == epoch]] for epoch in np.unique(epochs)
    ]
    return np.concatenate([np.empty(0, np.int64), *parts])


def batch_parts(
    examples: Examples, batch_size: int, parts: int, step: int, seed: int, rank: int = 0, processes: int = 1
) -> list[np.ndarray]:
    """The indices that one process sees in one step, in `parts` for which gradients are added up: int64 (part,) each.

    Raises ValueError as `batch_indices`.
    """
    if isinstance(examples, BatchChoosing):
        # by strides, as a batch has one source after the other: each part has its share of each, to within a record
        indices = examples.choose(batch_size, step, seed)[rank::processes]
        number = min(parts, len(indices))
        return [indices[first::number] for first in range(number)]
    indices = batch_indices(len(examples), batch_size, step, seed)[rank::processes]
    return np.array_split(indices, min(parts, len(indices)))
