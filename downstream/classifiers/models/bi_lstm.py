"""A bidirectional LSTM over patches of the signal: no convolution looks further than its patch.

One of the families of Strodthoff et al. 2021, who run it over every sample. Here a patch of 0.13 s comes
every 40 ms at 100 Hz, so that a processor takes 250 steps for ten seconds, and not 1,000. Maximum and mean over time
make the features, as in their head.
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
    scaled,
)
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS
from vqecg.records.bounds import BelowOne, Depth, Size


@dataclass(frozen=True)
class BiLSTMConfig(ClassifierConfig):
    """The shape of a `BiLSTMClassifier`."""

    patch: Size = 13  # samples that are read at a step
    stride: Size = 4  # samples from one step to the next
    width: Size = 64  # numbers that describe a patch
    hidden: Size = 64  # units of the LSTM, in each direction
    layers: Depth = 2  # of the LSTM
    dropout: BelowOne = 0.2  # between the layers and of the features, in training

    def __post_init__(self) -> None:
        super().__post_init__()
        # oneDNN's bf16 convolution is wrong for padded kernels of 8, 12 or 16 samples on few channels
        check_odd(patch=self.patch)


@CLASSIFIERS.register("bi-lstm", rank=4)
class BiLSTMClassifier(Classifier):
    """(batch, leads, samples) float32 mV, of any length -> (batch, classes) logits, a yes or no per class."""

    config_class = BiLSTMConfig
    help = "a bidirectional LSTM over patches (Strodthoff et al. 2021)"
    recipe: ClassVar[Recipe] = {"fit.learning_rate": 2e-3}

    def __init__(self, config: BiLSTMConfig) -> None:
        super().__init__()
        self.config = config
        self.patches = nn.Sequential(
            nn.Conv1d(len(config.leads), config.width, config.patch, config.stride, config.patch // 2, bias=False),
            nn.BatchNorm1d(config.width),
            nn.ReLU(),
        )
        between = config.dropout if config.layers > 1 else 0.0
        self.recurrent = nn.LSTM(
            config.width, config.hidden, config.layers, batch_first=True, dropout=between, bidirectional=True
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(4 * config.hidden, len(config.class_names))

    def features(self, signal: Tensor) -> Tensor:
        """(batch, leads, samples) float32 mV -> (batch, 4 hidden): maximum and mean over time, both directions.

        Raises ValueError for a signal of another shape.
        """
        read = self.features_over_time(signal)
        return torch.cat([read.amax(dim=2), read.mean(dim=2)], dim=1)

    def features_over_time(self, signal: Tensor) -> Tensor:
        """(batch, leads, samples) float32 mV -> (batch, 2 hidden, positions), both directions.

        Raises ValueError for a signal of another shape.
        """
        read, _ = self.recurrent(self.patches(scaled(signal, self.config)).transpose(1, 2))
        return read.transpose(1, 2)

    def forward(self, signal: Tensor) -> Tensor:
        return self.head(self.dropout(self.features(signal)))
