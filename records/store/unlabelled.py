"""Recordings without labels beside those with labels: one table of both, so that one store holds all that is there."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from vqecg.records.datasets.file_tree import find_headers
from vqecg.records.datasets.fit_names import with_fit_names
from vqecg.records.datasets.parsing import record_frame
from vqecg.records.datasets.registry import detect_source, read_table
from vqecg.records.datasets.wfdb_folder import read_folder
from vqecg.records.patients import patient_keys
from vqecg.records.record import RecordTable
from vqecg.records.unknown_labels import EVERYTHING, unknown_of, with_unknown_column

PREFIX = "unlabelled/"  # before the id of a record without labels: both folders may call theirs 00001
WARNING = (
    "WARNING: the patients of {:,} of {:,} recordings without labels are not known: one of them may be a patient who "
    "is tested on, and tokenizer or prior would have seen that patient"
)


def read_unlabelled(root: Path, sampling_rate: int = 100) -> RecordTable:
    """The recordings of a folder in any layout that is understood, or of WFDB records alone, all labels unknown.

    Labels that the folder has are not read: a folder with labels is one to learn them from. Patients and attributes
    are. Raises ValueError for a folder without records, and as the reader of its layout.
    """
    root = Path(root).expanduser().resolve()
    try:
        source = detect_source(root)
    except ValueError:
        if not find_headers(root).files:
            raise
        source = ""  # headers alone
    if source == "folder":  # a csv, which need not have labels
        table = with_fit_names(read_folder(root, unlabelled=True))
    else:
        table = read_table(root, sampling_rate, source) if source else read_headers(root)
    nothing = pd.Series([dict[str, float]() for _ in range(len(table))], table.records.index, dtype=object)
    records = table.records.assign(statements=nothing)
    records = with_unknown_column(records, [(EVERYTHING,)] * len(records))
    # readers name a patient who is not known after the record
    pairs = zip(records["patient_id"], records["record_id"], strict=True)
    strangers = sum(patient in ("", name, name.rpartition("/")[2], f"record {name}") for patient, name in pairs)
    notes = (*table.notes, *([WARNING.format(strangers, len(records))] if strangers else []))
    return replace(table, records=records, notes=notes)


def read_headers(root: Path) -> RecordTable:
    """The WFDB records at or below a folder, by their headers alone; labels, patients, ages and sexes are unknown."""
    paths = [path.with_suffix("") for path in find_headers(root).files]
    rows = [
        {
            "record_id": path.relative_to(root).as_posix(),
            "path": str(path),
            "patient_id": "",
            "fold": 0,
            "statements": {},
            "source": "folder",
        }
        for path in paths
    ]
    return with_fit_names(RecordTable(record_frame(rows), "folder", f"WFDB folder {root.name}, {len(rows):,} records"))


def with_unlabelled(labelled: RecordTable, more: RecordTable) -> RecordTable:
    """One table of records with labels and of `more` records without.

    A record without labels of a patient who has labelled ones gets that patient's fold. The others get one of the folds
    of the labelled records, drawn by patient from a hash of the name alone: whatever folds are trained on later, each
    holds its share, and the store need not know of the split. They are never validated or tested on. A recording that
    is in both is taken once, as the labelled one: `build_store` lists the other as a duplicate. Raises ValueError for
    `more` records with labels.
    """
    if any(more.records["statements"]) or not all(unknown_of(more.records)):
        raise ValueError("some of the records to be added have known labels; expected none: see read_unlabelled")
    patients = dict(zip(labelled.records["patient_id"], labelled.records["fold"], strict=True))
    folds = sorted(set(labelled.records["fold"]) - {0}) or [0]
    keys = patient_keys(more.records["patient_id"], more.records["record_id"])
    known = more.records["patient_id"].map(lambda name: bool(name) and name in patients).to_numpy(bool)
    drawn = [
        patients[name] if there else folds[_number(key) % len(folds)]
        for name, key, there in zip(more.records["patient_id"], keys, known, strict=True)
    ]
    added = more.records.assign(record_id=PREFIX + more.records["record_id"], fold=np.array(drawn, np.int64))
    first = with_unknown_column(labelled.records, unknown_of(labelled.records))
    left_out = [item._replace(record_id=PREFIX + item.record_id) for item in more.left_out]
    note = (
        f"{len(added):,} recordings without labels, never validated or tested on: {int(known.sum()):,} of patients who "
        f"have labelled ones, in their folds; the others in the folds {_listed(folds)}, by a hash of the patient"
    )
    return RecordTable(
        pd.concat([first, added], ignore_index=True),
        labelled.source,
        f"{labelled.description}; and without labels {more.description}",
        labelled.statement_table,
        (*labelled.left_out, *left_out),
        (*labelled.notes, *more.notes, note),
    )


def _number(key: str) -> int:
    """A number that depends on a name alone."""
    return int.from_bytes(hashlib.sha256(f"unlabelled {key}".encode()).digest()[:8], "big")


def _listed(folds: Sequence[int]) -> str:
    return ", ".join(map(str, folds)) if folds != [0] else "0 (the labelled records have none)"
