"""Contrastive pretraining: two excerpts of one patient are to be alike, and unlike those of all other patients.

Pairs after CLOCS (Kiyasseh et al. 2021): two stretches of one record, or of two records of a patient who has several,
each augmented by itself; projection and loss are those of SimCLR (Chen et al. 2020).
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from vqecg.downstream.classifiers.models.interface import Classifier
from vqecg.downstream.classifiers.pretraining.backbone import as_classifier
from vqecg.downstream.classifiers.pretraining.registry import (
    PRETRAININGS,
    Lesson,
    Pretraining,
    PretrainingRecords,
    array_digest,
)
from vqecg.downstream.classifiers.pretraining.settings import ContrastiveSettings
from vqecg.downstream.classifiers.signal_augmentation import augment
from vqecg.downstream.classifiers.signals import Signals, excerpts


@dataclass(frozen=True, eq=False)
class ExcerptPairs:
    """Records as `fit` asks for them, each with an excerpt of the same patient beside it."""

    signals: Signals  # (records, leads, samples) float32 mV when indexed
    patient: np.ndarray  # (records,) int64, a number for each patient
    sampling_rate: int  # Hz
    settings: ContrastiveSettings

    def __len__(self) -> int:
        return len(self.patient)

    @cached_property
    def records_of(self) -> list[np.ndarray]:
        """The records of each patient, by the patient's number."""
        order = np.argsort(self.patient, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.patient))[:-1])

    def batch(self, indices: np.ndarray, generator: np.random.Generator) -> dict[str, Tensor]:
        """`signal` (2 batch, leads, samples) float32 mV, its second half of the same patients as its first, and
        `patient` (2 batch,) int64."""
        partners = [generator.choice(self.records_of[number]) for number in self.patient[indices]]
        rows = np.concatenate([indices, partners]).astype(np.int64)
        length = round(self.settings.excerpt_seconds * self.sampling_rate)
        signal = excerpts(np.asarray(self.signals[rows], dtype=np.float32), length, generator)
        signal = augment(signal, self.sampling_rate, self.settings.augmentation, generator)
        return {"signal": torch.from_numpy(signal), "patient": torch.from_numpy(self.patient[rows])}


class Projection(nn.Module):
    """(batch, leads, samples) float32 mV -> (batch, numbers) of length 1, through the features of a classifier."""

    def __init__(self, model: Classifier, width: int, numbers: int) -> None:
        super().__init__()
        self.model = model
        self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, numbers))

    def forward(self, signal: Tensor) -> Tensor:
        return normalize(self.head(self.model.features(signal)).float(), dim=1)


def nt_xent(projected: Tensor, patient: Tensor, temperature: float) -> Tensor:
    """The normalized temperature-scaled cross entropy of Chen et al. 2020, a scalar.

    `projected` (2 pairs, numbers) of length 1, row n and row n + pairs a pair, and `patient` (2 pairs,), the number of
    each row's patient: other excerpts of the same patient are neither like nor unlike.
    """
    rows = len(projected)
    partner = torch.arange(rows, device=projected.device).roll(rows // 2)
    left_out = patient[:, None] == patient[None, :]
    left_out[torch.arange(rows), partner] = False
    similarity = (projected @ projected.T / temperature).masked_fill(left_out, -torch.inf)
    return cross_entropy(similarity, partner)


@PRETRAININGS.register("contrastive pretraining", rank=0)
class ContrastivePretraining(Pretraining):
    """Two excerpts of a patient alike in the classifier's features, and unlike those of all others."""

    help = "starts from weights for which excerpts of one patient are alike (CLOCS, SimCLR), of all training ECGs"
    doing = "starting from weights by contrastive pretraining"

    def __init__(self, records: PretrainingRecords) -> None:
        """Raises ValueError for records of fewer than two patients, which have nothing to be unlike."""
        names, numbers = np.unique(records.patients.astype(str), return_inverse=True)
        if len(names) < 2:
            raise ValueError(f"contrastive pretraining has {len(names)} patients; expected at least 2 to tell apart")
        self.settings = records.settings.contrastive
        self.pairs = ExcerptPairs(records.signals, numbers.astype(np.int64), records.sampling_rate, self.settings)

    @property
    def signals(self) -> Signals:
        """The ECGs that it learns from."""
        return self.pairs.signals

    @property
    def identity(self) -> dict[str, Any]:
        """The settings, and whose record is whose."""
        return {"settings": asdict(self.settings), "patients": array_digest(self.pairs.patient)}

    def lesson(self, model: nn.Module, seed: int) -> Lesson:
        """All weights but those of the head learn. Raises ValueError for a model that is no `Classifier`."""
        backbone = as_classifier(model)
        example = self.pairs.batch(np.zeros(1, np.int64), np.random.default_rng(0))["signal"]
        features = backbone.eval().features(example.to(next(backbone.parameters()).device))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            projection = Projection(backbone, features.shape[1], self.settings.projection)

        def loss(wrapped: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
            return {"loss": nt_xent(wrapped(batch["signal"]), batch["patient"], self.settings.temperature)}

        return Lesson(projection, self.pairs, loss, self.settings.fit, features)
