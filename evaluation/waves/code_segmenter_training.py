"""Training the head of a CodeSegmenter on marked recordings, its tokenizer as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.evaluation.waves.code_segmenter import CodeHead, CodeSegmenter, fitted, quantized
from vqecg.evaluation.waves.segmenter_training import (
    UNLABELLED,
    SegmenterTraining,
    fit_lessons,
    loss_of_samples,
    marked_records,
    wave_classes,
)
from vqecg.records.datasets.ludb import LUDBRecord
from vqecg.records.leads import INDEPENDENT_ROWS, LEADS
from vqecg.records.simulation.disturbances import noise_of
from vqecg.records.store.preprocessing import resample
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.fit import FitResult
from vqecg.training.weights import build_model

GAIN = 0.3  # standard deviation of the logarithm of a record's factor
FINE = 500  # Hz of the recordings before they are slowed or sped up


@dataclass(frozen=True)
class TrainedCodeSegmenter:
    """A trained segmenter and the records that it has not seen."""

    segmenter: CodeSegmenter
    result: FitResult
    held_out: tuple[str, ...]  # record_id of the records that training did not see


@dataclass(frozen=True, eq=False)
class CodeExamples:
    """Marked recordings as batches {"signal": (batch, 8, samples) float32 mV, "classes": (batch, 12, samples) int64}.

    An example is a stretch of one recording with marks in it, slowed or sped up, scaled, with noise and wander added.
    The signal is at the tokenizer's rate, the classes at that of the head.
    """

    signals: np.ndarray  # (records, 8, samples at FINE) float32 mV, no faster than the tokenizer's rate can hold
    classes: np.ndarray  # (records, 12, samples at FINE) int8
    sampling_rate: int  # Hz, of the tokenizer
    hop_length: int  # samples of a frame at that rate
    settings: SegmenterTraining

    @classmethod
    def of(cls, records: Sequence[LUDBRecord], tokenizer: ECGTokenizer, settings: SegmenterTraining) -> "CodeExamples":
        """Raises ValueError for records of different length or without the twelve leads."""
        rate = tokenizer.config.sampling_rate
        signals, classes = [], []
        for record in records:
            ecg = record.record
            if tuple(ecg.leads) != LEADS:
                raise ValueError(f"record {ecg.record_id} has the leads {', '.join(ecg.leads)}; expected {LEADS}")
            low = resample(ecg.signal[INDEPENDENT_ROWS], ecg.sampling_rate, rate)
            signals.append(resample(low, rate, FINE))
            classes.append(np.stack([wave_classes(record, lead, FINE) for lead in LEADS]).astype(np.int8))
        if len({part.shape[1] for part in classes}) != 1:
            raise ValueError(
                f"records of {sorted({part.shape[1] for part in classes})} samples at {FINE} Hz; expected one length"
            )
        samples = min(signals[0].shape[1], classes[0].shape[1])
        cut = np.stack([one[:, :samples] for one in signals]), np.stack([one[:, :samples] for one in classes])
        return cls(*cut, rate, tokenizer.hop_length, settings)

    def __len__(self) -> int:
        return len(self.classes)

    def batch(self, indices: np.ndarray, generator: np.random.Generator) -> dict[str, Tensor]:
        """The examples `indices`, varied with `generator`."""
        settings, length = self.settings, self.classes.shape[2]
        frames = round(settings.seconds * self.sampling_rate / self.hop_length)
        seconds = frames * self.hop_length / self.sampling_rate
        span = seconds * FINE * np.exp(generator.uniform(-1, 1, len(indices)) * settings.stretch)
        marked = (self.classes[indices] != UNLABELLED).any(axis=1)
        labelled = np.array([generator.choice(np.flatnonzero(one)) for one in marked])
        start = labelled - span * generator.uniform(0.1, 0.9, len(indices))
        start = np.clip(start, 0, np.maximum(0, length - 1 - span))
        samples = frames * self.hop_length
        steps = [np.arange(count) / count for count in (samples, 2 * samples)]
        times, fine = (start[:, None] + span[:, None] * one for one in steps)
        rows, leads = indices[:, None, None], np.arange(self.signals.shape[1])[None, :, None]
        whole = np.clip(np.floor(times).astype(np.int64), 0, length - 2)
        part = np.clip(times - whole, 0, 1).astype(np.float32)[:, None]
        before, after = (self.signals[rows, leads, (whole + shift)[:, None]] for shift in (0, 1))
        signal = self.disturbed(before * (1 - part) + after * part, generator)
        nearest = np.clip(np.rint(fine).astype(np.int64), 0, length - 1)[:, None]
        classes = self.classes[rows, np.arange(len(LEADS))[None, :, None], nearest]
        return {"signal": torch.from_numpy(signal), "classes": torch.from_numpy(classes.astype(np.int64))}

    def disturbed(self, signal: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Each record of (batch, 8, samples) scaled, with wander and muscle noise at its electrodes; float32."""
        kinds = {
            "wander": self.settings.wander / 2**0.5,
            "muscle": self.settings.noise,
        }  # mV, RMS of a wave and of noise
        result = np.empty(signal.shape, np.float32)
        for row, record in enumerate(signal):
            result[row] = np.exp(generator.normal(0, GAIN)) * record
            for kind, size in kinds.items():
                noise = noise_of({kind: 1.0}, signal.shape[2], self.sampling_rate, generator)
                result[row] += generator.exponential(size) * noise
        return result


def code_loss(tokenizer: ECGTokenizer, head: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Cross entropy of the labelled samples, and the share of them that are right."""
    logits = head(quantized(tokenizer, batch["signal"]))
    return loss_of_samples(logits, batch["classes"])


def train_code_segmenter(
    records: Sequence[LUDBRecord],
    tokenizer: ECGTokenizer,
    settings: SegmenterTraining,
    folder: Path | None = None,
    progress: bool = True,
) -> TrainedCodeSegmenter:
    """Trains a head on the same records as `train_segmenter`, which see `settings` for both.

    Raises ValueError for too few records.
    """
    marked = marked_records(records, settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.fit.seed)
        head = build_model(CodeHead, fitted(settings.head, tokenizer))
    lessons = {name: CodeExamples.of(lesson, tokenizer.eval(), settings) for name, lesson in marked.lessons}
    result = fit_lessons(head, lessons, partial(code_loss, tokenizer), settings, folder, progress)
    return TrainedCodeSegmenter(CodeSegmenter(tokenizer, head), result, marked.held_out)
