"""Read, examine and prepare a few hundred records: one shard of a store."""

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vqecg.records.datasets.registry import read_record
from vqecg.records.datasets.wfdb_reading import NotAsDescribedError
from vqecg.records.leads import INDEPENDENT_LEADS
from vqecg.records.store.quality import examine
from vqecg.records.store.signal_spec import MICROVOLTS, STORED_TYPE, SignalSpec


@dataclass(frozen=True, eq=False)
class PreparedShard:
    """Records in the form of a store, and those that are rejected."""

    signals: np.ndarray  # (accepted, 8, samples) int16 microvolt
    rows: np.ndarray  # (accepted,) int64, their places among the records of the shard
    rejected: list[tuple[int, str, str]]  # place, one of quality.REASONS, detail

    @classmethod
    def read(cls, path: Path) -> "PreparedShard":
        """The shard in a file."""
        with path.open("rb") as file:
            signals, rows, text = np.load(file), np.load(file), np.load(file)
        return cls(signals, rows, [(int(place), why, detail) for place, why, detail in json.loads(text.tobytes())])

    def to_bytes(self) -> bytes:
        """The content of its file: three arrays in numpy's format, the last of them JSON."""
        content = io.BytesIO()
        text = np.frombuffer(json.dumps(self.rejected).encode(), np.uint8)
        for array in (self.signals, self.rows, text):
            np.save(content, array)
        return content.getvalue()


def prepared_bytes(records: pd.DataFrame, spec: SignalSpec, ignore_checksums: bool = False) -> bytes:
    """The shard of the rows of a record table, as bytes."""
    return prepare_records(records, spec, ignore_checksums).to_bytes()


def prepare_records(records: pd.DataFrame, spec: SignalSpec, ignore_checksums: bool = False) -> PreparedShard:
    """Prepare every row of a record table (see record.RecordTable).

    A record that cannot be read is left out with the reason "unreadable", and one whose file and header disagree with
    "not what its header describes"; `ignore_checksums` is that of `read_record`.
    """
    signals = np.empty((len(records), len(INDEPENDENT_LEADS), spec.samples), STORED_TYPE)
    accepted: list[int] = []
    rejected: list[tuple[int, str, str]] = []
    for place, row in enumerate(records.itertuples(index=False)):
        try:
            record = read_record(row, ignore_checksums)
        except NotAsDescribedError as error:
            rejected.append((place, "not what its header describes", str(error)))
            continue
        except Exception as error:  # readers of extensions may raise anything; the record is listed with it
            rejected.append((place, "unreadable", f"{type(error).__name__}: {error}"))
            continue
        examined = examine(record, spec)
        if examined.signal is None:
            rejected.append((place, str(examined.reason), examined.detail))
        else:
            signals[len(accepted)] = np.rint(examined.signal * MICROVOLTS)
            accepted.append(place)
    return PreparedShard(signals[: len(accepted)], np.array(accepted, np.int64), rejected)
