"""The label-correlation network of Zhang and Sun 2024: labels that occur together say where to look for each.

A residual network with squeeze and excitation (Hu et al. 2018) makes channels over time. The matrix of how often labels
occur together among real training records gives each label an embedding; its cosine with each channel says how much of
the channel the label takes; a decoder of cross-attention and feed-forward layers (ML-Decoder, Ridnik et al. 2023)
answers for each label. What differs from the paper is in docs/method.md, "Label-correlation network"; zhang_sun.py has
its sizes and its training.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.downstream.classifiers.losses import ASYMMETRIC
from vqecg.downstream.classifiers.models.interface import (
    Classifier,
    ClassifierConfig,
    Recipe,
    check_odd,
    check_positive,
    scaled,
)
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS
from vqecg.records.bounds import BelowOne, Size

# keys and values of the decoder: the channels over time; F_k, what each label took of this ECG (equation 10 of the
# paper); or the label embeddings, which are the same for every ECG: a control
FEATURES, LABEL_FEATURES, LABELS = MEMORIES = ("features", "label features", "labels")


@dataclass(frozen=True)
class LabelCorrelationConfig(ClassifierConfig):
    """The shape of a `LabelCorrelationClassifier`."""

    stem_width: Size = 32  # channels after the first convolution
    stem_kernel: Size = 15  # samples
    widths: tuple[Size, ...] = (32, 64, 128, 128, 128)  # channels of the residual blocks
    pools: tuple[Size, ...] = (5, 5, 5, 1, 1)  # by which each block divides the rate; 1 is a plain block
    kernel_size: Size = 7  # samples, at the rate of the block
    squeeze: Size = 8  # by which squeeze and excitation narrows the channels
    moments: Size = 8  # parts of a record that a label weighs, whatever its length; also the size of a label embedding
    label_hidden: Size = 128  # units between the matrix of label correlations and the embeddings
    label_module: bool = True  # False, for ablation: labels without embeddings, channels without their attention
    decoder: bool = True  # False, for ablation: a linear layer per label in place of the decoder
    memory: str = FEATURES  # that queries attend to: "features" (ML-Decoder), "label features" (the paper) or "labels"
    decoder_width: Size = 64  # numbers per query
    decoder_heads: Size = 4  # of the cross-attention
    dropout: BelowOne = 0.2  # in blocks and decoder, and before the last layer, in training

    def __post_init__(self) -> None:
        super().__post_init__()
        check_odd(kernel_size=self.kernel_size, stem_kernel=self.stem_kernel)
        check_positive(widths=self.widths)
        if len(self.widths) != len(self.pools):
            raise ValueError(f"widths are {self.widths} and pools {self.pools}; expected one of each per block")
        if self.memory not in MEMORIES:
            raise ValueError(f"memory is {self.memory!r}; expected one of {', '.join(MEMORIES)}")
        if self.memory != FEATURES and self.decoder and not self.label_module:
            raise ValueError(f"memory {self.memory!r} needs the label module; expected {FEATURES!r} without it")
        if self.decoder_width % self.decoder_heads:
            raise ValueError(
                f"decoder_width is {self.decoder_width} and decoder_heads {self.decoder_heads}; expected a multiple"
            )


def correlation_matrix(labels: np.ndarray) -> np.ndarray:
    """E_ij = P(i | j) among records with `labels` (records, classes) 0/1, NaN = unknown: (classes, classes) float32.

    Of each pair of classes the records count in which both are known. A class without a record has 0 in its column and
    row, and 1 on the diagonal as all have.
    """
    present = (np.asarray(labels) > 0.5).astype(np.float64)
    together, judged = present.T @ present, np.isfinite(labels).astype(np.float64).T @ present
    matrix = together / np.maximum(judged, 1)
    np.fill_diagonal(matrix, 1.0)
    return matrix.astype(np.float32)


class SqueezeBlock(nn.Module):
    """(batch, channels, samples) -> (batch, width, samples / pool): two convolutions, channels weighed, a shortcut."""

    def __init__(self, channels: int, width: int, pool: int, config: LabelCorrelationConfig) -> None:
        super().__init__()
        size, narrow = config.kernel_size, max(1, width // config.squeeze)
        self.convolutions = nn.Sequential(
            nn.Conv1d(channels, width, size, padding=size // 2, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Conv1d(width, width, size, pool, size // 2, bias=False),
            nn.BatchNorm1d(width),
        )
        self.weigh = nn.Sequential(nn.Linear(width, narrow), nn.ReLU(), nn.Linear(narrow, width), nn.Sigmoid())
        shortcut: list[nn.Module] = [nn.MaxPool1d(pool, ceil_mode=True)] if pool > 1 else []
        if channels != width:
            shortcut += [nn.Conv1d(channels, width, 1, bias=False), nn.BatchNorm1d(width)]
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.convolutions(x)
        return torch.relu(inner * self.weigh(inner.mean(dim=-1))[..., None] + self.shortcut(x))


class LabelAttention(nn.Module):
    """Label embeddings, and what each label takes of the channels."""

    correlation: Tensor  # (classes, classes), a buffer: kept with the weights, not trained

    def __init__(self, classes: int, config: LabelCorrelationConfig) -> None:
        super().__init__()
        # the identity, labels that never meet, until the training labels are known
        self.register_buffer("correlation", torch.eye(classes))
        self.embed = nn.Sequential(
            nn.Linear(classes, config.label_hidden), nn.ReLU(), nn.Linear(config.label_hidden, config.moments)
        )

    def embeddings(self) -> Tensor:
        """(classes, moments), from the rows of the matrix."""
        return self.embed(self.correlation)

    def forward(self, channels: Tensor, embeddings: Tensor) -> Tensor:
        """(batch, channels, moments), (classes, moments) -> F_k = sum over c of s_ck F_c: (batch, classes, moments).

        s_ck = max(0, cos(F_c, e_k)), divided by its sum over the channels c.
        """
        unit = nn.functional.normalize(channels.float(), dim=-1)
        similarity = torch.relu(torch.einsum("bcm,km->bkc", unit, nn.functional.normalize(embeddings.float(), dim=-1)))
        weights = similarity / similarity.sum(dim=-1, keepdim=True).clamp_min(1e-6)
        return weights @ channels.float()


class QueryDecoder(nn.Module):
    """A query per label, (batch, classes, width): cross-attention to a memory, feed-forward, no self-attention."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        attended, _ = self.attend(queries, memory, memory, need_weights=False)
        queries = self.norm1(queries + self.dropout(attended))
        return self.norm2(queries + self.dropout(self.feed(queries)))


@CLASSIFIERS.register("label-correlation", rank=6)
class LabelCorrelationClassifier(Classifier):
    """(batch, leads, samples) float32 mV, of any length -> (batch, classes) logits, a yes or no per class."""

    config_class = LabelCorrelationConfig
    help = "attention by how labels occur together (Zhang and Sun 2024)"
    # Zhang and Sun train with the asymmetric loss; 2, not Ridnik's 4: a superclass is in a tenth of records or more
    recipe: ClassVar[Recipe] = {"fit.learning_rate": 2e-3, "loss.name": ASYMMETRIC, "loss.negative_gamma": 2.0}

    def __init__(self, config: LabelCorrelationConfig) -> None:
        super().__init__()
        self.config = config
        classes, width = len(config.class_names), config.decoder_width
        layers: list[nn.Module] = [self.make_stem(), nn.BatchNorm1d(config.stem_width), nn.ReLU()]
        channels = config.stem_width
        for width_of_block, pool in zip(config.widths, config.pools, strict=True):
            layers.append(SqueezeBlock(channels, width_of_block, pool, config))
            channels = width_of_block
        # of either sign: rectified channels would all be shut out by an embedding of negative numbers, for good
        layers.append(nn.BatchNorm1d(channels))
        self.backbone = nn.Sequential(*layers)
        self.labels = LabelAttention(classes, config) if config.label_module else None
        self.decode: nn.Module | None = None
        if config.decoder:
            self.decode = self.make_decoder()
            if config.memory == FEATURES:
                self.from_backbone = nn.Linear(channels, width)
            if config.label_module:
                self.from_features = nn.Linear(config.moments, width)
                self.from_embeddings = nn.Linear(config.moments, width)
            else:
                self.queries = nn.Parameter(torch.randn(classes, width))
        self.dropout = nn.Dropout(config.dropout)
        self.make_head(width if config.decoder else config.moments if config.label_module else channels)

    def make_stem(self) -> nn.Module:
        """The first convolution, (batch, leads, samples) -> (batch, stem_width, samples)."""
        config = self.config
        return nn.Conv1d(len(config.leads), config.stem_width, config.stem_kernel, padding=config.stem_kernel // 2)

    def make_decoder(self) -> nn.Module:
        """The decoder, of queries (batch, classes, decoder_width) and a memory (batch, any, decoder_width)."""
        return QueryDecoder(self.config.decoder_width, self.config.decoder_heads, self.config.dropout)

    def make_head(self, numbers: int) -> None:
        """The last layer, from `numbers` a label to its logit: each label has weights of its own."""
        classes = len(self.config.class_names)
        self.head: Any = nn.Parameter(torch.randn(classes, numbers) / numbers**0.5)  # `zhang-sun` has layers
        self.bias = nn.Parameter(torch.zeros(classes))

    def learn_labels(self, labels: np.ndarray) -> None:
        """Keeps P(i | j) of the real training records with `labels` (records, classes) 0/1.

        Raises ValueError for another number of classes.
        """
        classes = len(self.config.class_names)
        if labels.ndim != 2 or labels.shape[1] != classes:
            raise ValueError(f"got labels of shape {labels.shape}; expected (records, {classes})")
        if self.labels is not None:
            self.labels.correlation.copy_(torch.from_numpy(correlation_matrix(labels)))

    def features(self, signal: Tensor) -> Tensor:
        """(batch, leads, samples) float32 mV -> (batch, classes * numbers a label): what each label found.

        Raises ValueError for a signal of another shape.
        """
        return self.label_features(signal).flatten(1)

    def label_features(self, signal: Tensor) -> Tensor:
        """(batch, leads, samples) float32 mV -> (batch, classes, numbers)."""
        channels = self.backbone(scaled(signal, self.config))
        if self.labels is None:
            if self.decode is None:
                return channels.mean(dim=-1)[:, None].expand(-1, len(self.config.class_names), -1)
            queries = self.queries.expand(len(signal), -1, -1)
            return self.decode(queries, self.from_backbone(channels.transpose(1, 2)))
        embeddings = self.labels.embeddings()
        moments = nn.functional.adaptive_avg_pool1d(channels, self.config.moments)
        taken = self.labels(moments, embeddings)
        if self.decode is None:
            return taken
        labels, features = self.from_embeddings(embeddings).expand(len(signal), -1, -1), self.from_features(taken)
        if self.config.memory == LABEL_FEATURES:
            return self.decode(labels, features)
        if self.config.memory == LABELS:
            return self.decode(features, labels)
        return self.decode(labels + features, self.from_backbone(channels.transpose(1, 2)))

    def forward(self, signal: Tensor) -> Tensor:
        return (self.dropout(self.label_features(signal)).float() * self.head).sum(dim=-1) + self.bias
