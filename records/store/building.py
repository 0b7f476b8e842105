"""From a data set to a store: every record read, examined and prepared once, in shards, by one or several processes."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from vqecg.records.datasets.registry import AUTO, read_table
from vqecg.records.files.array_file import ArrayFile
from vqecg.records.files.atomic import atomic_folder, check_destination
from vqecg.records.files.checksums import write_checksums
from vqecg.records.files.reuse import reuse
from vqecg.records.files.shards import SHARD_RECORDS, fill_shards, shard_folder
from vqecg.records.label_tables import normal_statement_table, statement_table
from vqecg.records.leads import INDEPENDENT_LEADS
from vqecg.records.plain_names import spreadsheet_cell
from vqecg.records.record import RecordTable
from vqecg.records.store.opening import CONFIG_FILE, table_file
from vqecg.records.store.population import implausible_voltages, record_sizes
from vqecg.records.store.preparing import PreparedShard, prepared_bytes
from vqecg.records.store.quality import REASONS
from vqecg.records.store.record_store import (
    FORMAT,
    FORMAT_VERSION,
    UNIT,
    UNKNOWN_VERSION,
    RecordStore,
    is_store,
    row_bytes,
)
from vqecg.records.store.signal_spec import STORED_TYPE, SignalSpec
from vqecg.records.store.unlabelled import read_unlabelled, with_unlabelled
from vqecg.records.unknown_labels import unknown_of

RECORD_FILE_ENDINGS = ("", ".hea", ".dat", ".mat")


def prepare_data_set(
    root: str | Path,
    folder: str | Path,
    sampling_rate: int = 100,
    seconds: float = 10.0,
    source: str = AUTO,
    labels_csv: str | Path | None = None,
    workers: int = 1,
    overwrite: bool = False,
    progress: bool = True,
    ignore_checksums: bool = False,
    label_columns: Sequence[str] = (),
    empty_labels: str = "",
    unlabelled: str | Path | None = None,
) -> RecordStore:
    """Reads the data set in `root` and prepares it into a store in `folder`; one that is there already is opened.

    Args:
        root: the folder as its publisher ships it, unpacked.
        folder: of the store.
        sampling_rate, seconds: of every signal in the store, Hz and s.
        source, labels_csv, label_columns, empty_labels: as in `read_table`.
        unlabelled: a folder of recordings without labels that the store holds too (unlabelled.py).
        workers, overwrite, progress, ignore_checksums: as in `build_store`.

    Raises:
        ValueError: whatever `read_table` and `build_store` refuse.
    """
    spec = SignalSpec(sampling_rate, seconds)
    table = read_table(root, sampling_rate, source, labels_csv, label_columns, empty_labels)
    if unlabelled is not None:
        table = with_unlabelled(table, read_unlabelled(Path(unlabelled), sampling_rate))
    return build_store(table, spec, Path(folder), workers, overwrite, progress, ignore_checksums)


def build_store(
    table: RecordTable,
    spec: SignalSpec,
    folder: Path,
    workers: int = 1,
    overwrite: bool = False,
    progress: bool = True,
    ignore_checksums: bool = False,
) -> RecordStore:
    """Reads, examines and prepares every record of `table`, and keeps the good ones in `folder`.

    A record that fails a check of quality.REASONS is left out and written to rejected.csv with the reason; of
    records with the same prepared signal the first in the order of rows is kept. The folder appears when all is
    done; after an interruption there is none, and the same call goes on from the shards that were finished (see
    shards.py). A store that was built from the same rows, files (size and time of change) and spec is opened
    instead.

    Args:
        workers: processes; more than one needs the caller's `if __name__ == "__main__":`.
        overwrite: replace another store in `folder`. A folder that holds anything else is never replaced.
        progress: show a progress bar.
        ignore_checksums: take records whose first values or checksums differ from their headers, as those of damaged
            files do. The description of the store says so.

    Raises:
        ValueError: `folder` holds something else, no record is left, workers is below 1, or another process
            builds the same store.
    """
    folder, inputs = Path(folder), input_fingerprint(table, spec, ignore_checksums)
    if ignore_checksums:
        table = replace(table, description=f"{table.description}; checksums of the headers ignored")
    if is_store(folder) and reuse(folder, inputs, CONFIG_FILE, "inputs", overwrite):
        return RecordStore.open(folder)
    check_destination(folder, is_store, overwrite)

    def content(start: int, stop: int) -> Callable[[], bytes]:
        return partial(prepared_bytes, table.records.iloc[start:stop], spec, ignore_checksums)

    with shard_folder(folder, inputs) as place:
        shards = fill_shards(place, len(table.records), content, workers, "preparing", progress)
        with atomic_folder(folder, is_store, overwrite) as aside:
            joined = _join_shards(shards, aside / "signals.npy", table, spec)
            _check_not_empty(joined.accepted, joined.rejected)
            _write_tables(aside, table, joined)
            _write_config(aside, table, joined, spec, inputs)
    return RecordStore.open(folder)


def input_fingerprint(table: RecordTable, spec: SignalSpec, ignore_checksums: bool = False) -> str:
    """sha256 hex of all that a store is built from: spec, rows, statement table, size and time of change of the files.

    Where the corpus lies does not enter: of a path only the name of the file counts, and the description not at all.
    """
    known = [FORMAT_VERSION, asdict(spec), table.source, *["checksums ignored"] * ignore_checksums]
    digest = hashlib.sha256(json.dumps(known).encode())
    if table.statement_table is not None:
        digest.update(table.statement_table.to_csv().encode())
    for row in table.records.itertuples(index=False):
        digest.update(row_bytes(row))
        path = Path(str(row.path))
        for ending in RECORD_FILE_ENDINGS:
            try:
                status = path.with_name(path.name + ending).stat()
            except OSError:
                continue  # the record has no file of this ending, or is missing altogether
            digest.update(f"{path.name}{ending} {status.st_size} {status.st_mtime_ns}\n".encode())
    for item in table.left_out:
        digest.update(f"{item.record_id} {item.reason}\n".encode())
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class _Joined:
    """The content of signals.npy, and the records that are not in it."""

    accepted: list[int]  # rows of the table
    rejected: pd.DataFrame  # record_id, reason, detail
    sha256: str  # of the signals
    warnings: list[str]  # what the voltages say of the data set as a whole


def _write_tables(folder: Path, table: RecordTable, joined: _Joined) -> None:
    """Write the rejected records, the table of those accepted, and what their statements mean."""
    joined.rejected.to_csv(folder / "rejected.csv", index=False)
    stored = table.records.iloc[joined.accepted].drop(columns="path").reset_index(drop=True)
    table_file(stored).to_parquet(folder / "table.parquet")
    statements = statement_table() if table.statement_table is None else table.statement_table
    normal_statement_table(statements).to_csv(folder / "statements.csv")


def _write_config(folder: Path, table: RecordTable, joined: _Joined, spec: SignalSpec, inputs: str) -> None:
    """Write config.json, and the sums of all files."""
    unknown = unknown_of(table.records.iloc[joined.accepted])
    config = {
        "format": FORMAT,
        "format_version": UNKNOWN_VERSION if any(unknown) else FORMAT_VERSION,
        "spec": asdict(spec),
        "leads": INDEPENDENT_LEADS,
        "unit": UNIT,
        "records": len(joined.accepted),
        "rejected": {reason: int((joined.rejected["reason"] == reason).sum()) for reason in REASONS},
        "source": table.source,
        "description": table.description,
        "notes": list(table.notes),
        "warnings": joined.warnings,
        "signals_sha256": joined.sha256,
        "inputs": inputs,
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    write_checksums(folder)


def _join_shards(shards: Sequence[Path], path: Path, table: RecordTable, spec: SignalSpec) -> _Joined:
    """Write the signals of all shards to `path`, shard by shard; of equal signals the first is kept."""
    names = table.records["record_id"].tolist()
    accepted: list[int] = []
    rejected: list[tuple[int, str, str]] = []
    first_with: dict[bytes, int] = {}
    sizes: list[np.ndarray] = []
    with ArrayFile(path, (len(INDEPENDENT_LEADS), spec.samples), STORED_TYPE) as file:
        for number, shard_path in enumerate(shards):
            shard, start = PreparedShard.read(shard_path), number * SHARD_RECORDS
            new = np.zeros(len(shard.rows), bool)
            for place, row in enumerate((start + shard.rows).tolist()):
                first = first_with.setdefault(hashlib.blake2b(shard.signals[place], digest_size=16).digest(), row)
                new[place] = first == row
                if first == row:
                    accepted.append(row)
                else:
                    rejected.append((row, "duplicate signal", f"duplicate of {names[first]}"))
            rejected += [(start + place, reason, detail) for place, reason, detail in shard.rejected]
            file.append(shard.signals[new])
            sizes.append(record_sizes(shard.signals[new]))
    rows = [(names[row], reason, detail) for row, reason, detail in sorted(rejected)]
    rows += table.left_out
    cells = [tuple(map(spreadsheet_cell, row)) for row in rows]
    left_out = pd.DataFrame(cells, columns=["record_id", "reason", "detail"], dtype=str)
    return _Joined(accepted, left_out, file.sha256, implausible_voltages(np.concatenate(sizes)) if accepted else [])


def _check_not_empty(accepted: list[int], rejected: pd.DataFrame) -> None:
    """Refuse to make a store without records, and say what was wrong with them."""
    if accepted:
        return
    if rejected.empty:
        raise ValueError("the table has no records; expected at least one: check the folder that was read")
    counts = ", ".join(f"{count} {reason}" for reason, count in rejected["reason"].value_counts().items())
    first = rejected.iloc[0]
    raise ValueError(
        f"no record is left of {len(rejected)} ({counts}); the first, {first['record_id']}: {first['detail']}"
    )
