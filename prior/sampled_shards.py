"""Sampling in shards, by one process or several: the same codes whatever their number."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from vqecg.prior.config import SamplingSettings
from vqecg.prior.copies.gate import CopyGate
from vqecg.prior.copies.gated_sampling import generate_gated
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.requests import Requests
from vqecg.prior.sketch.sketch import Sketch
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.files.json_file import reading
from vqecg.tokenizer.encoding import one_thread


@dataclass(frozen=True, eq=False)
class SampledShard:
    """Codes and the findings of the gate; without a gate the other arrays are empty."""

    codes: np.ndarray  # (records, frames, levels) int32
    times: np.ndarray  # (records, beats) float32 frames, of the sketches
    traits: np.ndarray  # (records, traits) float32, of the sketches
    unlike: np.ndarray  # (records, beats) bool, of the sketches: beats of another kind
    nearest: np.ndarray  # (records,) int64, rows of the gate's store
    distances: np.ndarray  # (records,) float64, waveform distance to these
    rejected: np.ndarray  # (records,) int64, draws rejected before

    def to_bytes(self) -> bytes:
        """The arrays one after the other in numpy's file format."""
        content = io.BytesIO()
        for part in fields(self):
            np.save(content, getattr(self, part.name))
        return content.getvalue()

    @property
    def sketch(self) -> Sketch:
        """The sketches that the codes were written for."""
        return Sketch(*map(torch.from_numpy, (self.times, self.traits, self.unlike)))

    @classmethod
    def read(cls, path: Path) -> "SampledShard":
        """The reverse of `to_bytes`, from a file."""
        with reading(path), path.open("rb") as file:
            return cls(*(np.load(file) for _ in fields(cls)))


@dataclass(frozen=True, eq=False)
class SamplingTask:
    """The work of a process that samples; the models and the training records go as paths."""

    generator: Path
    fingerprint: str  # of the generator
    seed: int
    settings: SamplingSettings
    gate: CopyGate | None

    def sample(self, requests: Requests, first: int) -> bytes:
        """The content of a shard: the requests' records, of which the first has the number `first` in the whole set.

        Computes on one thread, so that every process adds in the same order and rounds alike. Raises ValueError
        when the folder has come to hold another generator, or the gate rejects a record too often.
        """
        with one_thread():
            generator = checked_generator(self.generator, self.fingerprint)
            if self.gate is None:
                sampled = generator.generate(requests, self.seed, self.settings, first)
                none = np.zeros(0, np.int64)
                return shard_of(sampled, none, np.zeros(0), none).to_bytes()
            gated = generate_gated(generator, requests, self.seed, self.settings, self.gate, first)
            nearest = gated.nearest
            return shard_of(gated.records, nearest.rows, nearest.distances, gated.rejected).to_bytes()


def shard_of(
    records: SyntheticRecords, nearest: np.ndarray, distances: np.ndarray, rejected: np.ndarray
) -> SampledShard:
    """The shard of some records and of the gate's findings."""
    codes, sketch = records.codes, records.sketch
    assert codes is not None and sketch is not None  # samples of a prior have both
    return SampledShard(
        codes.astype(np.int32),
        sketch.times.numpy(),
        sketch.traits.numpy(),
        sketch.kinds.numpy(),
        nearest,
        distances,
        rejected,
    )


@lru_cache(maxsize=1)
def checked_generator(folder: Path, expected: str) -> ECGGenerator:
    """The generator of that fingerprint, loaded once a process. Raises ValueError when the folder holds another."""
    generator = ECGGenerator.from_pretrained(folder)
    if generator.fingerprint != expected:
        raise ValueError(f"{folder} holds another generator than when sampling began ({expected}): begin again")
    return generator


def decoded(generator: ECGGenerator, paths: list[Path], batch_size: int = 64) -> Iterator[np.ndarray]:
    """The signals of shards, (n, 8, samples) float32 mV, some at a time."""
    for path in paths:
        shard = SampledShard.read(path)
        codes = torch.from_numpy(shard.codes.astype(np.int64))
        sketch = shard.sketch
        for start in range(0, len(codes), batch_size):
            rows = slice(start, start + batch_size)
            with one_thread():
                signal = generator.decode(codes[rows], sketch[rows], batch_size)
            yield signal
