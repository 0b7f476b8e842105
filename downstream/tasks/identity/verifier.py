"""IdentityVerifier: how much more likely two beats are of one person than of two; a logistic regression."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from vqecg.downstream.tasks.identity.comparison import MEASURES, compare
from vqecg.records.bounds import Checked, Count, Hertz, Positive, Seed
from vqecg.training.checkpoint import Pretrained

CHUNK = 128  # beats that are compared with all others at a time
HIGHEST, QUANTILES = 20_000, 1001  # scores of two persons, by which a score becomes a rate of false matches
LOWEST = -1e9  # below any score
FEWEST_PEOPLE = 10  # with several recordings, without which nothing is learned


@dataclass(frozen=True)
class IdentityVerifierConfig(Checked):
    """The measures that an `IdentityVerifier` compares, and the settings of its learning."""

    sampling_rate: Hertz = 100  # Hz of the beats
    measures: tuple[str, ...] = MEASURES  # in the order of the weights
    penalty: Positive = 10  # of the squared weights, over that of the training pairs, whose classes weigh alike
    strangers: Count = 500  # pairs of two persons that each recording learns from, about
    seed: Seed = 0  # of the draw of these pairs

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
    highest: Tensor
    quantiles: Tensor
    compared: Tensor

    def __init__(self, config: IdentityVerifierConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.zeros(len(config.measures), dtype=torch.float64))
        self.register_buffer("scale", torch.ones(len(config.measures), dtype=torch.float64))
        self.register_buffer("weight", torch.zeros(len(config.measures), dtype=torch.float64))
        self.register_buffer("highest", torch.zeros(HIGHEST, dtype=torch.float64))  # scores of two persons
        self.register_buffer("quantiles", torch.zeros(QUANTILES, dtype=torch.float64))  # of all such scores
        self.register_buffer("compared", torch.tensor(0))  # pairs of two persons that were scored

    @classmethod
    def fit(cls, beats: np.ndarray, patients: np.ndarray, config: IdentityVerifierConfig) -> Self:
        """Learns from beats (records, 8, samples) mV and the patient of each (records,).

        Every recording of those who have several is compared with the others of its person, and with some of the rest;
        rates of false matches are of all. Raises ValueError for fewer than FEWEST_PEOPLE such patients.
        """
        names, counts = np.unique(patients.astype(str), return_counts=True)
        several = np.isin(patients.astype(str), names[counts > 1])
        if (counts > 1).sum() < FEWEST_PEOPLE:
            raise ValueError(
                f"{(counts > 1).sum()} patients have several recordings in the training folds; expected "
                f"{FEWEST_PEOPLE} or more: name patients in the data, or add folds"
            )
        rows = np.flatnonzero(several)
        generator = np.random.default_rng(config.seed)
        pairs, of_one, strangers = [], [], []
        for part in np.array_split(rows, -(-len(rows) // CHUNK)):
            measures = compare(beats[part], beats, config.sampling_rate)
            same = patients[part][:, None] == patients[None]
            other = part[:, None] != np.arange(len(beats))
            drawn = ~same & (generator.random(same.shape) < config.strangers / len(beats))
            pairs += [measures[same & other], measures[drawn]]
            of_one += [np.ones((same & other).sum(), bool), np.zeros(drawn.sum(), bool)]
        verifier, known, of_one_person = cls(config), np.concatenate(pairs), np.concatenate(of_one)
        mean, scale = known.mean(0), known.std(0).clip(1e-9)
        fitted = LogisticRegression(C=1 / config.penalty, class_weight="balanced", max_iter=2000)
        fitted.fit((known - mean) / scale, of_one_person)
        verifier.mean, verifier.scale, verifier.weight = map(torch.from_numpy, (mean, scale, fitted.coef_[0]))
        for part in np.array_split(rows, -(-len(rows) // CHUNK)):
            scores = verifier.scores(beats[part], beats)
            strangers.append(scores[patients[part][:, None] != patients[None]])
        of_two = np.concatenate(strangers)
        verifier.highest, verifier.compared = torch.from_numpy(highest(of_two)), torch.tensor(len(of_two))
        verifier.quantiles = torch.from_numpy(np.quantile(of_two, np.linspace(0, 1, QUANTILES)))
        return verifier.eval()

    def scores(self, beats: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Scores of every beat (n, 8, samples) mV with every other (m, 8, samples): (n, m) float64."""
        chunks, rate = range(0, len(beats), CHUNK), self.config.sampling_rate
        parts = [self.scored(compare(beats[start : start + CHUNK], others, rate)) for start in chunks]
        return np.concatenate([np.zeros((0, len(others))), *parts])

    def scored(self, measures: np.ndarray) -> np.ndarray:
        """Scores of measures (..., MEASURES): (...) float64, higher for one person."""
        return (measures - self.mean.numpy()) / self.scale.numpy() @ self.weight.numpy()

    def false_matches(self, scores: np.ndarray) -> np.ndarray:
        """The share of pairs of two persons, of the training folds, that score as high or higher: like `scores`.

        Never 0: one pair more than was seen may score as high. Raises ValueError for scores that are not finite.
        """
        if not np.isfinite(scores).all():
            raise ValueError("scores hold NaN or infinite values; expected those of `scores`")
        known, quantiles, compared = self.highest.numpy(), self.quantiles.numpy(), int(self.compared)
        above = len(known) - np.searchsorted(known, scores, side="left")
        coarse = 1 - (np.searchsorted(quantiles, scores, side="left") - 1).clip(0) / (QUANTILES - 1)
        return np.where(above < min(len(known), compared), (above + 1) / (compared + 1), coarse)


def highest(scores: np.ndarray) -> np.ndarray:
    """The highest of scores, at most HIGHEST, in rising order, LOWEST before them where there are fewer."""
    ordered = np.sort(scores)[-HIGHEST:]
    return np.concatenate([np.full(HIGHEST - len(ordered), LOWEST), ordered])
