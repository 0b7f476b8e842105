"""A residual network for 12-lead ECG classification, small enough for a processor.

After He et al. 2016 in one dimension, as Ribeiro et al. 2020 and Strodthoff et al. 2021 use it for ECGs. The basic
block and the four stages of ResNet-18 are kept; kernels are longer (7), stages narrower, one block a stage by default
(`blocks=(2, 2, 2, 2)` is the 18 layers). Voltage is diagnosis: the input is divided by one constant, never per record.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vqecg.records.leads import INDEPENDENT_LEADS
from vqecg.training.checkpoint import Pretrained


@dataclass(frozen=True)
class ResNetConfig:
    """The shape of a `ResNetClassifier`, what its input is and what its outputs mean."""

    class_names: tuple[str, ...]  # one output each, in this order
    leads: tuple[str, ...] = INDEPENDENT_LEADS  # in the order of the signal's rows
    sampling_rate: int = 100  # Hz
    scale: float = 0.24  # mV that count as 1 inside the model, one for all leads and records
    stem_width: int = 16  # channels after the first convolution
    stem_kernel: int = 15  # samples
    widths: tuple[int, ...] = (16, 32, 64, 96)  # channels of the stages; every stage but the first halves the rate
    blocks: tuple[int, ...] = (1, 1, 1, 1)  # residual blocks a stage
    kernel_size: int = 7  # samples, at the rate of the stage
    dropout: float = 0.2  # of the pooled features, in training

    def __post_init__(self) -> None:
        if not self.class_names or len(set(self.class_names)) != len(self.class_names):
            raise ValueError(f"class_names are {self.class_names}; expected at least one name and none twice")
        if len(self.widths) != len(self.blocks) or not self.widths or min(self.blocks) < 1:
            raise ValueError(f"widths are {self.widths} and blocks {self.blocks}; expected one of each a stage")
        if self.kernel_size % 2 == 0 or self.stem_kernel % 2 == 0:
            raise ValueError(
                f"kernel_size is {self.kernel_size} and stem_kernel {self.stem_kernel}; expected odd numbers, "
                "so that samples stay in place"
            )


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


class ResNetClassifier(nn.Module, Pretrained):
    """(batch, leads, samples) float32 mV, of any length -> (batch, classes) logits, one yes or no a class."""

    config_class = ResNetConfig

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
        leads = self.config.leads
        if signal.ndim != 3 or signal.shape[1] != len(leads) or signal.shape[2] == 0:
            raise ValueError(
                f"got a signal of shape {tuple(signal.shape)}; expected (batch, {len(leads)}, samples) in mV "
                f"with the leads {', '.join(leads)}"
            )
        return self.stages(self.stem(signal / self.config.scale)).mean(dim=-1)

    def forward(self, signal: Tensor) -> Tensor:
        return self.head(self.dropout(self.features(signal)))
