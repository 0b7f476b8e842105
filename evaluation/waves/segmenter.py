"""WaveSegmenter: the samples of an ECG lead that belong to a P wave, a QRS complex or a T wave.

A U-Net in one dimension (Ronneberger et al. 2015; for ECGs Moskalenko et al. 2019, arXiv:2001.04689) that sees one lead
at a time, with the same weights for all twelve. Most of its work is done on patches of 16 ms; the four classes of every
sample inside a patch come out of the patch's channels, so that boundaries are as fine as the samples.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.records.bounds import Checked, Hertz, Size
from vqecg.records.datasets.ludb import WAVES
from vqecg.records.store.preprocessing import resample
from vqecg.training.checkpoint import Pretrained
from vqecg.training.fit import computes_in_bf16

CLASSES = ("none", *WAVES)  # the four outputs, in this order
BASELINE_SECONDS = 1.0  # the mean over this time is taken off each lead
SMALLEST_SCALE = 0.02  # mV, added to a lead's standard deviation: a lead of noise alone is not blown up to waves
CHANNEL_BATCH = 256  # leads that go through the network at once: they stay in the processor's cache


@dataclass(frozen=True)
class WaveSegmenterConfig(Checked):
    """The shape of a `WaveSegmenter`."""

    sampling_rate: Hertz = 250  # Hz at which it works; signals of other rates are resampled
    classes: tuple[str, ...] = CLASSES  # of every sample, in the order of the outputs
    patch: Size = 4  # samples a step of the trunk
    stem_kernel: Size = 16  # samples that a patch sees
    widths: tuple[Size, ...] = (32, 48, 64, 64)  # channels of the levels; every level but the first halves the rate
    kernel_size: Size = 5  # steps of a level

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.classes != CLASSES:
            raise ValueError(f"classes are {self.classes}; expected {CLASSES}")
        if self.kernel_size % 2 == 0 or (self.stem_kernel - self.patch) % 2 or self.stem_kernel < self.patch:
            raise ValueError(
                f"kernel_size is {self.kernel_size}, stem_kernel {self.stem_kernel} and patch {self.patch}; expected "
                "an odd kernel, and a stem that sees equally far to both sides of a patch"
            )
        if len(self.widths) < 2 or self.sampling_rate < 50:
            raise ValueError(
                f"widths are {self.widths} at {self.sampling_rate} Hz; expected two levels and 50 Hz or more"
            )

    @property
    def step(self) -> int:
        """Samples that the network takes at once: inputs are padded to a multiple."""
        return self.patch * 2 ** (len(self.widths) - 1)


class Rated(Protocol):
    """Settings with a sampling rate."""

    @property
    def sampling_rate(self) -> int: ...


class Segmenter(Protocol):
    """Whatever says of each sample which wave it belongs to: a network of its own, or a head on a tokenizer's codes."""

    @property
    def config(self) -> Rated: ...

    def segment(self, signals: np.ndarray, sampling_rate: float) -> np.ndarray: ...

    def resampled(self, signals: np.ndarray, sampling_rate: float) -> np.ndarray: ...


class ConvolutionPair(nn.Module):
    """(batch, channels, steps) -> (batch, width, steps)."""

    def __init__(self, channels: int, width: int, kernel_size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(channels, width, kernel_size, padding=kernel_size // 2, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, kernel_size, padding=kernel_size // 2, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class WaveSegmenter(nn.Module, Pretrained):
    """(batch, samples) mV of single leads at `config.sampling_rate` -> (batch, classes, samples) logits."""

    config_class = WaveSegmenterConfig

    def __init__(self, config: WaveSegmenterConfig) -> None:
        super().__init__()
        self.config = config
        widths, kernel = config.widths, config.kernel_size
        self.stem = nn.Conv1d(
            1, widths[0], config.stem_kernel, config.patch, padding=(config.stem_kernel - config.patch) // 2
        )
        self.down = nn.ModuleList(
            ConvolutionPair(before, width, kernel) for before, width in zip((widths[0], *widths), widths, strict=False)
        )
        self.up = nn.ModuleList(ConvolutionPair(below + width, width, kernel) for width, below in pairwise(widths))
        # the first patch features again, past the trunk: where exactly a boundary lies is seen there
        self.head = nn.Conv1d(2 * widths[0], len(CLASSES) * config.patch, 3, padding=1)

    def forward(self, signal: Tensor) -> Tensor:
        """Logits of every sample. Raises ValueError for a signal of another shape."""
        if signal.ndim != 2 or signal.shape[1] == 0:
            raise ValueError(
                f"got a signal of shape {tuple(signal.shape)}; expected (batch, samples) in mV, one lead a row"
            )
        samples = signal.shape[1]
        normal = nn.functional.pad(self.normalised(signal)[:, None], (0, -samples % self.config.step))
        first = torch.relu(self.stem(normal))
        x, levels = first, []
        for level, block in enumerate(self.down):
            x = block(nn.functional.max_pool1d(x, 2) if level else x)
            levels.append(x)
        for level in range(len(self.up) - 1, -1, -1):
            x = self.up[level](torch.cat([x.repeat_interleave(2, dim=2), levels[level]], dim=1))
        patches = self.head(torch.cat([x, first], dim=1))
        logits = patches.unflatten(1, (len(CLASSES), self.config.patch)).transpose(2, 3).flatten(2)
        return logits[..., :samples]

    def normalised(self, signal: Tensor) -> Tensor:
        """Each lead without its baseline and over its standard deviation: the size of a lead says nothing of waves."""
        half = min(round(BASELINE_SECONDS / 2 * self.config.sampling_rate), signal.shape[1] // 2)
        baseline = nn.functional.avg_pool1d(
            signal[:, None], 2 * half + 1, stride=1, padding=half, count_include_pad=False
        )[:, 0]
        level = signal - baseline[:, : signal.shape[1]]
        return level / (level.std(dim=1, keepdim=True, correction=0) + SMALLEST_SCALE)

    @torch.inference_mode()
    def segment(self, signals: np.ndarray, sampling_rate: float) -> np.ndarray:
        """The class of every sample: (n, leads, samples) mV at any rate -> (n, leads, samples at its rate) uint8.

        Sample k of the result is the class at k / config.sampling_rate seconds, a place in CLASSES.
        Raises ValueError for another shape or samples that are not finite.
        """
        signals = np.asarray(signals)
        if signals.ndim != 3 or 0 in signals.shape:
            raise ValueError(f"got signals of shape {signals.shape}; expected (records, leads, samples) in mV")
        if not np.isfinite(signals).all():
            raise ValueError("signals hold NaN or infinite samples; drop the record or fill the gap before")
        resampled = signals if sampling_rate == self.config.sampling_rate else self.resampled(signals, sampling_rate)
        device = next(self.parameters()).device
        half = computes_in_bf16(device)
        classes = []
        for part in torch.from_numpy(np.ascontiguousarray(resampled, np.float32)).flatten(0, 1).split(CHANNEL_BATCH):
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                classes.append(self(part.to(device)).argmax(dim=1).to(torch.uint8).cpu())
        return torch.cat(classes).numpy().reshape(resampled.shape)

    def resampled(self, signals: np.ndarray, sampling_rate: float) -> np.ndarray:
        """Signals (..., samples) at the rate of the network."""
        return resample(signals, sampling_rate, self.config.sampling_rate)
