"""The label-correlation network with the sizes and the training of its paper, as far as they are known to us.

Zhang and Sun 2024: two-dimensional first convolutions over twelve leads, several decoder layers whose keys and values
are what each label took of this ECG (equation 10), three fully connected layers, whole records, batches of 32, Adam at
1e-4, early stopping. All that differs from the paper and from `label-correlation` stands in docs/method.md.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from vqecg.downstream.classifiers.losses import ASYMMETRIC
from vqecg.downstream.classifiers.models.interface import Recipe, check_odd
from vqecg.downstream.classifiers.models.label_correlation import (
    LABEL_FEATURES,
    LabelCorrelationClassifier,
    LabelCorrelationConfig,
    QueryDecoder,
)
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS
from vqecg.records.bounds import Size
from vqecg.records.leads import INDEPENDENT_LEADS, LEADS, twelve_leads


@dataclass(frozen=True)
class ZhangSunConfig(LabelCorrelationConfig):
    """The shape of a `ZhangSunClassifier`."""

    memory: str = LABEL_FEATURES  # the paper's; "features" (ML-Decoder) where there is no label module
    lead_kernel: Size = 3  # leads that the first convolution sees at once, in the order of the twelve
    decoder_layers: Size = 3  # of cross-attention and feed-forward, one after the other
    hidden: Size = 128  # units of the first two of the three fully connected layers

    def __post_init__(self) -> None:
        super().__post_init__()
        check_odd(lead_kernel=self.lead_kernel)
        if self.leads != INDEPENDENT_LEADS:
            raise ValueError(f"leads are {self.leads}; expected {INDEPENDENT_LEADS}, from which the twelve are made")


class LeadStem(nn.Module):
    """(batch, 8, samples) -> (batch, width, samples): convolved over twelve leads and time, then over all leads."""

    def __init__(self, config: ZhangSunConfig) -> None:
        super().__init__()
        width, size = config.stem_width, (config.lead_kernel, config.stem_kernel)
        self.over_leads = nn.Sequential(
            nn.Conv2d(1, width, size, padding=(size[0] // 2, size[1] // 2), bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        self.of_all_leads = nn.Conv1d(width * len(LEADS), width, 1)

    def forward(self, signal: Tensor) -> Tensor:
        return self.of_all_leads(self.over_leads(twelve_leads(signal)[:, None]).flatten(1, 2))


class QueryDecoders(nn.Module):
    """Layers of `QueryDecoder`, each with the same memory."""

    def __init__(self, layers: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(QueryDecoder(width, heads, dropout) for _ in range(layers))

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        for layer in self.layers:
            queries = layer(queries, memory)
        return queries


@CLASSIFIERS.register("zhang-sun", rank=7)
class ZhangSunClassifier(LabelCorrelationClassifier):
    """(batch, 8, samples) float32 mV, of any length -> (batch, classes) logits, a yes or no per class."""

    config_class = ZhangSunConfig
    config: ZhangSunConfig
    help = "label-correlation with the paper's sizes and training, early stopping too"
    recipe: ClassVar[Recipe] = {
        "fit.steps": 6000,  # 60 epochs of 3,200 records
        "fit.batch_size": 32,
        "fit.learning_rate": 1e-4,
        "fit.final_learning_rate": 1.0,  # constant
        "fit.warmup_steps": 0,
        "fit.weight_decay": 0.0,  # with this and the next line AdamW is Adam
        "fit.second_moment_decay": 0.999,
        "fit.evaluate_every": 100,
        "fit.patience": 10,
        "crop_seconds": 0.0,
        "loss.name": ASYMMETRIC,
    }

    def make_stem(self) -> nn.Module:
        """The first convolutions, two-dimensional."""
        return LeadStem(self.config)

    def make_decoder(self) -> nn.Module:
        """The decoder layers."""
        config = self.config
        return QueryDecoders(config.decoder_layers, config.decoder_width, config.decoder_heads, config.dropout)

    def make_head(self, numbers: int) -> None:
        """Three fully connected layers from the numbers of all labels together to the logits."""
        config = self.config
        classes, hidden = len(config.class_names), config.hidden
        plain = not (config.decoder or config.label_module)  # then all labels have the same numbers
        self.head = nn.Sequential(
            nn.Linear(numbers if plain else numbers * classes, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, classes),
        )

    def features(self, signal: Tensor) -> Tensor:
        """(batch, 8, samples) float32 mV -> (batch, numbers): each label's view of the recording, or the channels.

        Raises ValueError for a signal of another shape.
        """
        features = self.label_features(signal)
        return features.flatten(1) if self.config.decoder or self.config.label_module else features[:, 0]

    def forward(self, signal: Tensor) -> Tensor:
        return self.head(self.dropout(self.features(signal)).float())
