"""The ways to fill a gap, by name. To add one: a file in this folder, with a subclass registered here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vqecg.records.registry import Registry

if TYPE_CHECKING:
    from vqecg.downstream.tasks.infilling.context import Context
    from vqecg.prior.generator import ECGGenerator


class Filler(ABC):
    """What may have been in a gap; made without arguments, keeps no state."""

    help: ClassVar[str] = ""  # in a few words

    @abstractmethod
    def fill(self, generator: ECGGenerator, contexts: Sequence[Context], draws: int) -> list[np.ndarray]:
        """For each context, windows (draws, 8, samples) float32 mV, of which only the gap will be used.

        All that is drawn comes from `Context.seed`: a context is filled alike in any company.
        """


FILLERS: Registry[type[Filler]] = Registry("way to fill a gap", "vqecg.downstream.tasks.infilling")
