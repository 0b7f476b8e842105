"""The mixture: a fixed share of every batch comes from a stream of synthetic records beside the real ones.

Records that are added to the real ones shift the prevalence of classes, and the more of them there are the less the
real ones are seen. A share of the batch keeps the two apart: any number of synthetic records, and the real records are
seen as often as the share leaves room for, each equally often. Trabucco et al. (2023) train so where labels are few,
with half of the images synthetic; He et al. (2023) find that real and synthetic images mixed in every batch do better
than one kind after the other.
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from vqecg.records.bounds import BelowOne, Checked
from vqecg.training.sampler import Examples, batch_indices

SHARE = "mixture.share"  # the setting, by its dotted name in ClassifierSettings
REAL, SYNTHETIC = 0, 1  # streams of the sampler


@dataclass(frozen=True)
class MixtureSettings(Checked):
    """Training on a stream of synthetic records beside the real ones."""

    share: BelowOne = 0.0  # of every batch that comes from the synthetic stream, to the nearest record; 0 = none

    def of_batch(self, batch_size: int) -> int:
        """The records of a batch that come from the stream.

        Raises ValueError for a share above 0 that leaves no record of a batch to the stream, or none to the real ones.
        """
        count = round(self.share * batch_size)
        if self.share and not 0 < count < batch_size:
            raise ValueError(
                f"mixture.share {self.share} of a batch of {batch_size} is {count} synthetic records; expected at "
                "least 1 and at least 1 real one: choose another share, or a larger batch"
            )
        return count


@dataclass(frozen=True, eq=False)
class MixedExamples:
    """Examples of a training on two streams: the first `real` of `examples` are real, all others synthetic."""

    examples: Examples
    real: int
    share: float  # of every batch that is synthetic

    @property
    def identity(self) -> list[float]:
        """The numbers that the choice of batches depends on, beside batch size, step and seed."""
        return [self.real, len(self), self.share]

    def __len__(self) -> int:
        return len(self.examples)

    def choose(self, batch_size: int, step: int, seed: int) -> np.ndarray:
        """Indices of one global batch, the synthetic ones first: int64 (batch_size,).

        Both streams are read in permutations of their own: within each, every record is seen equally often.
        """
        synthetic = MixtureSettings(self.share).of_batch(batch_size)
        chosen = batch_indices(len(self) - self.real, synthetic, step, seed, SYNTHETIC)
        return np.concatenate([self.real + chosen, batch_indices(self.real, batch_size - synthetic, step, seed, REAL)])

    def batch(self, indices: np.ndarray, generator: np.random.Generator) -> dict[str, Tensor]:
        """As the examples of one stream: both kinds are augmented alike, and mixed where records are mixed."""
        return self.examples.batch(indices, generator)


def labels_in_shares(real: np.ndarray, stream: np.ndarray | None, mixture: MixtureSettings) -> np.ndarray:
    """The labels of a pass over the real records, the stream in its share beside them: what weights of classes see.

    `real` and `stream` are (records, classes), NaN where unknown; the stream counts as so many records of its mean
    labels. (rows, classes)
    """
    if stream is None:
        return real
    count = round(len(real) * mixture.share / (1 - mixture.share))
    known = np.isfinite(stream).sum(axis=0).astype(stream.dtype)
    mean = np.where(known > 0, np.nansum(stream, axis=0) / np.maximum(known, 1), np.nan)
    return np.concatenate([real, np.repeat(mean[None].astype(stream.dtype), count, axis=0)])
