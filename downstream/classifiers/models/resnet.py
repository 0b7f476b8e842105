"""A residual network for 12-lead ECG classification, small enough for a processor.

After He et al. 2016 in one dimension, as Ribeiro et al. 2020 and Strodthoff et al. 2021 use it for ECGs. The basic
block and the four stages of ResNet-18 are kept; kernels are longer (7), stages narrower, one block each by default.
`resnet18` has the 18 layers and the widths of the original, with its kernels of 3 after the stem.
Voltage is diagnosis: the input is divided by one constant, never per record.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from vqecg.downstream.classifiers.models.interface import Classifier, ClassifierConfig, Recipe, check_odd, scaled
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS
from vqecg.records.bounds import BelowOne, Depth, Size


@dataclass(frozen=True)
class ResNetConfig(ClassifierConfig):
    """The shape of a `ResNetClassifier`."""

    stem_width: Size = 16  # channels after the first convolution
    stem_kernel: Size = 15  # samples
    widths: tuple[Size, ...] = (16, 32, 64, 96)  # channels of the stages; every stage but the first halves the rate
    blocks: tuple[Depth, ...] = (1, 1, 1, 1)  # residual blocks per stage
    kernel_size: Size = 7  # samples, at the rate of the stage
    dropout: BelowOne = 0.2  # of the pooled features, in training

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.widths) != len(self.blocks) or not self.widths or min(self.blocks) < 1:
            raise ValueError(f"widths are {self.widths} and blocks {self.blocks}; expected one of each per stage")
        check_odd(kernel_size=self.kernel_size, stem_kernel=self.stem_kernel)


class BasicBlock(nn.Module):
    """(batch, channels, samples) -> (batch, width, samples / stride): two convolutions added to a shortcut."""

    def __init__(self, channels: int, width: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        padding = kernel_size // 2
        self.convolution1 = nn.Conv1d(channels, width, kernel_size, stride, padding, bias=False)
        self.norm1 = nn.BatchNorm1d(width)
        self.convolution2 = nn.Conv1d(width, width, kernel_size, padding=padding, bias=False)
        self.norm2 = nn.BatchNorm1d(width)
        # a block starts as its shortcut (Goyal et al. 2017): steadier at a high learning rate
        nn.init.zeros_(self.norm2.weight)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels != width:
            # pooled, not skipped over, so that no sample is lost (He et al. 2019, "ResNet-D")
            self.shortcut = nn.Sequential(
                nn.AvgPool1d(stride, ceil_mode=True),
                nn.Conv1d(channels, width, 1, bias=False),
                nn.BatchNorm1d(width),
            )

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.norm1(self.convolution1(x)))
        return torch.relu(self.norm2(self.convolution2(inner)) + self.shortcut(x))


@CLASSIFIERS.register("resnet", rank=0)
class ResNetClassifier(Classifier):
    """(batch, leads, samples) float32 mV, of any length -> (batch, classes) logits, a yes or no per class."""

    config_class = ResNetConfig
    help = "a small residual network, one block per stage (He et al. 2016)"

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Sequential(
            nn.Conv1d(len(config.leads), config.stem_width, config.stem_kernel, 2, config.stem_kernel // 2, bias=False),
            nn.BatchNorm1d(config.stem_width),
            nn.ReLU(),
            nn.MaxPool1d(2, ceil_mode=True),
        )
        layers: list[nn.Module] = []
        channels = config.stem_width
        for stage, (width, blocks) in enumerate(zip(config.widths, config.blocks, strict=True)):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(BasicBlock(channels, width, config.kernel_size, stride))
                channels = width
        self.stages = nn.Sequential(*layers)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(channels, len(config.class_names))

    def features(self, signal: Tensor) -> Tensor:
        """(batch, leads, samples) float32 mV -> (batch, last width), averaged over time.

        Raises ValueError for a signal of another shape.
        """
        return self.features_over_time(signal).mean(dim=-1)

    def features_over_time(self, signal: Tensor) -> Tensor:
        """(batch, leads, samples) float32 mV -> (batch, last width, positions).

        Raises ValueError for a signal of another shape.
        """
        return self.stages(self.stem(scaled(signal, self.config)))

    def forward(self, signal: Tensor) -> Tensor:
        return self.head(self.dropout(self.features(signal)))


@dataclass(frozen=True)
class ResNet18Config(ResNetConfig):
    """A `ResNetClassifier` with the layers, widths and kernels of ResNet-18 (the stem's kernel is longer)."""

    stem_width: Size = 64  # channels after the first convolution
    widths: tuple[Size, ...] = (64, 128, 256, 512)  # channels of the stages; every stage but the first halves the rate
    blocks: tuple[Depth, ...] = (2, 2, 2, 2)  # residual blocks per stage
    kernel_size: Size = 3  # samples, at the rate of the stage


@CLASSIFIERS.register("resnet18", rank=2)
class ResNet18Classifier(ResNetClassifier):
    """`ResNetClassifier` of 18 layers."""

    config_class = ResNet18Config
    help = "a residual network of 18 layers (He et al. 2016)"
    recipe: ClassVar[Recipe] = {"fit.steps": 600, "fit.learning_rate": 1e-3}
