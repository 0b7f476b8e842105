"""A recording <-> segments of codes, with as many levels in each frame as its error asks for.

All frames of equal depth waste bits: between beats two levels are as near as eight are in a QRS complex. So a frame
gets levels until its error falls below a limit that is the same everywhere, which is the least total error for a number
of bits (reverse water-filling: Cover and Thomas 2006, chapter 10).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.downstream.tasks.compression.entropy_coding import CodeTables, DepthCounts, decode_segment, encode_segment
from vqecg.records.bounds import Checked, Count, Positive
from vqecg.tokenizer.modeling import ECGTokenizer

MICROVOLTS = 1000.0  # in a mV
BATCH = 64  # segments at a time


@dataclass(frozen=True)
class CompressionSettings(Checked):
    """Settings of an archive: the error of its recordings, and the search for their codes."""

    error: Positive = 20.0  # microvolt, RMS over the leads: a frame that is nearer, by an estimate, gets no more levels
    most: Positive = 200.0  # microvolt, RMS: a recording that is off by more is left out, and named (not if lossless)
    beams: Count = 4  # partial codes that a search carries on; 1 is four times as fast, and 8 % further off
    seconds: Positive = 10.0  # s of a segment, as the tokenizer was trained on
    lossless: bool = False  # keep what the codes leave, too: whole microvolts of eight leads at the tokenizer's rate


@dataclass(frozen=True, eq=False)
class SegmentCodes:
    """Codes of a segment: the first `depths` levels of each frame count."""

    codes: np.ndarray  # (frames, levels) int64
    depths: np.ndarray  # (frames,) int64


def split(signal: np.ndarray, segment: int) -> list[np.ndarray]:
    """(8, samples) -> parts of `segment` samples, the last one of what is left."""
    return [signal[:, start : start + segment] for start in range(0, signal.shape[1], segment)]


@torch.inference_mode()
def encode_signals(
    tokenizer: ECGTokenizer, signals: Sequence[np.ndarray], settings: CompressionSettings
) -> list[SegmentCodes]:
    """The codes of segments (8, samples) float32 mV of any lengths; those of one length are encoded together.

    Segments know nothing of each other: where two meet, a recording may have a step of some microvolt.
    """
    device = next(tokenizer.parameters()).device
    segments = dict[int, SegmentCodes]()
    lengths = np.array([signal.shape[1] for signal in signals])
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        for part in np.array_split(rows, -(-len(rows) // BATCH)):
            embedding = tokenizer.embed(torch.from_numpy(np.stack([signals[row] for row in part])).to(device))
            codes = tokenizer.quantizer.encode(embedding, beams=settings.beams)
            depths = depths_of(tokenizer, embedding, codes, settings.error)
            for row, of_codes, of_depths in zip(part, codes.cpu().numpy(), depths.cpu().numpy(), strict=True):
                segments[row] = SegmentCodes(of_codes, of_depths)
    return [segments[row] for row in range(len(signals))]


def depths_of(tokenizer: ECGTokenizer, embedding: Tensor, codes: Tensor, error: float) -> Tensor:
    """The number of first levels of each frame that bring it within `error` microvolt: (batch, frames) int64.

    All where none does. By the linear part of the decoder; the convolutions beside it make most frames nearer still.
    """
    vectors, weight = tokenizer.quantizer.code_vectors(), tokenizer.synthesis.weight
    limit = len(weight) * (error / MICROVOLTS / tokenizer.config.scale) ** 2  # of the energy of a frame's samples
    residual, above = embedding, list[Tensor]()
    for level in range(codes.shape[-1]):
        above.append(nn.functional.linear(residual, weight).square().sum(-1) > limit)
        residual = residual - vectors[level][codes[..., level]]
    return torch.stack(above, -1).cumprod(-1).sum(-1)


@torch.inference_mode()
def decode_signals(
    tokenizer: ECGTokenizer, segments: Sequence[SegmentCodes], samples: Sequence[int]
) -> list[np.ndarray]:
    """Segments (8, samples) float32 mV of codes, each cut to its number of samples."""
    device, vectors = next(tokenizer.parameters()).device, tokenizer.quantizer.code_vectors()
    decoded: list[np.ndarray] = [np.zeros(0)] * len(segments)
    frames = np.array([len(one.depths) for one in segments])
    for count in np.unique(frames):
        rows = np.flatnonzero(frames == count)
        for part in np.array_split(rows, -(-len(rows) // BATCH)):
            codes = torch.from_numpy(np.stack([segments[row].codes for row in part])).to(device)
            depths = torch.from_numpy(np.stack([segments[row].depths for row in part])).to(device)
            counted = torch.arange(codes.shape[-1], device=device) < depths[..., None]
            parts = [vectors[level][codes[..., level]] * counted[..., level, None] for level in range(codes.shape[-1])]
            signal = tokenizer.decode_embedding(torch.stack(parts).sum(0)).cpu().numpy()
            for row, one in zip(part, signal, strict=True):
                decoded[row] = one[:, : samples[row]]
    return decoded


class SegmentCoder:
    """Codes of segments <-> bytes, in the order of an archive: each is coded by what came before it."""

    def __init__(self, tokenizer: ECGTokenizer) -> None:
        tables = CodeTables.of(tokenizer)
        self.tokenizer, self.models, self.counts = tokenizer, tables.models(), DepthCounts(len(tables.weights))

    def encode(self, segment: SegmentCodes) -> bytes:
        """The bytes of the next segment."""
        return encode_segment(segment.codes, segment.depths, self.models, self.counts)

    def decode(self, content: bytes, samples: int) -> SegmentCodes:
        """The next segment, of so many samples a lead."""
        frames = self.tokenizer.frames(samples)
        return SegmentCodes(*decode_segment(content, frames, self.models, self.counts))


class RecordCoder:
    """Recordings <-> contents of their segments in an archive, in its order."""

    def __init__(self, tokenizer: ECGTokenizer) -> None:
        self.tokenizer, self.coder = tokenizer, SegmentCoder(tokenizer)

    def encode(self, signals: Sequence[np.ndarray], segments: Sequence[SegmentCodes]) -> list[bytes]:
        """The contents of a recording's segments (8, samples) mV with these codes."""
        return [self.coder.encode(one) for one in segments]

    def decode(self, contents: Sequence[bytes], lengths: Sequence[int]) -> np.ndarray:
        """The recording (8, samples) float32 mV of such contents, of so many samples each.

        Raises ValueError for bytes that cannot be decoded.
        """
        segments = [self.coder.decode(*part) for part in zip(contents, lengths, strict=True)]
        return np.concatenate(decode_signals(self.tokenizer, segments, lengths), axis=1)
