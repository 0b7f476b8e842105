"""Sources of a classifier's signals: an array in memory, records of a store, or several of them in a row.

Anything with a length that gives (n, leads, samples) float32 mV for n int64 indices will do, such as a
`RecordSelection`, so a corpus larger than memory trains.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Signals(Protocol):
    """Indexed ECGs. A float32 array (records, leads, samples) in mV is one."""

    def __len__(self) -> int: ...

    def __getitem__(self, indices: np.ndarray, /) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class SelectedSignals:
    """The records of another source at `indices`, which may repeat: copies cost no memory."""

    source: Signals
    indices: np.ndarray  # (records,) int64

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        return self.source[self.indices[indices]]


@dataclass(frozen=True, eq=False)
class JoinedSignals:
    """Several sources one after the other."""

    parts: tuple[Signals, ...]

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        ends = np.cumsum([len(part) for part in self.parts])
        part_of = np.searchsorted(ends, indices, side="right")
        pieces, places = [], []
        for number, part in enumerate(self.parts):
            here = np.flatnonzero(part_of == number)
            if len(here):
                pieces.append(part[indices[here] - (ends[number] - len(part))])
                places.append(here)
        if not pieces:
            return self.parts[0][np.asarray(indices, np.int64)]
        return np.concatenate(pieces)[np.argsort(np.concatenate(places), kind="stable")]


def in_batches(signals: Signals, batch_size: int = 256) -> Iterator[np.ndarray]:
    """All of `signals` in order, as arrays (up to `batch_size`, leads, samples) float32 mV."""
    for start in range(0, len(signals), batch_size):
        indices = np.arange(start, min(start + batch_size, len(signals)), dtype=np.int64)
        yield np.asarray(signals[indices], dtype=np.float32)


def excerpts(signal: np.ndarray, length: int, generator: np.random.Generator) -> np.ndarray:
    """A stretch of `length` samples of each of (records, leads, samples), anywhere; of shorter ones all."""
    if not 0 < length < signal.shape[2]:
        return signal
    starts = generator.integers(0, signal.shape[2] - length + 1, size=len(signal))
    columns = starts[:, None, None] + np.arange(length)
    return np.take_along_axis(signal, columns, axis=2)


def record_digests(signals: Signals) -> list[bytes]:
    """16 bytes for each record, equal for signals equal to the microvolt: to find copies, and to know data again.

    Raises ValueError for a signal with NaN or infinite samples.
    """
    digests: list[bytes] = []
    for batch in in_batches(signals):
        finite = np.isfinite(batch).all(axis=(1, 2))
        if not finite.all():
            row = len(digests) + int(np.argmin(finite))
            raise ValueError(f"the signal in row {row} has NaN or infinite samples; expected mV: leave the record out")
        # the store keeps whole microvolts, so a record that went through one is still known
        microvolt = np.rint(batch * 1000.0).astype(np.int32)
        digests += [hashlib.blake2b(signal.tobytes(), digest_size=16).digest() for signal in microvolt]
    return digests


def data_digest(record_digests: Sequence[bytes], labels: np.ndarray) -> str:
    """16 hex digits that name a set of records and their labels, in order."""
    digest = hashlib.blake2b(b"".join(record_digests), digest_size=8)
    digest.update(np.ascontiguousarray(labels, dtype=np.float32).tobytes())
    return digest.hexdigest()
