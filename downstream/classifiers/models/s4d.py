"""A diagonal state-space model (S4D, Gu et al. 2022) over patches of the signal, in both directions.

Each channel is a linear system of `states` complex states, x' = A x + u, y = Re(C x), started as S4D-Lin:
A_n = -1/2 + i pi n. Its response over the whole record is a convolution, done by FFT, so that a step of training sees
all beats at once and any length will do. Mehari and Strodthoff 2023 find S4 the best of what they tried on PTB-XL.
Written here: no maintained package has it, and the diagonal form is short.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from vqecg.downstream.classifiers.models.interface import (
    Classifier,
    ClassifierConfig,
    Recipe,
    check_odd,
    scaled,
)
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS
from vqecg.records.bounds import BelowOne, Depth, Positive, Size


@dataclass(frozen=True)
class S4DConfig(ClassifierConfig):
    """The shape of an `S4DClassifier`."""

    patch: Size = 13  # samples that are read at a step
    stride: Size = 4  # samples from one step to the next
    width: Size = 64  # channels
    states: Size = 16  # complex states per channel and direction (half of what S4D counts as N)
    layers: Depth = 4  # state-space layers
    shortest_step: Positive = 0.001  # of the systems' time step at the start; they remember 1 / step patches
    longest_step: Positive = 0.1  # of the systems' time step at the start
    dropout: BelowOne = 0.1  # in every layer and of the features, in training

    def __post_init__(self) -> None:
        super().__post_init__()
        # oneDNN's bf16 convolution is wrong for padded kernels of 8, 12 or 16 samples on few channels
        check_odd(patch=self.patch)
        if self.shortest_step > self.longest_step:
            raise ValueError(
                f"shortest_step is {self.shortest_step} and longest_step {self.longest_step}; "
                "expected 0 < shortest_step <= longest_step"
            )


class StateSpaceKernel(nn.Module):
    """The impulse responses of `channels` diagonal systems.

    All parameters are kept flat: `fit` decays matrices, and systems must not be decayed (Gu et al. 2022).
    """

    def __init__(self, channels: int, states: int, shortest_step: float, longest_step: float) -> None:
        super().__init__()
        self.shape = (channels, states)
        span = math.log(longest_step / shortest_step)
        self.log_step = nn.Parameter(math.log(shortest_step) + span * torch.rand(channels))
        self.log_decay = nn.Parameter(torch.full((channels * states,), math.log(0.5)))
        self.frequency = nn.Parameter(math.pi * torch.arange(states).float().repeat(channels))
        self.weight_real = nn.Parameter(torch.randn(channels * states) * math.sqrt(0.5))
        self.weight_imaginary = nn.Parameter(torch.randn(channels * states) * math.sqrt(0.5))

    def forward(self, length: int) -> Tensor:
        """(channels, length) float32: y at the steps 0, 1, ... after u = 1 at step 0, by zero-order hold."""
        rate = torch.complex(-self.log_decay.exp(), self.frequency).view(self.shape)
        weight = torch.complex(self.weight_real, self.weight_imaginary).view(self.shape)
        moved = rate * self.log_step.exp()[:, None]
        weight = weight * (moved.exp() - 1) / rate
        steps = torch.arange(length, device=moved.device)
        # the sum over complex states and their conjugates is twice the real part
        return 2 * torch.einsum("hn,hnl->hl", weight, (moved[..., None] * steps).exp()).real


class StateSpaceLayer(nn.Module):
    """(batch, channels, steps) -> the same: norm, both directions' response, a gated mix of channels, shortcut."""

    def __init__(self, config: S4DConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        # the first half of the systems reads forwards, the second backwards
        self.kernel = StateSpaceKernel(2 * config.width, config.states, config.shortest_step, config.longest_step)
        self.direct = nn.Parameter(torch.randn(config.width))
        self.dropout = nn.Dropout(config.dropout)
        self.mix = nn.Linear(config.width, 2 * config.width)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm(x.transpose(1, 2)).transpose(1, 2)
        inner = self.dropout(nn.functional.gelu(self.respond(inner)))
        return x + nn.functional.glu(self.mix(inner.transpose(1, 2)), dim=-1).transpose(1, 2)

    def respond(self, u: Tensor) -> Tensor:
        """(batch, channels, steps) -> the systems' answer to u from before and after each step, float32."""
        length = u.shape[-1]
        with torch.autocast(u.device.type, enabled=False):  # no FFT in bf16
            u = u.float()
            forwards, backwards = self.kernel(length).chunk(2)
            # a circle of twice the length: the first half is the past, the second, reversed, the future without now
            around = torch.cat([forwards, torch.zeros_like(forwards[:, :1]), backwards[:, 1:].flip(1)], dim=1)
            spectrum = torch.fft.rfft(u, n=2 * length) * torch.fft.rfft(around)
            return torch.fft.irfft(spectrum, n=2 * length)[..., :length] + self.direct[:, None] * u


@CLASSIFIERS.register("s4d", rank=5)
class S4DClassifier(Classifier):
    """(batch, leads, samples) float32 mV, of any length -> (batch, classes) logits, a yes or no per class."""

    config_class = S4DConfig
    help = "a diagonal state-space model in both directions (Gu et al. 2022)"
    recipe: ClassVar[Recipe] = {"fit.steps": 800}

    def __init__(self, config: S4DConfig) -> None:
        super().__init__()
        self.config = config
        self.patches = nn.Conv1d(len(config.leads), config.width, config.patch, config.stride, config.patch // 2)
        self.layers = nn.Sequential(*(StateSpaceLayer(config) for _ in range(config.layers)))
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.width, len(config.class_names))

    def features(self, signal: Tensor) -> Tensor:
        """(batch, leads, samples) float32 mV -> (batch, width), averaged over time.

        Raises ValueError for a signal of another shape.
        """
        return self.features_over_time(signal).mean(dim=-1)

    def features_over_time(self, signal: Tensor) -> Tensor:
        """(batch, leads, samples) float32 mV -> (batch, width, positions).

        Raises ValueError for a signal of another shape.
        """
        return self.layers(self.patches(scaled(signal, self.config)))

    def forward(self, signal: Tensor) -> Tensor:
        return self.head(self.dropout(self.features(signal)))
