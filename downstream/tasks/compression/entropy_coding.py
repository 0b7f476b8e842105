"""Codes of one segment <-> bytes: how many levels each frame has, then the codes, in as few bits as tables allow.

A range coder (Martin 1979; constriction, Bamler 2022) spends -log2(p) bits on what has probability p. For codes, p is
how often the tokenizer used each in its training. A frame has about as many levels as the one before: how often one
number followed another is counted as the archive is written, and as it is read. All probabilities are ratios of
integers, so that every machine has the same.
"""

from dataclasses import dataclass, field
from typing import Any, Self

import constriction
import numpy as np

from vqecg.tokenizer.modeling import ECGTokenizer

RESOLUTION = 1000  # integers to a use of 1
LEARNED = 8  # weight of a number of levels that occurred once, beside those that stand at the start
START = 32  # weight at the start of as many levels as the frame before has; halved for each level more or less


@dataclass(frozen=True, eq=False)
class CodeTables:
    """The use of each code in training: integers, from which every machine makes the same probabilities."""

    weights: np.ndarray  # (levels, codebook_size) int64, 1 or more

    @classmethod
    def of(cls, tokenizer: ECGTokenizer) -> Self:
        """The tables of a tokenizer."""
        use = tokenizer.quantizer.code_use().double().cpu().numpy()
        return cls(np.maximum(1, np.rint(use * RESOLUTION)).astype(np.int64))

    def models(self) -> list[Any]:
        """A model of the range coder for each level."""
        return [model_of(weights) for weights in self.weights]


@dataclass(eq=False)
class DepthCounts:
    """Counts of which number of levels followed which in the archive so far."""

    levels: int
    weights: np.ndarray = field(init=False)  # (levels + 1, levels + 1) int64, of the frame before by that of the frame

    def __post_init__(self) -> None:
        numbers = np.arange(self.levels + 1)
        self.weights = np.maximum(1, START >> np.abs(numbers[:, None] - numbers)).astype(np.int64)

    def model(self, before: int) -> Any:
        """The range coder's model of a frame's number of levels."""
        return model_of(self.weights[before])

    def learn(self, before: int, depth: int) -> None:
        """Counts that a frame of `depth` levels followed one of `before`."""
        self.weights[before, depth] += LEARNED


def model_of(weights: np.ndarray) -> Any:
    """A categorical model of the range coder with probabilities in proportion to integers."""
    # the ratio of two integers is the same double everywhere
    return constriction.stream.model.Categorical(weights / int(weights.sum()), perfect=False)


def encode_segment(codes: np.ndarray, depths: np.ndarray, models: list[Any], counts: DepthCounts) -> bytes:
    """Bytes of a segment: codes (frames, levels) and how many first levels of each frame count, depths (frames,)."""
    encoder, before = constriction.stream.queue.RangeEncoder(), counts.levels
    for depth in depths.tolist():
        encoder.encode(depth, counts.model(before))
        counts.learn(before, depth)
        before = depth
    for level, model in enumerate(models):
        chosen = codes[depths > level, level].astype(np.int32)
        if len(chosen):
            encoder.encode(chosen, model)
    return bytes(encoder.get_compressed().astype("<u4").tobytes())


def decode_segment(data: bytes, frames: int, models: list[Any], counts: DepthCounts) -> tuple[np.ndarray, np.ndarray]:
    """The codes (frames, levels) int64 and depths (frames,) int64 of a segment; 0 where a level does not count.

    Raises ValueError for bytes that are not of so many frames and these tables.
    """
    if not data:  # an encoder always writes something
        raise ValueError("no codes")
    try:
        codes, depths, rest = _decoded(data, frames, models, counts)
    except (AssertionError, ValueError) as error:  # constriction has both for data that it cannot have written
        raise ValueError(f"codes that cannot be decoded ({error})") from error
    if rest:
        raise ValueError("more codes than there are frames")
    return codes, depths


def _decoded(data: bytes, frames: int, models: list[Any], counts: DepthCounts) -> tuple[np.ndarray, np.ndarray, bool]:
    """Codes and depths, and True where data is left."""
    decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(data, "<u4").astype(np.uint32))
    depths, before = np.zeros(frames, np.int64), counts.levels
    for frame in range(frames):
        depths[frame] = decoder.decode(counts.model(before))
        counts.learn(before, int(depths[frame]))
        before = int(depths[frame])
    codes = np.zeros((frames, counts.levels), np.int64)
    for level, model in enumerate(models):
        counted = depths > level
        if counted.any():
            codes[counted, level] = decoder.decode(model, int(counted.sum()))
    return codes, depths, not decoder.maybe_exhausted()
