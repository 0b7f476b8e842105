"""The record table that a reader makes: ids as text, the columns in order, folds for a set that has none, and notes."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pandas as pd

from vqecg.records.attributes import ATTRIBUTES, printable
from vqecg.records.folds import MAX_FOLD, assign_folds
from vqecg.records.patients import patient_keys
from vqecg.records.record import LeftOut, table_columns

UNREADABLE = "unreadable"  # the reason, of quality.REASONS, of a record whose files are damaged or not all there
NAMES_IN_A_NOTE = 3

P = ParamSpec("P")
T = TypeVar("T")


def id_text(text: str, what: str) -> str:
    """An id as text: "15709.0" (how pandas writes an integer column with gaps) -> "15709"; other ids as they are.

    Raises ValueError for "1.57E+04", the rounded number that a spreadsheet makes of an id: the id itself is lost.
    """
    bare = text.strip()
    whole = re.fullmatch(r"([0-9]+)[.,]0+", bare)  # a comma for the point: a spreadsheet in German or French
    if whole:
        return str(int(whole[1]))
    try:
        number = float(bare.replace(",", "."))
    except ValueError:
        return bare  # ids may be words
    if "e" in bare.lower() and not bare.isalnum():
        raise ValueError(
            f"{what} {bare!r} is a rounded number, expected the id itself; the file was probably opened and saved in "
            "a spreadsheet: take the published file again"
        )
    return bare if not math.isnan(number) else ""


def naming(file: Path, read: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """The result of `read`. Raises ValueError that names `file` for a ValueError or OSError of `read`."""
    try:
        return read(*arguments, **options)
    except (ValueError, OSError) as error:
        raise ValueError(str(error) if str(file) in str(error) else f"{file}: {error}") from error


def listed(what: str, items: Sequence[LeftOut]) -> str:
    """A note on records left out, for a description: "; 4 unreadable headers left out (A1, A2, A3, ...)"."""
    return f"; {len(items):,} {what} left out ({first_names(items)})" if items else ""


def first_names(items: Sequence[LeftOut]) -> str:
    """The first few of some records, for a description."""
    names = [printable(item.record_id) for item in items[:NAMES_IN_A_NOTE]]
    return ", ".join(names + ["..."] * (len(items) > NAMES_IN_A_NOTE))


def record_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The `records` of a RecordTable from one mapping per row, with the column order and types that it asks for.

    An attribute that a row does not have is unknown.
    """
    unknown = {name: attribute.unknown for name, attribute in ATTRIBUTES}
    frame = pd.DataFrame([{**unknown, **row} for row in rows], columns=list(table_columns()))
    categories = [name for name, attribute in ATTRIBUTES if not attribute.is_number]
    for column in ("record_id", "path", "patient_id", *categories, "source"):
        frame[column] = frame[column].astype(str)
    numbers = {name: "float64" for name, attribute in ATTRIBUTES if attribute.is_number}
    return frame.astype({"fold": "int64", **numbers, "statements": object})


def with_folds(records: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Folds for a set that has none: ten by patient (assign_folds), and a note for the table's description.

    A set of fewer than ten patients cannot fill ten folds: its fold stays 0 (unknown), and the note says so. Where
    the patients are unknown, or every record is called a patient of its own, the folds are by record.
    """
    patients = len(set(patient_keys(records["patient_id"], records["record_id"])))
    names = zip(records["patient_id"], records["record_id"], strict=True)
    by_record = all(patient in ("", record, record.rpartition("/")[2]) for patient, record in names)
    if patients < MAX_FOLD:
        return records, f"; no folds, as {patients} {'records' if by_record else 'patients'} cannot fill {MAX_FOLD}"
    how = "by record, as no patients are known" if by_record else "by patient"
    return assign_folds(records, MAX_FOLD), f"; {MAX_FOLD} folds assigned {how}"
