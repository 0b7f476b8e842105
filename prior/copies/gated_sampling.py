"""Samples of a prior that pass a gate: each is drawn anew while it lies too near to a training record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from vqecg.prior.config import SamplingSettings
from vqecg.prior.copies.gate import CopyGate
from vqecg.prior.copies.waveform_index import NearestNeighbours
from vqecg.prior.requests import Requests
from vqecg.prior.sampling import another_seed
from vqecg.prior.synthetic_records import SyntheticRecords

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


@dataclass(frozen=True, eq=False)
class GatedRecords:
    """Records that passed the gate."""

    records: SyntheticRecords
    nearest: NearestNeighbours  # rows of the gate's store (n,), distances (n,)
    rejected: np.ndarray  # (n,) int64, draws that were rejected before the record passed


def generate_gated(
    generator: ECGGenerator,
    requests: Requests,
    seed: int,
    settings: SamplingSettings,
    gate: CopyGate,
    first: int = 0,
) -> GatedRecords:
    """The records of `ECGGenerator.generate`, each drawn anew from other random streams while the gate rejects it.

    Raises ValueError when a record is rejected as often as the gate's settings allow.
    """
    sampled = generator.generate(requests, seed, settings, first)
    assert sampled.codes is not None and sampled.sketch is not None  # samples of a prior have both
    signal, codes, sketch = sampled.signal.copy(), sampled.codes.copy(), sampled.sketch
    nearest = gate.nearest(signal)
    rows, distances = nearest.rows.copy(), nearest.distances.copy()
    rejected = np.zeros(len(requests), np.int64)
    for row in np.flatnonzero(distances < gate.threshold):
        while distances[row] < gate.threshold:
            rejected[row] += 1
            if rejected[row] == gate.settings.attempts:
                asked = "+".join(generator.task.names(requests.labels[row])) or "(no label)"
                raise ValueError(
                    f"record {first + row} ({asked}) came nearer than {gate.threshold:.3f} to a training record in "
                    f"all of {gate.settings.attempts} draws: the generator copies its training records; train it "
                    "shorter or on more records, or ask for labels with more of them"
                )
            again = generator.generate(
                requests[row : row + 1], another_seed(seed, int(rejected[row])), settings, first + int(row)
            )
            assert again.codes is not None and again.sketch is not None
            signal[row], codes[row] = again.signal[0], again.codes[0]
            sketch = sketch.with_row(int(row), again.sketch)
            near = gate.nearest(again.signal)
            rows[row], distances[row] = near.rows[0], near.distances[0]
    passed = replace(sampled, signal=signal, codes=codes, sketch=sketch)
    return GatedRecords(passed, NearestNeighbours(rows, distances), rejected)
