"""xresnet1d101: the residual network that does best on PTB-XL in Strodthoff et al. 2021, slow on a processor.

ResNet-101 with the tricks of He et al. 2019 in one dimension: a stem of three convolutions, strides on the middle
convolution of a bottleneck, shortcuts that pool, a last norm that starts at zero. As in ecg_ptbxl_benchmarking kernels
are 5, every stage is 256 channels wide, and the head reads the maximum and the mean over time through a hidden layer.
Dropout is theirs; the input is in mV over one constant, where they standardise.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from vqecg.downstream.classifiers.models.interface import (
    Classifier,
    ClassifierConfig,
    Recipe,
    check_odd,
    check_positive,
    scaled,
)
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS
from vqecg.records.bounds import BelowOne, Depth, Size


@dataclass(frozen=True)
class XResNetConfig(ClassifierConfig):
    """The shape of an `XResNetClassifier`."""

    stem_widths: tuple[Size, ...] = (32, 32, 64)  # channels of the first convolutions; the first halves the rate
    width: Size = 64  # channels inside a bottleneck, in every stage
    expansion: Size = 4  # channels after a bottleneck, as a multiple of those inside
    blocks: tuple[Depth, ...] = (3, 4, 23, 3)  # bottlenecks per stage; every stage but the first halves the rate
    kernel_size: Size = 5  # samples, at the rate of the stage
    hidden: Size = 128  # units of the head's hidden layer
    dropout: BelowOne = 0.5  # of the hidden layer, in training; half of it before that layer

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(stem_widths=self.stem_widths, blocks=self.blocks)
        check_odd(kernel_size=self.kernel_size)


def convolution(channels: int, width: int, kernel_size: int, stride: int = 1, scale: float = 1.0) -> nn.Sequential:
    """(batch, channels, samples) -> (batch, width, samples / stride): convolution and batch norm.

    The weight of the batch norm starts at `scale`.
    """
    layer, norm = nn.Conv1d(channels, width, kernel_size, stride, kernel_size // 2, bias=False), nn.BatchNorm1d(width)
    nn.init.kaiming_normal_(layer.weight)
    nn.init.constant_(norm.weight, scale)
    return nn.Sequential(layer, norm)


class Bottleneck(nn.Module):
    """(batch, channels, samples) -> (batch, expansion width, samples / stride)."""

    def __init__(self, channels: int, width: int, expansion: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        last = convolution(width, expansion * width, 1, scale=0.0)  # so that a block starts as its shortcut
        self.convolutions = nn.Sequential(
            convolution(channels, width, 1),
            nn.ReLU(),
            convolution(width, width, kernel_size, stride),
            nn.ReLU(),
            last,
        )
        shortcut: list[nn.Module] = [nn.AvgPool1d(stride, ceil_mode=True)] if stride > 1 else []
        if channels != expansion * width:
            shortcut.append(convolution(channels, expansion * width, 1))
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.convolutions(x) + self.shortcut(x))


@CLASSIFIERS.register("xresnet1d101", rank=3)
class XResNetClassifier(Classifier):
    """(batch, leads, samples) float32 mV, of any length -> (batch, classes) logits, a yes or no per class."""

    config_class = XResNetConfig
    help = "a residual network of 101 layers (Strodthoff et al. 2021), slow on a processor"
    recipe: ClassVar[Recipe] = {"fit.steps": 400, "fit.learning_rate": 2e-3}

    def __init__(self, config: XResNetConfig) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        channels = len(config.leads)
        for number, width in enumerate(config.stem_widths):
            layers += [convolution(channels, width, config.kernel_size, 2 if number == 0 else 1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool1d(3, 2, 1))
        for stage, blocks in enumerate(config.blocks):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(Bottleneck(channels, config.width, config.expansion, config.kernel_size, stride))
                channels = config.expansion * config.width
        self.body = nn.Sequential(*layers)
        self.hidden = nn.Sequential(
            nn.BatchNorm1d(2 * channels),
            nn.Dropout(config.dropout / 2),
            nn.Linear(2 * channels, config.hidden),
            nn.ReLU(),
            nn.BatchNorm1d(config.hidden),
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.hidden, len(config.class_names))

    def features(self, signal: Tensor) -> Tensor:
        """(batch, leads, samples) float32 mV -> (batch, hidden). Raises ValueError for a signal of another shape."""
        x = self.features_over_time(signal)
        return self.hidden(torch.cat([x.amax(dim=-1), x.mean(dim=-1)], dim=1))

    def features_over_time(self, signal: Tensor) -> Tensor:
        """(batch, leads, samples) float32 mV -> (batch, channels, positions).

        Raises ValueError for a signal of another shape.
        """
        return self.body(scaled(signal, self.config))

    def forward(self, signal: Tensor) -> Tensor:
        return self.head(self.dropout(self.features(signal)))
