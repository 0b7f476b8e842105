"""Recordings in an archive without loss: codes, and what they leave in whole microvolt.

The codes are decoded in float64, whose differences between machines (1e-12 microvolt) leave whole microvolt the same; a
checksum of the samples finds the case in which they do not. Nothing is assumed of how near the codes are.
"""

import copy
import struct
import zlib
from collections.abc import Sequence

import numpy as np

from vqecg.downstream.tasks.compression.compression import MICROVOLTS, RecordCoder, SegmentCodes, decode_signals
from vqecg.downstream.tasks.compression.remainder import decode_remainder, encode_remainder
from vqecg.tokenizer.modeling import ECGTokenizer

ROUNDED = 0.01  # microvolt that a float32 may be off from a whole one
START = struct.Struct("<II")  # bytes of the codes, checksum of the samples


def whole_microvolts(signal: np.ndarray) -> np.ndarray:
    """(8, samples) mV -> int64 microvolt. Raises ValueError where samples are no whole microvolts."""
    microvolts = np.rint(signal.astype(np.float64) * MICROVOLTS)
    off = float(np.abs(signal.astype(np.float64) * MICROVOLTS - microvolts).max(initial=0.0))
    if off > ROUNDED:
        raise ValueError(
            f"its samples are up to {off:.2g} microvolt off whole microvolts, in which an archive without loss has them"
        )
    return microvolts.astype(np.int64)


class LosslessCoder(RecordCoder):
    """Recordings <-> contents of their segments in an archive without loss, in its order."""

    def __init__(self, tokenizer: ECGTokenizer) -> None:
        super().__init__(tokenizer)
        self.exact = copy.deepcopy(tokenizer).double().eval()

    def encode(self, signals: Sequence[np.ndarray], segments: Sequence[SegmentCodes]) -> list[bytes]:
        """The contents of a recording's segments (8, samples) mV with these codes.

        Raises ValueError for samples that are no whole microvolts, or more than a WFDB record can hold.
        """
        microvolts = [whole_microvolts(signal) for signal in signals]
        decoded = self.decoded(segments, [part.shape[1] for part in microvolts])
        remainders = [encode_remainder(part - of_codes) for part, of_codes in zip(microvolts, decoded, strict=True)]
        contents, marks = super().encode(signals, segments), map(checksum, microvolts)
        return [joined(*one) for one in zip(contents, marks, remainders, strict=True)]

    def decode(self, contents: Sequence[bytes], lengths: Sequence[int]) -> np.ndarray:
        """The recording (8, samples) float32 mV of such contents, of so many samples each.

        Raises ValueError for bytes that cannot be decoded, and for samples that are not those that were archived.
        """
        parts = [parted(content) for content in contents]
        segments = [self.coder.decode(codes, count) for (codes, _, _), count in zip(parts, lengths, strict=True)]
        restored = [
            restored_samples(decoded, mark, remainder)
            for decoded, (_, mark, remainder) in zip(self.decoded(segments, lengths), parts, strict=True)
        ]
        return (np.concatenate(restored, axis=1) / MICROVOLTS).astype(np.float32)

    def decoded(self, segments: Sequence[SegmentCodes], samples: Sequence[int]) -> list[np.ndarray]:
        """Segments (8, samples) int64 microvolt of codes, each cut to its number of samples."""
        signals = decode_signals(self.exact, segments, samples)
        return [np.rint(signal * MICROVOLTS).astype(np.int64) for signal in signals]


def joined(codes: bytes, mark: int, remainder: bytes) -> bytes:
    """The content of a segment without loss."""
    return START.pack(len(codes), mark) + codes + remainder


def parted(content: bytes) -> tuple[bytes, int, bytes]:
    """The codes, checksum and remainder of a content. Raises ValueError for one that is too short to have them."""
    if len(content) < START.size:
        raise ValueError(f"{len(content)} bytes, expected {START.size} or more")
    size, mark = START.unpack_from(content)
    return content[START.size : START.size + size], mark, content[START.size + size :]


def restored_samples(decoded: np.ndarray, mark: int, remainder: bytes) -> np.ndarray:
    """The samples (8, samples) int64 microvolt of a segment, from its decoded codes and what they left.

    Raises ValueError for bytes that cannot be decoded, and for samples that are not those that were archived.
    """
    microvolts = decoded + decode_remainder(remainder, *decoded.shape)
    if checksum(microvolts) != mark:
        raise ValueError(
            "other samples than were archived: this machine decodes the codes to other whole microvolts; decompress "
            "where it was compressed"
        )
    return microvolts


def checksum(microvolts: np.ndarray) -> int:
    """CRC-32 of samples."""
    return zlib.crc32(microvolts.astype("<i4").tobytes())
