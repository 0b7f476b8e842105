"""CodeSegmenter: P waves, QRS complexes and T waves of all leads, read from a tokenizer's codes.

A few residual blocks over frames, on the sum of the codes' vectors; the classes of every sample of a frame come out of
the frame's channels, for twelve leads together. What it cannot see is what the codes leave out; what it is spared is to
learn the shapes of ECGs from the few that have marks.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.evaluation.waves.segmenter import CLASSES, WaveSegmenter
from vqecg.records.bounds import Checked, DepthOrNone, Hertz, Size
from vqecg.records.leads import INDEPENDENT_LEADS, INDEPENDENT_ROWS, LEADS
from vqecg.records.store.preprocessing import resample
from vqecg.tokenizer.modeling import ECGTokenizer, ResidualBlock
from vqecg.training.checkpoint import Pretrained, read_config
from vqecg.training.hub import find_folder

TOKENIZER_FOLDER = "tokenizer"
BATCH = 32  # recordings at a time


@dataclass(frozen=True)
class CodeHeadConfig(Checked):
    """The shape of a `CodeHead`; the first three follow from its tokenizer."""

    sampling_rate: Hertz = 200  # Hz, of the classes
    frame: Size = 16  # samples of a frame at that rate
    dimension: Size = 64  # of a frame's embedding
    width: Size = 128  # channels of the blocks
    blocks: DepthOrNone = 4  # residual blocks over frames
    kernel_size: Size = 5  # frames

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {self.kernel_size}; expected an odd number, so that frames stay in place")


class CodeHead(nn.Module, Pretrained):
    """(batch, frames, dimension) of quantized frames -> (batch, classes, 12, samples) logits."""

    config_class = CodeHeadConfig

    def __init__(self, config: CodeHeadConfig) -> None:
        super().__init__()
        self.config = config
        self.enter = nn.Conv1d(config.dimension, config.width, 3, padding="same")
        self.blocks = nn.Sequential(
            *[ResidualBlock(config.width, config.kernel_size, 2 ** (number % 3)) for number in range(config.blocks)]
        )
        self.leave = nn.Conv1d(config.width, len(CLASSES) * len(LEADS) * config.frame, 3, padding="same")

    def forward(self, embedding: Tensor) -> Tensor:
        """Logits of every sample of every lead, in the order of LEADS."""
        frames = self.leave(self.blocks(self.enter(embedding.transpose(1, 2))))
        return frames.unflatten(1, (len(CLASSES), len(LEADS), self.config.frame)).transpose(3, 4).flatten(3)


@dataclass(frozen=True, eq=False)
class CodeSegmenter:
    """A tokenizer and a head on its codes, used as a `WaveSegmenter` is."""

    tokenizer: ECGTokenizer
    head: CodeHead

    @property
    def config(self) -> CodeHeadConfig:
        """That of the head: `sampling_rate` is that of the classes."""
        return self.head.config

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Self:
        """Loads both. Raises ValueError as `Pretrained`, and for a head of another tokenizer's shape."""
        place = find_folder(folder)
        head = CodeHead.from_pretrained(place)
        tokenizer = ECGTokenizer.from_pretrained(place / TOKENIZER_FOLDER)
        if fitted(head.config, tokenizer) != head.config:
            raise ValueError(f"{place}: head and tokenizer do not fit each other; train the segmenter again")
        return cls(tokenizer, head)

    def save_pretrained(self, folder: str | Path, card: str = "") -> None:
        """Writes the head into `folder`, and the tokenizer into a folder in it."""
        self.tokenizer.save_pretrained(Path(folder) / TOKENIZER_FOLDER)
        self.head.save_pretrained(folder, card)

    @torch.inference_mode()
    def segment(self, signals: np.ndarray, sampling_rate: float) -> np.ndarray:
        """The class of every sample: (n, 8 or 12 leads, samples) mV -> (n, leads, samples at its rate) uint8.

        Leads are INDEPENDENT_LEADS or LEADS. Raises ValueError for another shape or samples that are not finite.
        """
        signals = np.asarray(signals)
        if signals.ndim != 3 or signals.shape[1] not in (len(INDEPENDENT_LEADS), len(LEADS)) or 0 in signals.shape:
            raise ValueError(f"got signals of shape {signals.shape}; expected (records, 8 or 12 leads, samples) in mV")
        if not np.isfinite(signals).all():
            raise ValueError("signals hold NaN or infinite samples; drop the record or fill the gap before")
        whole = signals.shape[1] == len(LEADS)
        independent = signals[:, INDEPENDENT_ROWS] if whole else signals
        wanted = -(-signals.shape[2] * self.config.sampling_rate // sampling_rate)
        given = resample(independent, sampling_rate, self.tokenizer.config.sampling_rate)
        device = next(self.head.parameters()).device
        classes = []
        for part in torch.from_numpy(np.ascontiguousarray(given)).split(BATCH):
            logits = self.head(quantized(self.tokenizer, part.to(device)))
            classes.append(logits[..., : int(wanted)].argmax(dim=1).to(torch.uint8).cpu())
        every = torch.cat(classes).numpy()
        return every if whole else every[:, INDEPENDENT_ROWS]

    def resampled(self, signals: np.ndarray, sampling_rate: float) -> np.ndarray:
        """Signals (..., samples) at the rate of the classes."""
        return resample(signals, sampling_rate, self.config.sampling_rate)


def fitted(config: CodeHeadConfig, tokenizer: ECGTokenizer) -> CodeHeadConfig:
    """The settings of a head with what follows from its tokenizer: classes at twice the tokenizer's rate."""
    return CodeHeadConfig(
        2 * tokenizer.config.sampling_rate,
        2 * tokenizer.hop_length,
        tokenizer.config.dimension,
        config.width,
        config.blocks,
        config.kernel_size,
    )


@torch.no_grad()
def quantized(tokenizer: ECGTokenizer, signal: Tensor) -> Tensor:
    """(batch, 8, samples) mV -> (batch, frames, dimension), of the codes alone."""
    return tokenizer.quantizer.embed(tokenizer.encode(signal))


def load_segmenter(folder: str | Path) -> WaveSegmenter | CodeSegmenter:
    """The segmenter in a folder, of either kind. Raises ValueError for a folder that holds something else."""
    place = find_folder(folder)
    if read_config(place).get("class") == CodeHead.__name__:
        return CodeSegmenter.from_pretrained(place)
    return WaveSegmenter.from_pretrained(place)
