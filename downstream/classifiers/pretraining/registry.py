"""Pretrainings: what a classifier's weights may learn before they are trained on the labelled records, by name.

A pretraining starts from the initial weights of the run's seed and changes them in place; the training that follows is
that of every other run. To add one: a file in this folder, or an extension anywhere, with a subclass of `Pretraining`,
registered here under its name, which is that of its arm too.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from torch import Tensor, nn

from vqecg.downstream.classifiers.pretraining.backbone import as_classifier, trained_alone
from vqecg.downstream.classifiers.signals import Signals
from vqecg.records.registry import Registry
from vqecg.training.fit import FitResult, FitSettings, fit
from vqecg.training.sampler import Examples

if TYPE_CHECKING:
    from vqecg.downstream.classifiers.pretraining.settings import PretrainingSettings
    from vqecg.downstream.classifiers.settings import ClassifierSettings
    from vqecg.records.labels import LabelTask


@dataclass(frozen=True, eq=False)
class PretrainingRecords:
    """The records that a pretraining may learn from, all of the training part, and what is known of them."""

    signals: Signals  # (records, leads, samples) float32 mV when indexed
    labels: np.ndarray  # (records, classes) float32 in 0..1, NaN where unknown
    patients: np.ndarray  # (records,) names of patients
    sampling_rate: int  # Hz
    task: LabelTask  # of the labels
    classifier: ClassifierSettings  # of the training that follows
    settings: PretrainingSettings
    first_codes: Callable[[], np.ndarray] | None = None  # makes (records, frames) codes of the tokenizer's first level
    hop_length: int = 0  # samples that a frame of these codes stands for


@dataclass(frozen=True, eq=False)
class Lesson:
    """The training of one classifier in a pretraining, as `fit` asks for it."""

    model: nn.Module  # that is trained: the classifier, or a network that holds it
    examples: Examples
    loss: Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]]
    settings: FitSettings  # the run's seed replaces theirs
    # of the classifier, of any shape: weights that it does not depend on stay as they are; None: all learn
    output: Tensor | None = None


class Pretraining(ABC):
    """One pretraining, ready with its records; can be sent to another process and done there."""

    help: ClassVar[str] = ""  # the pretraining, and its arm, in a line
    doing: ClassVar[str] = ""  # its arm as the subject of a sentence, "starting from simulated records"
    places: ClassVar[Mapping[str, float]] = {}  # kind of comparison -> place among the arms where none is named
    needs_generator: ClassVar[bool] = False  # True where it learns from the codes of a generator's tokenizer

    @abstractmethod
    def __init__(self, records: PretrainingRecords) -> None:
        """Takes what it needs of the records. Raises ValueError for records that it cannot learn from."""

    @property
    @abstractmethod
    def signals(self) -> Signals:
        """The ECGs that it learns from: none of them may be of validation or test."""

    @property
    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """All that the weights depend on beside `signals`, seed and model, as plain JSON."""

    @property
    def note(self) -> str:
        """The lesson and the number of its records, for the report."""
        return f"weights that started from a pretraining on {len(self.signals):,} records without labels"

    @abstractmethod
    def lesson(self, model: nn.Module, seed: int) -> Lesson:
        """The training of a classifier, with the first weights by `seed` of what it adds to it.

        Raises ValueError for a classifier that it cannot train.
        """

    def train(
        self,
        model: nn.Module,
        seed: int,
        folder: Path | None = None,
        progress: bool = True,
        description: str = "pretraining",
    ) -> FitResult:
        """Trains the weights of a classifier in place; with a `folder` it can be interrupted and resumed, as `fit`.

        Raises ValueError as `lesson`.
        """
        lesson = self.lesson(model, seed)
        chosen = replace(lesson.settings, seed=seed)
        with nullcontext() if lesson.output is None else trained_alone(as_classifier(model), lesson.output):
            return fit(
                lesson.model, lesson.examples, lesson.loss, chosen, folder, description=description, progress=progress
            )


PRETRAININGS: Registry[type[Pretraining]] = Registry("pretraining", "vqecg.downstream.classifiers.pretraining")


def array_digest(values: np.ndarray) -> str:
    """16 hex digits that name an array's numbers."""
    return hashlib.blake2b(np.ascontiguousarray(values).tobytes(), digest_size=8).hexdigest()
