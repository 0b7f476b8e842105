"""The examples of a training step as a pure function of seed and step, which makes a resumed run exact."""

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=4)
def epoch_permutation(examples: int, epoch: int, seed: int) -> np.ndarray:
    """The order of the examples in one epoch: int64 (examples,), read-only."""
    order = np.random.default_rng([seed, epoch]).permutation(examples)
    order.setflags(write=False)
    return order


def batch_indices(examples: int, batch_size: int, step: int, seed: int) -> np.ndarray:
    """Indices of one global batch: int64 (batch_size,).

    Epoch after epoch of permutations is one endless row of indices, and step `s` takes the `s`-th window of it, so a
    batch may straddle two epochs and every example is seen equally often. No state: nothing to save or restore.

    Raises ValueError when there are no examples or the batch size is not positive.
    """
    if examples < 1 or batch_size < 1:
        raise ValueError(f"got {examples} examples and a batch size of {batch_size}; both must be at least 1")
    position = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs, offsets = np.divmod(position, examples)
    return np.concatenate(
        [epoch_permutation(examples, int(epoch), seed)[offsets[epochs == epoch]] for epoch in np.unique(epochs)]
    )
