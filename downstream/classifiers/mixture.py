"""The mixture: a share of every batch comes from a stream of synthetic records beside the real ones.

Records that are added to the real ones shift the prevalence of classes, and the more of them there are the less the
real ones are seen. A share of the batch keeps the two apart: any number of synthetic records, and the real records are
seen as often as the share leaves room for, each equally often. Trabucco et al. (2023) train so where labels are few,
with half of the images synthetic; He et al. (2023) find that real and synthetic images mixed in every batch do better
than one kind after the other.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor

from vqecg.downstream.classifiers.mixing.branches import BRANCHES, SHARED
from vqecg.downstream.classifiers.mixing.schedules import CONSTANT, SCHEDULES, check_schedule, synthetic_before
from vqecg.records.bounds import BelowOne, Checked, Share
from vqecg.records.registry import Choices
from vqecg.training.checkpoint import OMITTED_WHILE_DEFAULT
from vqecg.training.sampler import Examples, window

SHARE = "mixture.share"  # the setting, by its dotted name in ClassifierSettings
REAL, SYNTHETIC = 0, 1  # streams of the sampler


@dataclass(frozen=True)
class MixtureSettings(Checked):
    """Training on a stream of synthetic records beside the real ones."""

    share: BelowOne = 0.0  # share of every batch from the synthetic stream, to the nearest record; 0 = none
    schedule: Annotated[str, Choices("course of the share over the training, by its mean", SCHEDULES.listing)] = field(
        default=CONSTANT, metadata=OMITTED_WHILE_DEFAULT
    )
    branch: Annotated[str, Choices("what synthetic records do not share with real ones", BRANCHES.listing)] = field(
        default=SHARED, metadata=OMITTED_WHILE_DEFAULT
    )
    # share of the steps, the last ones, that train the head alone, on real records; 0 = none
    head_share: BelowOne = field(default=0.0, metadata=OMITTED_WHILE_DEFAULT)
    # share of a synthetic record's label that is the score of a teacher trained on the real records; 0 = none
    soft_labels: Share = field(default=0.0, metadata=OMITTED_WHILE_DEFAULT)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_schedule(self.schedule, self.share)
        BRANCHES.get(self.branch)

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
    mixture: MixtureSettings
    steps: int  # of the training, over which a schedule runs

    @property
    def identity(self) -> list[Any]:
        """The numbers that the choice of batches depends on, beside batch size, step and seed."""
        rule = [] if self.mixture.schedule == CONSTANT else [self.mixture.schedule, self.steps]
        return [self.real, len(self), self.mixture.share, *rule]

    def __len__(self) -> int:
        return len(self.examples)

    def choose(self, batch_size: int, step: int, seed: int) -> np.ndarray:
        """Indices of one global batch, the synthetic ones first: int64 (batch_size,).

        Both streams are read in permutations of their own: within each, every record is seen equally often.
        """
        count = self.mixture.of_batch(batch_size)
        start = step * count
        if self.mixture.schedule != CONSTANT:
            before = synthetic_before(self.mixture.schedule, self.mixture.share, batch_size, self.steps)
            start, count = int(before[step]), int(before[step + 1] - before[step])
        synthetic = window(len(self) - self.real, start, count, seed, SYNTHETIC)
        real = window(self.real, step * batch_size - start, batch_size - count, seed, REAL)
        return np.concatenate([self.real + synthetic, real])

    def batch(self, indices: np.ndarray, generator: np.random.Generator) -> dict[str, Tensor]:
        """As the examples of one stream: both kinds are augmented alike, and mixed where records are mixed.

        `synthetic` (batch,) bool is among the tensors where synthetic records have something for themselves.
        """
        batch = self.examples.batch(indices, generator)
        kinds = {} if self.mixture.branch == SHARED else {"synthetic": torch.from_numpy(indices >= self.real)}
        return batch | kinds


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
