"""A corpus prepared once: every record as (8, samples) int16 microvolt in one memory-mapped file, and its table.

The folder holds config.json, signals.npy, table.parquet, rejected.csv and statements.csv. A corpus larger than memory
can be built and read: both go chunk by chunk.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.files.array_file import ArrayFile
from vqecg.records.files.atomic import atomic_folder, check_destination
from vqecg.records.files.shards import SHARD_RECORDS, fill_shards, shard_folder
from vqecg.records.labels import OWN, LabelTask, normal_statement_table, statement_table
from vqecg.records.leads import INDEPENDENT_LEADS
from vqecg.records.record import RecordTable
from vqecg.records.store.preparing import MICROVOLTS, STORED_TYPE, PreparedShard, prepared_bytes
from vqecg.records.store.preprocessing import SignalSpec
from vqecg.records.store.quality import REASONS

FORMAT = "vqecg record store"
FORMAT_VERSION = 1
RECORD_FILE_ENDINGS = ("", ".hea", ".dat", ".mat")
ALWAYS = ("record_id", "patient_id", "fold", "age", "sex", "statements", "source")  # columns of every fingerprint
END_BYTES = 1 << 20  # of signals.npy, read at either end for the fingerprint


def is_store(folder: Path) -> bool:
    """Whether a folder holds a record store."""
    try:
        return json.loads((folder / "config.json").read_text("utf-8"))["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError):
        return False


@dataclass(frozen=True, eq=False)
class RecordStore:
    """A corpus on disk, opened with `open` or made with `build`; another process is sent its path only."""

    folder: Path
    spec: SignalSpec
    table: pd.DataFrame  # record.table_columns without path, one row per kept record, in the order of the signals
    statement_table: pd.DataFrame  # index: statement; see labels.normal_statement_table
    source: str  # which reader read the corpus
    description: str  # for people, e.g. "PTB-XL 1.0.3, 3,864 of 21,799 records (a subset)"
    config: Mapping[str, Any]  # config.json

    @classmethod
    def build(
        cls,
        table: RecordTable,
        spec: SignalSpec,
        folder: Path,
        workers: int = 1,
        overwrite: bool = False,
        progress: bool = True,
    ) -> "RecordStore":
        """Read, examine and prepare every record of `table`, and keep the good ones in `folder`.

        A record that fails a check of quality.REASONS is left out and written to rejected.csv with the reason; of
        records with the same prepared signal the first in the order of rows is kept. The folder appears when all is
        done; after an interruption there is none, and the same call goes on from the shards that were finished (see
        shards.py). A store that was built from the same rows, files (size and time of change) and spec is opened
        instead.

        Args:
            workers: processes; more than one needs the caller's `if __name__ == "__main__":`.
            overwrite: replace another store in `folder`. A folder that holds anything else is never replaced.
            progress: show a progress bar.

        Raises:
            ValueError: `folder` holds something else, no record is left, workers is below 1, or another process
                builds the same store.
        """
        folder = Path(folder)
        inputs = input_fingerprint(table, spec)
        if is_store(folder) and json.loads((folder / "config.json").read_text("utf-8")).get("inputs") == inputs:
            return cls.open(folder)
        check_destination(folder, is_store, overwrite)

        def content(start: int, stop: int) -> Callable[[], bytes]:
            return partial(prepared_bytes, table.records.iloc[start:stop], spec)

        with shard_folder(folder, inputs) as place:
            shards = fill_shards(place, len(table.records), content, workers, "preparing", progress)
            with atomic_folder(folder, is_store, overwrite) as aside:
                joined = _join_shards(shards, aside / "signals.npy", table.records, spec)
                _check_not_empty(joined.kept, joined.rejected)
                _write_tables(aside, table, joined)
                _write_config(aside, table, joined, spec, inputs)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> "RecordStore":
        """Open a store. Raises ValueError when `folder` holds none, one of another version, or a damaged one."""
        folder = Path(folder)
        if not is_store(folder):
            raise ValueError(
                f"{folder} holds no record store (config.json, signals.npy, ...); build one from a data set"
            )
        config = json.loads((folder / "config.json").read_text("utf-8"))
        if config["format_version"] != FORMAT_VERSION:
            raise ValueError(
                f"{folder} is of store version {config['format_version']}, expected {FORMAT_VERSION}; build it anew"
            )
        table = pd.read_parquet(folder / "table.parquet")
        table["statements"] = table["statements"].map(json.loads)
        for name, attribute in ATTRIBUTES:
            if name not in table.columns:  # registered after the store was built
                table.insert(table.columns.tolist().index("statements"), name, attribute.unknown)
        statements = pd.read_csv(folder / "statements.csv", dtype=str, keep_default_na=False)
        store = cls(
            folder=folder,
            spec=SignalSpec(**config["spec"]),
            table=table,
            statement_table=normal_statement_table(statements),
            source=config["source"],
            description=config["description"],
            config=config,
        )
        expected = (len(table), len(INDEPENDENT_LEADS), store.spec.samples)
        if store._signals.shape != expected or len(table) != config["records"]:
            raise ValueError(f"{folder}: signals of shape {store._signals.shape}, expected {expected}; build it anew")
        return store

    def __len__(self) -> int:
        return len(self.table)

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return RecordStore.open, (self.folder,)  # sent to another process, a memory map would be its whole content

    @cached_property
    def _signals(self) -> np.ndarray:
        """(records, 8, samples) int16 microvolt, memory-mapped read-only."""
        return np.load(self.folder / "signals.npy", mmap_mode="r")

    @cached_property
    def fingerprint(self) -> str:
        """sha256 hex of spec, table, statements and signals: the same wherever, whenever and from whichever copy of
        the files the store was built. Of the signals the digest made at the build and both ends of the file enter."""
        digest = hashlib.sha256()
        known = {key: self.config[key] for key in ("format_version", "spec", "leads", "unit", "records")}
        digest.update(json.dumps([known, self.config["signals_sha256"]], sort_keys=True).encode())
        for row in self.table.itertuples(index=False):
            digest.update(_row_bytes(row))
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
        return pd.read_csv(self.folder / "rejected.csv", dtype=str, keep_default_na=False)

    def signals(self, indices: np.ndarray | slice) -> np.ndarray:
        """The records of `indices` (numbers, a mask or a slice): (n, 8, samples) float32 mV, a copy."""
        return _millivolts(self._signals, indices)

    def task(self, name: str, minimum_likelihood: float = 0.0) -> LabelTask:
        """The label task `name` of this corpus: by its statement table, or OWN with its labels as they are.

        Raises ValueError as LabelTask.named and LabelTask.own do.
        """
        if name == OWN:
            return LabelTask.own(self.table["statements"], minimum_likelihood)
        return LabelTask.named(name, self.statement_table, minimum_likelihood)

    def same_task(self, task: LabelTask) -> LabelTask:
        """The task of another corpus for this one: by this one's statement table, or with the other's own labels."""
        return task if task.name == OWN else self.task(task.name, task.minimum_likelihood)

    def labels(self, task: LabelTask) -> np.ndarray:
        """Multi-hot labels of every record: (records, classes) float32."""
        return task.encode(self.table["statements"].tolist())


def read_signals(folder: Path, indices: np.ndarray) -> np.ndarray:
    """`RecordStore.signals` of the store in `folder`, without its table and with nothing left mapped: for workers."""
    return _millivolts(np.load(folder / "signals.npy", mmap_mode="r"), indices)


def _millivolts(stored: np.ndarray, indices: np.ndarray | slice) -> np.ndarray:
    """Chosen records of (records, 8, samples) int16 microvolt as float32 mV."""
    chosen = indices if isinstance(indices, slice) else np.asarray(indices)
    return np.asarray(stored[chosen]).astype(np.float32) / np.float32(MICROVOLTS)


def _to_json(statements: Mapping[str, float]) -> str:
    """Statements as text; the order is kept, numpy's numbers become plain ones."""
    return json.dumps({str(name): float(likelihood) for name, likelihood in statements.items()})


def _write_tables(folder: Path, table: RecordTable, joined: "_Joined") -> None:
    """Write the rejected records, the table of those kept, and what their statements mean."""
    joined.rejected.to_csv(folder / "rejected.csv", index=False)
    stored = table.records.iloc[joined.kept].drop(columns="path").reset_index(drop=True)
    stored.assign(statements=stored["statements"].map(_to_json)).to_parquet(folder / "table.parquet")
    statements = statement_table() if table.statement_table is None else table.statement_table
    normal_statement_table(statements).to_csv(folder / "statements.csv")


def _write_config(folder: Path, table: RecordTable, joined: "_Joined", spec: SignalSpec, inputs: str) -> None:
    """Write config.json."""
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "spec": asdict(spec),
        "leads": INDEPENDENT_LEADS,
        "unit": "microvolt",
        "records": len(joined.kept),
        "rejected": {reason: int((joined.rejected["reason"] == reason).sum()) for reason in REASONS},
        "source": table.source,
        "description": table.description,
        "signals_sha256": joined.sha256,
        "inputs": inputs,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def _row_bytes(row: Any) -> bytes:
    """One row of a table (from itertuples) as bytes that do not depend on pandas' types.

    Age and sex always enter, other attributes where they are known: one registered later changes no fingerprint.
    """
    values = {name: value for name, value in row._asdict().items() if name != "path" and not _is_missing(name, value)}
    texts = {name: _to_json(value) if name == "statements" else str(value) for name, value in values.items()}
    return json.dumps(texts, sort_keys=True).encode() + b"\n"


def _is_missing(name: str, value: Any) -> bool:
    """True for an unknown value of an attribute other than age and sex."""
    if name in ALWAYS:
        return False
    return (
        ATTRIBUTES.get(name).is_unknown(value) if name in ATTRIBUTES else value in ("unknown", None) or value != value
    )


def input_fingerprint(table: RecordTable, spec: SignalSpec) -> str:
    """sha256 hex of all that a store is built from: spec, rows, statement table, size and time of change of the files.

    Where the corpus lies does not enter: of a path only the name of the file counts, and the description not at all.
    """
    digest = hashlib.sha256(json.dumps([FORMAT_VERSION, asdict(spec), table.source]).encode())
    if table.statement_table is not None:
        digest.update(table.statement_table.to_csv().encode())
    for row in table.records.itertuples(index=False):
        digest.update(_row_bytes(row))
        path = Path(str(row.path))
        for ending in RECORD_FILE_ENDINGS:
            try:
                known = path.with_name(path.name + ending).stat()
            except OSError:
                continue  # the record has no file of this ending, or is missing altogether
            digest.update(f"{path.name}{ending} {known.st_size} {known.st_mtime_ns}\n".encode())
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class _Joined:
    """What went into signals.npy."""

    kept: list[int]  # rows of the table
    rejected: pd.DataFrame  # record_id, reason, detail
    sha256: str  # of the signals


def _join_shards(shards: Sequence[Path], path: Path, records: pd.DataFrame, spec: SignalSpec) -> _Joined:
    """Write the signals of all shards to `path`, shard by shard; of equal signals the first is kept."""
    names = records["record_id"].tolist()
    kept: list[int] = []
    rejected: list[tuple[int, str, str]] = []
    first_with: dict[bytes, int] = {}
    with ArrayFile(path, (len(INDEPENDENT_LEADS), spec.samples), STORED_TYPE) as file:
        for number, shard_path in enumerate(shards):
            shard, start = PreparedShard.read(shard_path), number * SHARD_RECORDS
            new = np.zeros(len(shard.rows), bool)
            for place, row in enumerate((start + shard.rows).tolist()):
                first = first_with.setdefault(hashlib.blake2b(shard.signals[place], digest_size=16).digest(), row)
                new[place] = first == row
                if first == row:
                    kept.append(row)
                else:
                    rejected.append((row, "duplicate signal", f"duplicate of {names[first]}"))
            rejected += [(start + place, reason, detail) for place, reason, detail in shard.rejected]
            file.append(shard.signals[new])
    rows = [(names[row], reason, detail) for row, reason, detail in sorted(rejected)]
    return _Joined(kept, pd.DataFrame(rows, columns=["record_id", "reason", "detail"], dtype=str), file.sha256)


def _check_not_empty(kept: list[int], rejected: pd.DataFrame) -> None:
    """Refuse to make a store without records, and say what was wrong with them."""
    if kept:
        return
    if rejected.empty:
        raise ValueError("the table has no records; expected at least one: check the folder that was read")
    counts = ", ".join(f"{count} {reason}" for reason, count in rejected["reason"].value_counts().items())
    first = rejected.iloc[0]
    raise ValueError(
        f"no record is left of {len(rejected)} ({counts}); the first, {first['record_id']}: {first['detail']}"
    )
