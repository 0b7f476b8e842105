"""IdentityVerifier: how much more likely two beats are of one person than of two; a logistic regression."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from vqecg.downstream.tasks.identity.comparison import MEASURES, compare
from vqecg.records.bounds import Checked, Hertz, Positive
from vqecg.training.checkpoint import Pretrained

CHUNK = 128  # beats that are compared with all others at a time
QUANTILES = 1001  # of the scores of two persons, by which a score becomes a rate of false matches
FEWEST_PEOPLE = 10  # with several recordings, without which nothing is learned


@dataclass(frozen=True)
class IdentityVerifierConfig(Checked):
    """What an `IdentityVerifier` compares, and how it learned."""

    sampling_rate: Hertz = 100  # Hz of the beats
    measures: tuple[str, ...] = MEASURES  # in the order of the weights
    penalty: Positive = 10  # of the squared weights, over that of the training pairs, whose classes weigh alike

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.measures != MEASURES:
            raise ValueError(f"measures are {self.measures}; expected {MEASURES}: learn it again with this vqecg")


class IdentityVerifier(nn.Module, Pretrained):
    """Median beats of two recordings -> a score, higher for one person; and how often two have as high a one."""

    config_class = IdentityVerifierConfig
    mean: Tensor
    scale: Tensor
    weight: Tensor
    strangers: Tensor

    def __init__(self, config: IdentityVerifierConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.zeros(len(config.measures), dtype=torch.float64))
        self.register_buffer("scale", torch.ones(len(config.measures), dtype=torch.float64))
        self.register_buffer("weight", torch.zeros(len(config.measures), dtype=torch.float64))
        self.register_buffer("strangers", torch.zeros(QUANTILES, dtype=torch.float64))  # quantiles of their scores

    @classmethod
    def fit(cls, beats: np.ndarray, patients: np.ndarray, config: IdentityVerifierConfig) -> Self:
        """Learns from beats (records, 8, samples) mV and the patient of each (records,).

        Every recording of those who have several is compared with all others. Raises ValueError for fewer than
        FEWEST_PEOPLE such patients.
        """
        names, counts = np.unique(patients.astype(str), return_counts=True)
        several = np.isin(patients.astype(str), names[counts > 1])
        if (counts > 1).sum() < FEWEST_PEOPLE:
            raise ValueError(
                f"{(counts > 1).sum()} patients have several recordings in the training folds; expected "
                f"{FEWEST_PEOPLE} or more: name patients in the data, or add folds"
            )
        rows = np.flatnonzero(several)
        chunks = np.array_split(rows, -(-len(rows) // CHUNK))
        measures = np.concatenate([compare(beats[part], beats, config.sampling_rate) for part in chunks])
        same = patients[rows][:, None] == patients[None]
        other = rows[:, None] != np.arange(len(beats))
        pairs, of_one = measures[other], same[other]
        verifier = cls(config)
        mean, scale = pairs.mean(0), pairs.std(0).clip(1e-9)
        fitted = LogisticRegression(C=1 / config.penalty, class_weight="balanced", max_iter=2000)
        fitted.fit((pairs - mean) / scale, of_one)
        verifier.mean, verifier.scale, verifier.weight = map(torch.from_numpy, (mean, scale, fitted.coef_[0]))
        scores = verifier.scored(pairs[~of_one])
        verifier.strangers = torch.from_numpy(np.quantile(scores, np.linspace(0, 1, QUANTILES)))
        return verifier.eval()

    def scores(self, beats: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Of every beat (n, 8, samples) mV with every other (m, 8, samples): (n, m) float64."""
        chunks, rate = range(0, len(beats), CHUNK), self.config.sampling_rate
        parts = [self.scored(compare(beats[start : start + CHUNK], others, rate)) for start in chunks]
        return np.concatenate([np.zeros((0, len(others))), *parts])

    def scored(self, measures: np.ndarray) -> np.ndarray:
        """Of measures (..., MEASURES): (...) float64."""
        return (measures - self.mean.numpy()) / self.scale.numpy() @ self.weight.numpy()

    def false_matches(self, scores: np.ndarray) -> np.ndarray:
        """The share of pairs of two persons, of the training folds, that score as high or higher: like `scores`."""
        below = np.searchsorted(self.strangers.numpy(), scores, side="left")
        return 1 - np.clip(below, 0, QUANTILES - 1) / (QUANTILES - 1)
