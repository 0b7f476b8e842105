"""Noise on a tokenizer's input in training: it then learns to give back the recording without it."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vqecg.records.bounds import Checked, PositiveFactor
from vqecg.records.simulation.disturbances import DISTURBANCES, disturbed, noise_of
from vqecg.training.examples import SignalExamples


@dataclass(frozen=True)
class NoiseSettings(Checked):
    """The noise that a denoising tokenizer learns to leave out; `model.noise_share` says in how many records."""

    kinds: tuple[str, ...] = ("wander", "muscle", "motion")  # "mains" too, where the rate is above 120 Hz
    least: PositiveFactor = 0.2  # RMS of the noise over that of the recording, both without their mean: 14 dB
    most: PositiveFactor = 2.5  # the same of a record with much noise: -8 dB

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.kinds or len(set(self.kinds)) < len(self.kinds):
            raise ValueError(f"kinds of noise are {self.kinds}; expected one or more, each once")
        for kind in self.kinds:
            DISTURBANCES.get(kind)
        if self.least > self.most:
            raise ValueError(f"noise of {self.least:g} to {self.most:g} times the recording; expected least below most")

    def check_sampling_rate(self, sampling_rate: float) -> None:
        """Raises ValueError where a kind of noise does not exist at that rate, Hz."""
        noise_of(dict.fromkeys(self.kinds, 1.0), 1024, sampling_rate, np.random.default_rng(0))

    def added_to(self, signal: np.ndarray, sampling_rate: float, rng: np.random.Generator) -> np.ndarray:
        """Records (batch, 8, samples) mV, each with a mixture of all kinds; size and shares are drawn; float32."""
        result = np.empty(signal.shape, np.float32)
        for row, record in enumerate(signal):
            shares = dict(zip(self.kinds, rng.exponential(size=len(self.kinds)) ** 2, strict=True))
            size = float(np.exp(rng.uniform(np.log(self.least), np.log(self.most))))
            result[row] = disturbed(record, sampling_rate, shares, size, rng)
        return result


@dataclass(frozen=True)
class NoisyExamples:
    """Examples with their noisy input beside them: {"signal", "disturbed"}, (batch, 8, samples) float32 mV each."""

    examples: SignalExamples
    noise: NoiseSettings
    share: float  # of the records whose input has noise; that of the others is the record itself

    def __len__(self) -> int:
        return len(self.examples)

    def batch(self, indices: np.ndarray, generator: np.random.Generator) -> dict[str, Tensor]:
        """The examples `indices`, with noise drawn anew each time."""
        batch = self.examples.batch(indices, generator)
        signal = batch["signal"].numpy()
        noisy, input_signal = generator.uniform(size=len(signal)) < self.share, signal.copy()
        rate = self.examples.store.spec.sampling_rate
        input_signal[noisy] = self.noise.added_to(signal[noisy], rate, generator)
        return batch | {"disturbed": torch.from_numpy(input_signal)}
