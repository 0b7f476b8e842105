"""The parts of an embedding by name. To add one: a file in this folder, with a subclass registered here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vqecg.records.registry import Registry

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


class EmbeddingPart(ABC):
    """Numbers for a recording, from one part of a generator; made without arguments, keeps no state."""

    help: ClassVar[str] = ""  # in a few words

    @abstractmethod
    def embed(self, generator: ECGGenerator, signal: np.ndarray) -> np.ndarray:
        """Recordings (records, 8, samples) float32 mV -> (records, width) float32, NaN where one shows no number."""


PARTS: Registry[type[EmbeddingPart]] = Registry("part of an embedding", "vqecg.downstream.tasks.embedding")
