"""Pretraining on simulated records with their labels, of statements that need no real example.

The simulator knows textbook hearts of some statements of PTB-XL; the task says which classes these are. A class that it
cannot simulate is unknown for every simulated record: the loss leaves it out.
"""

from dataclasses import asdict
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from torch import nn

from vqecg.downstream.classifiers.batch_loss import loss_of
from vqecg.downstream.classifiers.pretraining.registry import (
    PRETRAININGS,
    Lesson,
    Pretraining,
    PretrainingRecords,
    array_digest,
)
from vqecg.downstream.classifiers.signals import Signals
from vqecg.downstream.classifiers.training import ClassifierExamples, LabelledSignals
from vqecg.records.labels import LabelTask
from vqecg.records.simulation.dataset import PlannedRecord, plan_records, simulated_signals
from vqecg.records.simulation.simulator import SIMULATED_STATEMENTS, SimulatorSettings
from vqecg.training.checkpoint import identifying

APART = 16  # makes other records of a seed than `vqecg simulate` does: what it wrote may be validation or test


SIMULATED_FIRST = "simulated first"


@PRETRAININGS.register(SIMULATED_FIRST, rank=2)
class SimulatedFirst(Pretraining):
    """All weights, the head's too, trained on simulated records by the loss of the training that follows."""

    help = "starts from weights trained on simulated records of the statements that the simulator knows"
    doing = "starting from simulated records"
    shuffled: ClassVar[bool] = False  # labels of other simulated records: the control

    def __init__(self, records: PretrainingRecords) -> None:
        """Raises ValueError where the simulator knows no class of the task."""
        self.settings, self.task, self.classifier = records.settings.simulated, records.task, records.classifier
        self.rate, self.samples = records.sampling_rate, records.signals[np.zeros(1, np.int64)].shape[2]
        self.labels = simulated_labels(self.planned, records.task)
        if self.shuffled:
            self.labels = self.labels[np.random.default_rng(self.settings.seed).permutation(len(self.labels))]

    @property
    def planned(self) -> tuple[PlannedRecord, ...]:
        """Patients and statements of the simulated records."""
        return tuple(plan_records(self.settings.records, seed_apart(self.settings.seed)))

    @property
    def signals(self) -> Signals:
        """The simulated ECGs, as many Hz and as long as the real ones: (records, 8, samples) float32 mV."""
        return simulate(self.settings.records, self.settings.seed, self.rate, self.samples)

    @property
    def identity(self) -> dict[str, Any]:
        """The settings, those of the training that follows, and the labels."""
        about = {"simulated": asdict(self.settings), "classifier": identifying(self.classifier)}
        return about | {"labels": array_digest(self.labels)}

    @property
    def note(self) -> str:
        """The simulated records and their number."""
        labels = " with labels of others" if self.shuffled else ""
        return f"weights that started from {self.settings.records:,} simulated records{labels}"

    def lesson(self, model: nn.Module, seed: int) -> Lesson:
        """All weights learn, as a training on these records alone."""
        examples = ClassifierExamples(LabelledSignals(self.signals, self.labels), self.classifier, self.rate)
        loss = loss_of(self.classifier.loss, self.labels, unknown=True)
        return Lesson(model, examples, loss, self.settings.fit)


@PRETRAININGS.register("simulated first, shuffled labels", rank=2.2)
class SimulatedFirstShuffled(SimulatedFirst):
    """The same records with each other's labels: what is left of a gain is none of what labels mean."""

    help = "starts from weights trained on simulated records with the labels of others: a control"
    doing = "starting from simulated records with the labels of others"
    shuffled: ClassVar[bool] = True


def simulated_labels(planned: tuple[PlannedRecord, ...], task: LabelTask) -> np.ndarray:
    """(records, classes) float32 of a task, NaN for a class that the simulator does not know.

    Raises ValueError where it knows none.
    """
    labels = task.encode([{name: SIMULATED_STATEMENTS[name] for name in plan.statements} for plan in planned])
    known = simulated_classes(task)
    if not known:
        raise ValueError(
            f"the simulator knows no class of the task {task.name!r} ({', '.join(task.class_names)}): leave the arm out"
        )
    labels[:, [name not in known for name in task.class_names]] = np.nan
    return labels


def simulated_classes(task: LabelTask) -> set[str]:
    """The classes of a task of which the simulator knows a statement."""
    return {task.members[name] for name in SIMULATED_STATEMENTS if name in task.members}


def seed_apart(seed: int) -> int:
    """The seed by which the patients of a seed are simulated here."""
    return int(np.random.SeedSequence([seed, APART]).generate_state(1, np.uint32)[0])


@lru_cache(maxsize=1)
def simulate(records: int, seed: int, sampling_rate: int, samples: int) -> np.ndarray:
    """The signals of simulated records, (records, 8, samples) float32 mV at `sampling_rate` Hz, read-only."""
    settings = SimulatorSettings(samples / sampling_rate, sampling_rate)
    apart = seed_apart(seed)
    parts = simulated_signals(plan_records(records, apart), apart, settings, [], progress=False)
    signals = np.concatenate([*parts])[..., :samples]
    signals.setflags(write=False)
    return signals
