"""Training a WaveSegmenter on LUDB: by record, which is by patient, with 500 Hz and 100 Hz recordings alike."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.evaluation.waves.code_segmenter import CodeHeadConfig
from vqecg.evaluation.waves.segmenter import CLASSES, WaveSegmenter, WaveSegmenterConfig
from vqecg.records.bounds import OMITTED_WHILE_DEFAULT, Checked, Count, CountOrNone, Seconds, Spread, Weight
from vqecg.records.datasets.ludb import LUDBRecord
from vqecg.records.simulation.marks import simulated_records
from vqecg.records.store.preprocessing import resample
from vqecg.training.fit import FitResult, FitSettings, fit
from vqecg.training.sampler import Examples
from vqecg.training.weights import build_model

UNLABELLED = -1  # the class of a sample without a mark
LOW_RATE = 100  # Hz, of PTB-XL's smaller files: half of the examples have been there and back
UNSURE = 0.02  # s before a wave's peak that stay unlabelled where its onset is not marked, and after it likewise
WANDER = (0.05, 0.5)  # Hz, of the baseline that is added
SIMULATED, MARKED = "simulated", "marked"  # lessons


@dataclass(frozen=True)
class SegmenterTraining(Checked):
    """A segmenter's shape and how it is trained."""

    model: WaveSegmenterConfig = field(default_factory=WaveSegmenterConfig)
    fit: FitSettings = field(
        default_factory=lambda: FitSettings(
            steps=3000, batch_size=32, learning_rate=3e-3, warmup_steps=50, average_decay=0.99, evaluate_every=200
        )
    )
    parts: Count = 5  # the records are dealt into so many parts; one is held out
    held_out: CountOrNone = 0  # its number, from 0
    seconds: Seconds = 4.096  # length of an example, s
    stretch: Spread = 0.25  # greatest change of the logarithm of the time scale
    noise: Weight = 0.015  # mV, mean standard deviation of added noise
    wander: Weight = 0.15  # mV, mean amplitude of added baseline wander
    records: CountOrNone = field(default=0, metadata=OMITTED_WHILE_DEFAULT)  # of the training part, the first; 0 = all
    # simulated records, whose boundaries are exact, to learn from first, in as many steps; 0 = none
    simulated: CountOrNone = field(default=0, metadata=OMITTED_WHILE_DEFAULT)
    # of a head on a tokenizer's codes, in place of `model`; what follows from the tokenizer is set by it
    head: CodeHeadConfig = field(default=CodeHeadConfig(), metadata=OMITTED_WHILE_DEFAULT)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.parts < 2 or not 0 <= self.held_out < self.parts:
            raise ValueError(
                f"part {self.held_out} of {self.parts} is held out; expected 0 to {self.parts - 1} of 2 or more"
            )


@dataclass(frozen=True)
class TrainedSegmenter:
    """A trained segmenter and the records that it has not seen."""

    segmenter: WaveSegmenter
    result: FitResult
    held_out: tuple[str, ...]  # record_id of the records that training did not see


def split_records(
    records: Sequence[LUDBRecord], parts: int, held_out: int
) -> tuple[list[LUDBRecord], list[LUDBRecord]]:
    """(training, held out): every `parts`-th record is held out, counted from number `held_out`. Every record is of
    another patient.

    Raises ValueError when one of the two would be empty.
    """
    out = [record for number, record in enumerate(records) if number % parts == held_out]
    rest = [record for number, record in enumerate(records) if number % parts != held_out]
    if not out or not rest:
        raise ValueError(f"{len(records)} records do not split into {parts} parts: expected at least {parts} records")
    return rest, out


@dataclass(frozen=True)
class MarkedRecords:
    """The records that a segmenter learns from, lesson by lesson, and the names of those that it never sees."""

    lessons: tuple[tuple[str, list[LUDBRecord]], ...]  # name and records
    held_out: tuple[str, ...]  # record_id


def marked_records(records: Sequence[LUDBRecord], settings: SegmenterTraining) -> MarkedRecords:
    """Simulated records first, where they are asked for, then those with marks. ValueError for too few records."""
    train, held_out = split_records(records, settings.parts, settings.held_out)
    lessons = [(MARKED, train[: settings.records or None])]
    if settings.simulated:
        lessons.insert(0, (SIMULATED, simulated_records(settings.simulated, settings.fit.seed)))
    return MarkedRecords(tuple(lessons), tuple(record.record.record_id for record in held_out))


def fit_lessons(
    model: nn.Module,
    lessons: Mapping[str, Examples],
    loss: Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]],
    settings: SegmenterTraining,
    folder: Path | None,
    progress: bool,
) -> FitResult:
    """Trains a model in place on one lesson after the other, each in all steps; returns the course of the last one.

    An interrupted training goes on in `folder`: that of the marked records in it, that of another in a folder by name.
    """
    results = [
        fit(
            model,
            examples,
            loss,
            settings.fit,
            folder if folder is None or name == MARKED else folder / name,
            description=f"segmenter, {name} records",
            progress=progress,
        )
        for name, examples in lessons.items()
    ]
    return results[-1]


def wave_classes(record: LUDBRecord, lead: str, sampling_rate: float) -> np.ndarray:
    """The class of every sample of a lead at `sampling_rate`: (samples,) int64 places in CLASSES, or UNLABELLED.

    Outside the labelled stretch nothing is known, and inside it a wave of unknown kind or edge leaves a gap.
    """
    factor = sampling_rate / record.record.sampling_rate
    classes = np.full(math.ceil(record.record.signal.shape[1] * factor), UNLABELLED, np.int64)
    start, end = record.labelled_stretch(lead)
    classes[round(start * factor) : round(end * factor) + 1] = 0
    unsure = round(UNSURE * sampling_rate)
    waves = record.waves[record.waves["lead"] == lead]
    for name, onset, peak, offset in zip(waves["wave"], waves["onset"], waves["peak"], waves["offset"], strict=True):
        known = np.array([onset, peak, offset]) * factor
        first, last = round(float(np.nanmin(known))), round(float(np.nanmax(known)))
        if np.isnan(onset):
            classes[max(0, first - unsure) : first] = UNLABELLED
        if np.isnan(offset):
            classes[last + 1 : last + 1 + unsure] = UNLABELLED
        classes[first : last + 1] = CLASSES.index(name) if name in CLASSES else UNLABELLED
    return classes


@dataclass(frozen=True, eq=False)
class WaveExamples:
    """Leads of LUDB records as batches {"signal": (batch, samples) float32 mV, "classes": (batch, samples) int64}.

    An example is a stretch of one lead around a labelled sample, at the rate of the network: out of the recording at
    its own rate or out of one that went through 100 Hz, drawn by lot, then slowed or sped up, scaled, with noise and
    baseline wander added.
    """

    signals: np.ndarray  # (2, leads of all records, samples) float32 mV, directly and by way of 100 Hz
    classes: np.ndarray  # (leads of all records, samples) int64
    settings: SegmenterTraining

    @classmethod
    def of(cls, records: Sequence[LUDBRecord], settings: SegmenterTraining) -> "WaveExamples":
        """Every lead of the records that has labels. Raises ValueError for records of different length."""
        rate = settings.model.sampling_rate
        signals, classes = [], []
        for record in records:
            ecg = record.record
            low = resample(ecg.signal, ecg.sampling_rate, LOW_RATE)
            both = np.stack([resample(ecg.signal, ecg.sampling_rate, rate), resample(low, LOW_RATE, rate)])
            labels = np.stack([wave_classes(record, lead, rate) for lead in ecg.leads])
            labelled = (labels != UNLABELLED).any(axis=1)
            signals.append(both[:, labelled])
            classes.append(labels[labelled])
        if len({part.shape[1] for part in classes}) != 1:
            raise ValueError(
                f"records of {sorted({part.shape[1] for part in classes})} samples at {rate} Hz; expected one length"
            )
        return cls(np.concatenate(signals, axis=1), np.concatenate(classes), settings)

    def __len__(self) -> int:
        return len(self.classes)

    def batch(self, indices: np.ndarray, generator: np.random.Generator) -> dict[str, Tensor]:
        """The examples `indices`, varied with `generator`."""
        rate, length = self.settings.model.sampling_rate, self.classes.shape[1]
        samples = round(self.settings.seconds * rate)
        span = samples * np.exp(generator.uniform(-1, 1, len(indices)) * self.settings.stretch)
        # a labelled sample lies somewhere in every example, and the example in the recording
        labelled = np.array([generator.choice(np.flatnonzero(self.classes[index] != UNLABELLED)) for index in indices])
        start = labelled - span * generator.uniform(0.1, 0.9, len(indices))
        start = np.clip(start, 0, np.maximum(0, length - 1 - span))
        times = start[:, None] + np.arange(samples) * (span / samples)[:, None]
        whole = np.clip(np.floor(times).astype(np.int64), 0, length - 2)
        part = np.clip(times - whole, 0, 1).astype(np.float32)
        way, rows = generator.integers(0, 2, (len(indices), 1)), indices[:, None]
        signal = self.signals[way, rows, whole] * (1 - part) + self.signals[way, rows, whole + 1] * part
        signal = self.disturbed(signal, generator)
        classes = self.classes[rows, np.clip(np.rint(times).astype(np.int64), 0, length - 1)]
        return {"signal": torch.from_numpy(signal), "classes": torch.from_numpy(classes)}

    def disturbed(self, signal: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Each row of (batch, samples) scaled, with baseline wander and white noise of a size of its own."""
        count, samples = signal.shape
        times = np.arange(samples) / self.settings.model.sampling_rate
        size = generator.exponential((self.settings.wander, self.settings.noise), (count, 2))
        gain = np.exp(generator.normal(0, 0.3, (count, 1)))
        frequency, phase = generator.uniform(*WANDER, (count, 1)), generator.uniform(0, 2 * np.pi, (count, 1))
        wander = size[:, :1] * np.sin(2 * np.pi * frequency * times + phase)
        return (gain * signal + wander + size[:, 1:] * generator.standard_normal((count, samples))).astype(np.float32)


def segmentation_loss(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Loss and accuracy of a batch of single leads; see `loss_of_samples`."""
    return loss_of_samples(model(batch["signal"]), batch["classes"])


def loss_of_samples(logits: Tensor, classes: Tensor) -> dict[str, Tensor]:
    """Cross entropy of the labelled samples, and the share of them that are right.

    `logits` (batch, classes, ...), `classes` (batch, ...) int64.
    """
    loss = nn.functional.cross_entropy(logits.float(), classes, ignore_index=UNLABELLED)
    labelled = classes != UNLABELLED
    return {"loss": loss, "accuracy": (logits.argmax(dim=1)[labelled] == classes[labelled]).float().mean()}


def train_segmenter(
    records: Sequence[LUDBRecord], settings: SegmenterTraining, folder: Path | None = None, progress: bool = True
) -> TrainedSegmenter:
    """Trains on all records but one part of `settings.parts`, and gives the last averaged weights.

    The part held out chooses nothing, not even the step, so errors measured on it are those of unseen patients. With a
    folder, an interrupted run resumes there exactly. Raises ValueError for too few records.
    """
    marked = marked_records(records, settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.fit.seed)
        segmenter = build_model(WaveSegmenter, settings.model)
    lessons = {name: WaveExamples.of(lesson, settings) for name, lesson in marked.lessons}
    result = fit_lessons(segmenter, lessons, segmentation_loss, settings, folder, progress)
    return TrainedSegmenter(segmenter, result, marked.held_out)
