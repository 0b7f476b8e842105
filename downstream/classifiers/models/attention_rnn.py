"""Convolutions, then a recurrent layer, then attention over time: a second family beside the residual network.

After ATI-CNN (Yao et al. 2020), which reads arrhythmias in 12-lead ECGs of any length: convolutions shorten the signal,
a recurrent layer reads the beats in order, attention weighs the moments. Its order of layers is kept, its size is not:
five convolutions for 13, one GRU for two LSTMs. Pooling brings the rate to 1/32 (3 Hz at 100 Hz) before it, so that few
steps run one after the other. As in the ResNet, the input is divided by one constant, never per record.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vqecg.downstream.classifiers.models.interface import (
    Classifier,
    ClassifierConfig,
    check_odd,
    check_positive,
    scaled,
)
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS
from vqecg.records.bounds import BelowOne, Size


@dataclass(frozen=True)
class AttentionRNNConfig(ClassifierConfig):
    """The shape of an `AttentionRNNClassifier`."""

    stem_kernel: Size = 15  # samples, of the first convolution, which halves the rate
    widths: tuple[Size, ...] = (16, 32, 48, 64)  # channels of the stages; each ends in pooling, which halves the rate
    kernel_size: Size = 5  # samples, at the rate of the stage
    hidden: Size = 48  # units of the GRU, in each direction
    attention: Size = 32  # units of the layer that weighs the moments
    dropout: BelowOne = 0.2  # of the pooled features, in training

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(widths=self.widths)
        check_odd(kernel_size=self.kernel_size, stem_kernel=self.stem_kernel)


def convolution(channels: int, width: int, kernel_size: int, stride: int = 1) -> list[nn.Module]:
    """(batch, channels, samples) -> (batch, width, samples / stride): convolution, batch norm, ReLU."""
    return [
        nn.Conv1d(channels, width, kernel_size, stride, kernel_size // 2, bias=False),
        nn.BatchNorm1d(width),
        nn.ReLU(),
    ]


@CLASSIFIERS.register("attention-rnn", rank=1)
class AttentionRNNClassifier(Classifier):
    """(batch, leads, samples) float32 mV, of any length -> (batch, classes) logits, a yes or no per class."""

    config_class = AttentionRNNConfig
    help = "convolutions, a GRU and attention over time (Yao et al. 2020)"

    def __init__(self, config: AttentionRNNConfig) -> None:
        super().__init__()
        self.config = config
        layers = convolution(len(config.leads), config.widths[0], config.stem_kernel, stride=2)
        channels = config.widths[0]
        for width in config.widths:
            layers += convolution(channels, width, config.kernel_size)
            layers.append(nn.MaxPool1d(2, ceil_mode=True))
            channels = width
        self.convolutions = nn.Sequential(*layers)
        self.recurrent = nn.GRU(channels, config.hidden, batch_first=True, bidirectional=True)
        self.weigh = nn.Sequential(
            nn.Linear(2 * config.hidden, config.attention), nn.Tanh(), nn.Linear(config.attention, 1, bias=False)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(2 * config.hidden, len(config.class_names))

    def features(self, signal: Tensor) -> Tensor:
        """(batch, leads, samples) float32 mV -> (batch, 2 hidden), weighed over time.

        Raises ValueError for a signal of another shape.
        """
        read = self.features_over_time(signal).transpose(1, 2)
        return (torch.softmax(self.weigh(read), dim=1) * read).sum(dim=1)

    def features_over_time(self, signal: Tensor) -> Tensor:
        """(batch, leads, samples) float32 mV -> (batch, 2 hidden, positions).

        Raises ValueError for a signal of another shape.
        """
        read, _ = self.recurrent(self.convolutions(scaled(signal, self.config)).transpose(1, 2))
        return read.transpose(1, 2)

    def forward(self, signal: Tensor) -> Tensor:
        return self.head(self.dropout(self.features(signal)))
