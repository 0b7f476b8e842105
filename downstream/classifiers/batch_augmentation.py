"""Augmentation of every batch of a classifier's training, chosen by name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from vqecg.downstream.classifiers.mixup import check_alpha, mixup
from vqecg.downstream.classifiers.signal_augmentation import ClassicAugmentation, augment
from vqecg.records.bounds import Checked, Positive
from vqecg.records.registry import Choices, Registry

NO_AUGMENTATION, CLASSIC, MIXUP = "none", "classic", "mixup"


@dataclass(frozen=True)
class BatchAugmentation(Checked):
    """The augmentation of every batch, and the settings of each kind of it."""

    name: Annotated[str, Choices("augmentation of every batch", lambda: AUGMENTATIONS.names())] = NO_AUGMENTATION
    classic: ClassicAugmentation = field(default_factory=ClassicAugmentation)  # kinds of "classic" and their strength
    mixup_alpha: Positive = 0.2  # of the Beta distribution of weights, for "mixup"; small = most records nearly unmixed

    def __post_init__(self) -> None:
        super().__post_init__()
        AUGMENTATIONS.get(self.name)
        check_alpha(self.mixup_alpha)


@dataclass(frozen=True, eq=False)
class Batch:
    """Records of one step of training."""

    signal: np.ndarray  # (batch, leads, samples) float32 mV
    labels: np.ndarray  # (batch, classes) float32 in 0..1
    sampling_rate: int  # Hz


# each maps a batch, the settings and a generator to signal and labels, and leaves the arrays given as they are
Augmentation = Callable[[Batch, BatchAugmentation, np.random.Generator], tuple[np.ndarray, np.ndarray]]
AUGMENTATIONS: Registry[Augmentation] = Registry("batch augmentation")


@AUGMENTATIONS.register(NO_AUGMENTATION, rank=0)
def nothing(batch: Batch, settings: BatchAugmentation, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The batch as it is."""
    return batch.signal, batch.labels


@AUGMENTATIONS.register(CLASSIC, rank=1)
def classic(batch: Batch, settings: BatchAugmentation, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Wander, noise, masks and scaling of the signals."""
    return augment(batch.signal, batch.sampling_rate, settings.classic, generator), batch.labels


@AUGMENTATIONS.register(MIXUP, rank=2)
def mixed(batch: Batch, settings: BatchAugmentation, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Records and labels mixed in pairs (Zhang et al. 2018)."""
    mixture = mixup(batch.signal, batch.labels, settings.mixup_alpha, generator)
    return mixture.signal, mixture.labels
