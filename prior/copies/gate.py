"""A gate that no record passes which lies nearer to a training record than two patients' records do."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from vqecg.prior.copies.waveform_index import NearestNeighbours, NeighbourIndex, WaveformIndex, joined
from vqecg.records.bounds import Checked, Count, Percentile, Seed
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection


@dataclass(frozen=True)
class GateSettings(Checked):
    """Settings of the distance that a record must keep from training records."""

    percentile: Percentile = 1.0  # of the distance of a real record to its nearest of another patient; nearer is a copy
    sample: Count = 1000  # real training records, at most, from which the percentile is taken
    attempts: Count = 100  # draws for a record before it is given up
    seed: Seed = 0  # of the sample

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.percentile < 100:
            raise ValueError(f"percentile is {self.percentile}; expected more than 0 and less than 100")


@dataclass(frozen=True, eq=False)
class CopyGate:
    """Training records and the waveform distance (waveform_index.py) below which a record is a copy of one."""

    store: RecordStore
    rows: np.ndarray  # (records,) int64, training rows of the store
    threshold: float  # waveform distance, 0 to 1
    settings: GateSettings = field(default_factory=GateSettings)
    doubt: str = ""  # why the rows may not be all records that the models were trained on; "" = they are

    @classmethod
    def fit(
        cls, store: RecordStore, rows: np.ndarray, settings: GateSettings | None = None, doubt: str = ""
    ) -> "CopyGate":
        """The gate whose threshold is the percentile of the distance of real records to their nearest.

        That nearest is among all the others of `rows`, of another patient. Raises ValueError for rows of one patient.
        """
        settings = settings or GateSettings()
        gate = cls(store, np.asarray(rows, np.int64), 0.0, settings, doubt)
        training = RecordSelection(store, gate.rows)
        if len(set(training.patients)) < 2:
            raise ValueError(f"{len(rows)} training records of one patient; expected those of at least two")
        distances = nearest_of(gate.index, training.sample(settings.sample, settings.seed)).distances[:, 0]
        return replace(gate, threshold=float(np.percentile(distances, settings.percentile)))

    @property
    def index(self) -> WaveformIndex:
        """The training records."""
        return training_index(self.store.folder, self.rows.tobytes())

    def nearest(self, signals: np.ndarray) -> NearestNeighbours:
        """The nearest training record of each of (n, 8, samples) mV: rows of the store (n,), distances (n,)."""
        nearest = self.index.nearest(signals)
        return NearestNeighbours(self.rows[nearest.rows[:, 0]], nearest.distances[:, 0])

    def distance(self, signals: np.ndarray) -> np.ndarray:
        """Distance of each of (n, 8, samples) mV to its nearest training record: (n,)."""
        return self.nearest(signals).distances

    def check_fits(self, sampling_rate: int, samples: int) -> None:
        """Raises ValueError when the training records have another rate (Hz) or length than the records to check."""
        spec = self.store.spec
        if (spec.sampling_rate, spec.samples) != (sampling_rate, samples):
            raise ValueError(
                f"{self.store.folder} holds records of {spec.samples} samples at {spec.sampling_rate} Hz, those to "
                f"compare have {samples} at {sampling_rate} Hz: give the store that the generator was trained on"
            )


def gate_sentence(gate: CopyGate, rejected: int, passed: int) -> str:
    """The decisions of a gate in a sentence, or in two where it may not have seen all training records."""
    number = f"{len(gate.rows):,}"
    compared = f"{number} records of {gate.store.description}" if gate.doubt else f"{number} training records"
    doubt = f"NOT CHECKED AGAINST THE TRAINING RECORDS of the generator: {gate.doubt}. " if gate.doubt else ""
    return (
        f"{doubt}A gate compared every record with {compared}: {rejected:,} of {rejected + passed:,} "
        f"drawn were rejected, nearer than {gate.threshold:.3f}, the percentile {gate.settings.percentile:g} of the "
        "distance of a real record to the nearest one of another patient."
    )


def gate_columns(
    gate: CopyGate, nearest: np.ndarray, distances: np.ndarray, rejected: np.ndarray
) -> dict[str, np.ndarray | float]:
    """The columns of a manifest on the gate."""
    return {
        "nearest_training_record": gate.store.table["record_id"].to_numpy()[nearest],
        "nearest_distance": distances,
        "gate_threshold": gate.threshold,
        "gate_rejected": rejected,
    }


@lru_cache(maxsize=1)
def training_index(store: Path, rows: bytes) -> WaveformIndex:
    """Rows (int64, as bytes) of the store in a folder, read once a process."""
    training = RecordSelection(RecordStore.open(store), np.frombuffer(rows, np.int64))
    return WaveformIndex(training.chunks(), training.store.spec.sampling_rate, training.patients)


def nearest_of(index: NeighbourIndex, queries: RecordSelection, count: int = 1) -> NearestNeighbours:
    """The nearest reference records, of other patients, of rows of a store."""
    patients, start = queries.patients, 0
    parts: list[NearestNeighbours] = []
    for signals in queries.chunks():
        parts.append(index.nearest(signals, patients[start : start + len(signals)], count))
        start += len(signals)
    return joined(parts, count)
