"""The base of all classifiers: the first fields of their configs, the check of their input, and their training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from torch import Tensor, nn

from vqecg.records.bounds import Checked, Hertz, Positive
from vqecg.records.leads import INDEPENDENT_LEADS
from vqecg.training.checkpoint import Pretrained

Recipe = Mapping[str, Any]  # what differs from the shared settings, by dotted names of ClassifierSettings


@dataclass(frozen=True)
class ClassifierConfig(Checked):
    """The input of a classifier and the meaning of its outputs; the config of every classifier starts with it."""

    class_names: tuple[str, ...]  # one output each, in this order
    leads: tuple[str, ...] = INDEPENDENT_LEADS  # in the order of the signal's rows
    sampling_rate: Hertz = 100  # Hz
    scale: Positive = 0.24  # mV that count as 1 inside the model, one for all leads and records: voltage is diagnosis

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.class_names or len(set(self.class_names)) != len(self.class_names):
            raise ValueError(f"class_names are {self.class_names}; expected at least one name and none twice")
        if not self.leads or len(set(self.leads)) != len(self.leads):
            raise ValueError(f"leads are {self.leads}; expected at least one and none twice")


class Classifier(nn.Module, Pretrained):
    """(batch, leads, samples) float32 mV, of any length -> (batch, classes) logits, a yes or no per class."""

    config_class: ClassVar[type[ClassifierConfig]]
    help: ClassVar[str] = ""  # the classifier in a line, for the command line
    recipe: ClassVar[Recipe] = {}  # how it is trained where nothing else is asked for

    def features(self, signal: Tensor) -> Tensor:
        """(batch, leads, samples) float32 mV -> (batch, width). Raises ValueError for a signal of another shape."""
        raise NotImplementedError(f"{type(self).__name__} has no features")

    def features_over_time(self, signal: Tensor) -> Tensor | None:
        """(batch, leads, samples) float32 mV -> (batch, width, positions), evenly over time, before these are pooled.

        None where a classifier has none. Raises ValueError for a signal of another shape.
        """
        return None


def check_odd(**kernels: int) -> None:
    """Raises ValueError unless every kernel size, in samples, is odd."""
    even = {name: size for name, size in kernels.items() if size % 2 == 0}
    if even:
        sizes = ", ".join(f"{name} is {size}" for name, size in even.items())
        raise ValueError(f"{sizes}; expected odd numbers, so that samples stay in place")


def check_positive(**numbers: int | tuple[int, ...]) -> None:
    """Raises ValueError unless every number, or every one of a tuple that is not empty, is 1 or more."""
    for name, given in numbers.items():
        if min(given if isinstance(given, tuple) else (given,), default=0) < 1:
            raise ValueError(f"{name} is {given}; expected 1 or more, and at least one number in a list")


def scaled(signal: Tensor, config: ClassifierConfig) -> Tensor:
    """(batch, leads, samples) mV over the config's scale. Raises ValueError for a signal of another shape."""
    leads = config.leads
    if signal.ndim != 3 or signal.shape[1] != len(leads) or signal.shape[2] == 0:
        raise ValueError(
            f"got a signal of shape {tuple(signal.shape)}; expected (batch, {len(leads)}, samples) in mV "
            f"with the leads {', '.join(leads)}"
        )
    return signal / config.scale


@runtime_checkable
class LabelAware(Protocol):
    """A classifier that must know the labels of the real training records before it is trained."""

    def learn_labels(self, labels: np.ndarray) -> None:
        """Takes what it needs from (records, classes) 0/1 into its buffers."""
