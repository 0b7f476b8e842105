"""Measures of recordings in files, named after all that they depend on, so that they are measured once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vqecg.downstream.reading.registry import Reader, find_reader
from vqecg.records.files.atomic import atomic_file
from vqecg.records.files.json_file import reading
from vqecg.records.labels import LabelTask
from vqecg.records.store.selection import RecordSelection
from vqecg.training.checkpoint import fingerprint

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


@dataclass(frozen=True)
class Measured:
    """The files of the measures of some sets of recordings of a store; another process is sent their paths only."""

    reader: str  # name of a reader of READERS
    files: Mapping[str, Path]  # by the name of the set
    rows: Mapping[str, np.ndarray]  # likewise: (records,) int64 rows of the store
    identity: Mapping[str, Any]  # all that the measures depend on but the recordings, as plain JSON

    def part(self, name: str) -> np.ndarray:
        """The measures of a set: (records, measures) float32. Raises ValueError for a damaged file."""
        path = self.files[name]
        with reading(path, f"the file is damaged: delete {path}"), path.open("rb") as file, np.load(file) as content:
            measures = np.asarray(content["measures"])
            if measures.ndim != 2 or len(measures) != len(self.rows[name]):
                raise ValueError(f"measures of shape {measures.shape} for {len(self.rows[name])} records")
            return measures

    def of(self, rows: np.ndarray) -> np.ndarray:
        """The measures of rows of the store, whatever their sets: (rows, measures) float32.

        Raises ValueError for a row of which nothing was measured, and for a damaged file.
        """
        places = {row: place for place, row in enumerate(np.concatenate(list(self.rows.values())).tolist())}
        missing = [row for row in rows.tolist() if row not in places]
        if missing:
            raise ValueError(
                f"{self.reader} measured nothing on {len(missing)} of {len(rows)} records (the first is row "
                f"{missing[0]} of the store); expected records of its {', '.join(self.rows)}: fill the arm from these"
            )
        return np.concatenate([self.part(name) for name in self.rows])[[places[row] for row in rows.tolist()]]


def measure_parts(
    name: str, generator: ECGGenerator, parts: Mapping[str, RecordSelection], task: LabelTask, folder: Path
) -> Measured:
    """The measures of the reader `name` on each of `parts`, all of one store: read from `folder`, or measured now.

    Raises ValueError for an unknown reader, and as its `measure`.
    """
    reader = find_reader(name)
    files, identity = {}, identity_of(reader, generator, task)
    for part, records in parts.items():
        known = {**identity, "store": records.store.fingerprint}
        digest = hashlib.blake2b(json.dumps(known, sort_keys=True).encode(), digest_size=8)
        digest.update(records.rows.tobytes())
        path = folder / f"{reader.measured.replace(' ', '-')}-{digest.hexdigest()}.npz"
        if not path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_file(path) as aside, aside.open("wb") as file:
                np.savez(file, measures=checked(reader, reader.measure(generator, records, task), len(records)))
        files[part] = path
    return Measured(name, files, {part: records.rows for part, records in parts.items()}, identity)


def identity_of(reader: Reader, generator: ECGGenerator, task: LabelTask) -> dict[str, Any]:
    """All that a reader's measures of a recording depend on."""
    return {
        "measures": reader.measured,
        "version": reader.version,
        "generator": generator.fingerprint,
        "tokenizer": fingerprint(generator.tokenizer),
        "classes": list(task.class_names),
    }


def checked(reader: Reader, measures: np.ndarray, records: int) -> np.ndarray:
    """The measures; ValueError for another number of rows, or values that are infinite."""
    if measures.ndim != 2 or len(measures) != records or np.isinf(measures).any():
        raise ValueError(
            f"{type(reader).__name__} measured an array of shape {measures.shape} for {records} records"
            f"{', with infinite values' if np.isinf(measures).any() else ''}; expected a row of finite or unknown "
            "numbers for each record"
        )
    return np.asarray(measures, np.float32)
