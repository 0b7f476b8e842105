"""The ways to remove noise, by name. To add one: a file in this folder, with a subclass registered here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vqecg.records.registry import Registry

if TYPE_CHECKING:
    from vqecg.tokenizer.modeling import ECGTokenizer


class Denoiser(ABC):
    """Recordings without their noise; made without arguments, keeps no state."""

    help: ClassVar[str] = ""  # in a few words

    @abstractmethod
    def denoise(self, tokenizer: ECGTokenizer, signals: np.ndarray) -> np.ndarray:
        """Stretches of recordings (stretches, 8, samples) float32 mV at the tokenizer's rate -> the same, cleaned.

        The tokenizer is one that denoises; a way that needs none takes the sampling rate from it.
        """


DENOISERS: Registry[type[Denoiser]] = Registry("way to remove noise", "vqecg.downstream.tasks.denoising")
