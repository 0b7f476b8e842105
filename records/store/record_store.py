"""A corpus prepared once: every record as (8, samples) int16 microvolt in one memory-mapped file, and its table.

The folder holds config.json, signals.npy, table.parquet, rejected.csv and statements.csv. A corpus larger than memory
can be built and read: both go chunk by chunk.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.files.array_file import open_array
from vqecg.records.files.json_file import reading
from vqecg.records.labels import OWN, LabelTask
from vqecg.records.leads import INDEPENDENT_LEADS
from vqecg.records.patients import patient_keys
from vqecg.records.store.hidden_labels import NOTHING_HIDDEN, HiddenLabels
from vqecg.records.store.opening import (
    CONFIG_FILE,
    read_config,
    read_format,
    read_statements,
    read_table,
    statements_text,
)
from vqecg.records.store.selection import LabelledRecords, RecordSelection
from vqecg.records.store.signal_spec import MICROVOLTS, STORED_TYPE, SignalSpec
from vqecg.records.unknown_labels import COLUMN, unknown_of

FORMAT = "vqecg record store"
FORMAT_VERSION = 1
UNKNOWN_VERSION = 2  # of a store with unknown labels, which a program that takes them for absent must not open
SIGNALS_FILE, REJECTED_FILE = "signals.npy", "rejected.csv"
UNIT = "microvolt"
CONFIG_TYPES = {
    **{"spec": dict, "leads": list, "unit": str, "records": int, "source": str, "description": str},
    **{"signals_sha256": str, "inputs": str},
}
ALWAYS = ("record_id", "patient_id", "fold", "age", "sex", "statements", "source")  # columns of every fingerprint
END_BYTES = 1 << 20  # of signals.npy, read at either end for the fingerprint


def is_store(folder: Path) -> bool:
    """True where a folder holds a record store."""
    return read_format(Path(folder)) == FORMAT


@dataclass(frozen=True, eq=False)
class RecordStore:
    """A corpus on disk, opened with `open` or made with building.py; another process is sent its path only."""

    folder: Path
    spec: SignalSpec
    table: pd.DataFrame  # record.table_columns without path, one row per kept record, in the order of the signals
    statement_table: pd.DataFrame  # index: statement; see labels.normal_statement_table
    source: str  # the reader of the corpus
    description: str  # for people, e.g. "PTB-XL 1.0.3, 3,864 of 21,799 records (a subset)"
    config: Mapping[str, Any]  # config.json
    hidden: HiddenLabels = NOTHING_HIDDEN  # labels of the folder that are unknown in `table` on purpose
    whole: "RecordStore | None" = None  # the store without anything hidden; None: this one

    @classmethod
    def open(cls, folder: str | Path) -> "RecordStore":
        """Open a store, after a look at all of its files but not at the signals themselves.

        Raises ValueError when `folder` holds none, one of another version, or a damaged one; names the file.
        """
        folder = Path(folder)
        versions, hint = (FORMAT_VERSION, UNKNOWN_VERSION), "`vqecg prepare` builds one from a data set"
        config = read_config(folder, FORMAT, versions, CONFIG_TYPES, hint)
        with reading(folder / CONFIG_FILE):
            spec = SignalSpec(**config["spec"])
            if config["unit"] != UNIT or config["leads"] != list(INDEPENDENT_LEADS):
                raise ValueError(f"{config['unit']} of {config['leads']}; expected {UNIT} of {list(INDEPENDENT_LEADS)}")
        store = cls(
            folder=folder,
            spec=spec,
            table=read_table(folder, config["records"]),
            statement_table=read_statements(folder),
            source=config["source"],
            description=config["description"],
            config=config,
        )
        assert store._signals.ndim == 3  # the header is looked at now
        return store

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"RecordStore({self.folder.name!r}, {len(self):,} records of {self.spec}, {self.source})"

    def __reduce__(self) -> tuple[Any, tuple[Path, HiddenLabels]]:
        return _open_hiding, (self.folder, self.hidden)  # a memory map would be sent as its whole content

    def hiding(self, hidden: HiddenLabels) -> "RecordStore":
        """A view of this store in which these labels are unknown, for all who read table, labels or statements.

        Its fingerprint is the store's. Raises ValueError for a view that hides other labels already.
        """
        if self.hidden == hidden:
            return self
        if self.hidden:
            raise ValueError(f"the store hides labels already ({self.hidden.why}), not those of {hidden.why}")
        return replace(self, table=hidden.mask(self.table), hidden=hidden, whole=self)

    @cached_property
    def _signals(self) -> np.ndarray:
        """(records, 8, samples) int16 microvolt, memory-mapped read-only."""
        shape = (self.config["records"], len(INDEPENDENT_LEADS), self.spec.samples)
        return open_array(self.folder / SIGNALS_FILE, shape, STORED_TYPE)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 hex of spec, table, statements and signals: the same wherever, whenever and from whichever copy of
        the files the store was built. Of the signals the digest made at the build and both ends of the file enter."""
        if self.whole is not None:
            return self.whole.fingerprint
        digest = hashlib.sha256()
        known = {key: self.config[key] for key in ("format_version", "spec", "leads", "unit", "records")}
        digest.update(json.dumps([known, self.config["signals_sha256"]], sort_keys=True).encode())
        for row in self.table.itertuples(index=False):
            digest.update(row_bytes(row))
        digest.update((self.folder / "statements.csv").read_bytes())
        path = self.folder / "signals.npy"
        size = path.stat().st_size
        digest.update(str(size).encode())
        with path.open("rb") as file:
            digest.update(file.read(END_BYTES))
            file.seek(max(0, size - END_BYTES))
            digest.update(file.read(END_BYTES))
        return digest.hexdigest()

    @property
    def rejected(self) -> pd.DataFrame:
        """The records left out: record_id, reason (one of REASONS), detail, all text."""
        with reading(self.folder / REJECTED_FILE):
            return pd.read_csv(self.folder / REJECTED_FILE, dtype=str, keep_default_na=False)

    @property
    def warnings(self) -> list[str]:
        """Doubts about the voltages of the whole data set (population.py); none in a store of an earlier version."""
        return [str(text) for text in self.config.get("warnings", [])]

    def signals(self, indices: np.ndarray | slice) -> np.ndarray:
        """The records of `indices` (numbers, a mask or a slice): (n, 8, samples) float32 mV, a copy."""
        return _millivolts(self._signals, indices)

    def patients(self, rows: np.ndarray) -> np.ndarray:
        """The patient of each of some rows, as `patient_keys`: (rows,) object."""
        table = self.table.iloc[rows]
        return patient_keys(table["patient_id"], table["record_id"])

    def dataset(
        self, task: str | LabelTask, folds: Sequence[int] = (), unknown: float | None = None
    ) -> LabelledRecords:
        """The records of some folds (none: of all) with their labels of a task, as a torch DataLoader takes them.

        Raises ValueError for an unknown task, for folds without records, and for unknown labels as `labels` does.
        """
        rows = np.flatnonzero(self.table["fold"].isin(list(folds)) if folds else np.ones(len(self), bool))
        if not len(rows):
            there = ", ".join(map(str, sorted(set(self.table["fold"]))))
            raise ValueError(f"no record is in the folds {list(folds)}; expected some of {there}")
        chosen = self.task(task) if isinstance(task, str) else task
        return LabelledRecords(RecordSelection(self, rows), chosen, self.labels(chosen, rows, unknown))

    def task(self, name: str, minimum_likelihood: float = 0.0) -> LabelTask:
        """The label task `name` of this corpus: by its statement table, or OWN with its labels as they are.

        Raises ValueError as LabelTask.named and LabelTask.own do.
        """
        if name == OWN:
            table = self.table if self.whole is None else self.whole.table  # which labels there are is no secret
            return LabelTask.own(table["statements"], minimum_likelihood)
        return LabelTask.named(name, self.statement_table, minimum_likelihood)

    def same_task(self, task: LabelTask) -> LabelTask:
        """The task of another corpus for this one: by this one's statement table, or with the other's own labels."""
        return task if task.name == OWN else self.task(task.name, task.minimum_likelihood)

    def labels(
        self, task: LabelTask, rows: np.ndarray | slice | None = None, unknown: float | None = None
    ) -> np.ndarray:
        """Multi-hot labels of the records `rows`, or of all: (records, classes) float32; encoded once per task.

        Raises ValueError where a label is unknown, which is not absent, unless `unknown` is math.nan: then NaN stands
        for it.
        """
        if unknown is not None and not math.isnan(unknown):
            raise ValueError(f"unknown is {unknown}; expected math.nan, as nothing else can stand for an unknown label")
        key = json.dumps(task.to_dict(), sort_keys=True)
        if key not in self._labels:
            self._labels[key] = task.encode(self.table["statements"].tolist(), unknown_of(self.table))
        numbers = np.arange(len(self))[slice(None) if rows is None else rows]
        labels = self._labels[key][numbers]
        doubtful = np.isnan(labels).any(axis=1)
        if unknown is None and doubtful.any():
            first = self.table["record_id"].iloc[numbers[doubtful.argmax()]]
            raise ValueError(
                f"{doubtful.sum():,} of {len(labels):,} records have unknown labels of {task.name}, the first is "
                f"{first!r}, and unknown is not absent; expected records with known labels, or a use that knows NaN"
            )
        return labels

    @cached_property
    def _labels(self) -> dict[str, np.ndarray]:
        """Task as JSON -> its labels."""
        return {}


def _open_hiding(folder: Path, hidden: HiddenLabels) -> RecordStore:
    """The store in a folder, with these labels hidden: of a view that was sent to another process."""
    return RecordStore.open(folder).hiding(hidden)


def read_signals(folder: Path, indices: np.ndarray) -> np.ndarray:
    """`RecordStore.signals` of the store in `folder`, without its table and with nothing left mapped: for workers."""
    return _millivolts(np.load(folder / "signals.npy", mmap_mode="r"), indices)


def _millivolts(stored: np.ndarray, indices: np.ndarray | slice) -> np.ndarray:
    """Chosen records of (records, 8, samples) int16 microvolt as float32 mV."""
    chosen = indices if isinstance(indices, slice) else np.asarray(indices)
    return np.asarray(stored[chosen]).astype(np.float32) / np.float32(MICROVOLTS)


def row_bytes(row: Any) -> bytes:
    """One row of a table (from itertuples) as bytes that do not depend on pandas' types.

    Age and sex always enter, other attributes where they are known: one registered later changes no fingerprint. Nor
    does the column of unknown labels, where there are none.
    """
    values = {name: value for name, value in row._asdict().items() if name != "path" and not _is_missing(name, value)}
    texts = {name: statements_text(value) if name == "statements" else str(value) for name, value in values.items()}
    texts |= {COLUMN: json.dumps(sorted(set(values[COLUMN])))} if COLUMN in values else {}
    return json.dumps(texts, sort_keys=True).encode() + b"\n"


def _is_missing(name: str, value: Any) -> bool:
    """True for an unknown value of an attribute other than age and sex, and where no label is unknown."""
    if name in ALWAYS:
        return False
    if name == COLUMN:
        return not value
    return (
        ATTRIBUTES.get(name).is_unknown(value) if name in ATTRIBUTES else value in ("unknown", None) or value != value
    )
