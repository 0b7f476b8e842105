"""Pretraining on masked codes: stretches of a record are hidden, and the tokenizer's codes of them are predicted.

As BERT (Devlin et al. 2019) predicts hidden words and BEiT (Bao et al. 2022) the codes of hidden patches: the codes are
those of the tokenizer's first level, a frame each, predicted by a linear head on the classifier's features over time.
"""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from vqecg.downstream.classifiers.models.interface import Classifier
from vqecg.downstream.classifiers.pretraining.backbone import as_classifier
from vqecg.downstream.classifiers.pretraining.registry import (
    PRETRAININGS,
    Lesson,
    Pretraining,
    PretrainingRecords,
    array_digest,
)
from vqecg.downstream.classifiers.pretraining.settings import MaskedCodesSettings
from vqecg.downstream.classifiers.signals import Signals

SHOWN = -100  # the target of a frame that is not hidden, which `cross_entropy` leaves out


@dataclass(frozen=True, eq=False)
class HiddenFrames:
    """Excerpts of records as `fit` asks for them, stretches of them hidden, with the codes to predict."""

    signals: Signals  # (records, leads, samples) float32 mV when indexed
    codes: np.ndarray  # (records, frames) int
    hop_length: int  # samples of a frame
    sampling_rate: int  # Hz
    settings: MaskedCodesSettings

    def __len__(self) -> int:
        return len(self.codes)

    def frames(self, seconds: float, most: int) -> int:
        """A time in whole frames, 1 to `most`."""
        return min(most, max(1, round(seconds * self.sampling_rate / self.hop_length)))

    def batch(self, indices: np.ndarray, generator: np.random.Generator) -> dict[str, Tensor]:
        """`signal` (batch, leads, samples) float32 mV, 0 where hidden, and `codes` (batch, frames) int64, those of
        hidden frames, SHOWN elsewhere."""
        signal = np.asarray(self.signals[indices], dtype=np.float32)
        records, _, samples = signal.shape
        hop = self.hop_length
        length = self.frames(self.settings.excerpt_seconds, samples // hop)  # whole frames only
        first = generator.integers(0, samples // hop - length + 1, size=(records, 1))
        codes = np.take_along_axis(self.codes[indices].astype(np.int64), first + np.arange(length), axis=1)
        columns = (first * hop + np.arange(length * hop))[:, None]
        signal = np.take_along_axis(signal, columns, axis=2)
        hidden = self.hidden(records, length, generator)
        signal = np.where(np.repeat(hidden, hop, axis=1)[:, None], np.float32(0), signal)
        return {"signal": torch.from_numpy(signal), "codes": torch.from_numpy(np.where(hidden, codes, SHOWN))}

    def hidden(self, records: int, length: int, generator: np.random.Generator) -> np.ndarray:
        """True for hidden frames: (records, length) bool, as many stretches in each record, which may overlap."""
        stretch = self.frames(self.settings.hidden_seconds, length)
        count = max(1, round(self.settings.hidden_share * length / stretch))
        starts = generator.integers(0, length - stretch + 1, size=(records, count, 1))
        places = np.arange(length)
        return np.any((places >= starts) & (places < starts + stretch), axis=1)


class CodePrediction(nn.Module):
    """(batch, leads, samples) float32 mV -> logits (batch, codes, frames), by a classifier's features over time."""

    def __init__(self, model: Classifier, width: int, frames_each: int, codes: int) -> None:
        """Each position of the features predicts `frames_each` frames."""
        super().__init__()
        self.model, self.frames_each = model, frames_each
        self.head = nn.Linear(width, frames_each * codes)

    def forward(self, signal: Tensor, frames: int) -> Tensor:
        logits = self.head(features_over_time(self.model, signal).transpose(1, 2))
        return logits.unflatten(2, (self.frames_each, -1)).flatten(1, 2)[:, :frames].transpose(1, 2).float()


def features_over_time(model: Classifier, signal: Tensor) -> Tensor:
    """(batch, width, positions) of a classifier. Raises ValueError for one that has none."""
    features = model.features_over_time(signal)
    if features is None:
        raise ValueError(
            f"{type(model).__name__} has no features over time, which masked codes are predicted from: leave the arm "
            "out, or choose a classifier that has them, such as resnet"
        )
    return features


@PRETRAININGS.register("masked-code pretraining", rank=1)
class MaskedCodePretraining(Pretraining):
    """The tokenizer's codes of hidden stretches, predicted from the rest of the record."""

    help = "starts from weights that predict the codes of hidden stretches (BERT, BEiT), of all training ECGs"
    doing = "starting from weights by masked-code pretraining"
    needs_generator: ClassVar[bool] = True

    def __init__(self, records: PretrainingRecords) -> None:
        """Raises ValueError for records without codes, which a tokenizer gives."""
        if records.first_codes is None:
            raise ValueError("masked-code pretraining has no codes to predict; expected a tokenizer: name a generator")
        codes = records.first_codes()
        self.settings = records.settings.masked_codes
        about = (records.hop_length, records.sampling_rate, self.settings)
        self.examples = HiddenFrames(records.signals, codes, *about)

    @property
    def signals(self) -> Signals:
        """The ECGs that it learns from."""
        return self.examples.signals

    @property
    def identity(self) -> dict[str, Any]:
        """The settings, and the codes."""
        return {"settings": asdict(self.settings), "codes": array_digest(self.examples.codes)}

    def lesson(self, model: nn.Module, seed: int) -> Lesson:
        """The weights before pooling learn. Raises ValueError for a model without features over time."""
        backbone = as_classifier(model)
        example = self.examples.batch(np.zeros(1, np.int64), np.random.default_rng(0))
        features = features_over_time(backbone.eval(), example["signal"].to(next(backbone.parameters()).device))
        frames_each = -(-example["codes"].shape[1] // features.shape[2])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            prediction = CodePrediction(backbone, features.shape[1], frames_each, int(self.examples.codes.max()) + 1)

        def loss(wrapped: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
            codes = batch["codes"]
            return {"loss": cross_entropy(wrapped(batch["signal"], codes.shape[1]), codes, ignore_index=SHOWN)}

        return Lesson(prediction, self.examples, loss, self.settings.fit, features)
