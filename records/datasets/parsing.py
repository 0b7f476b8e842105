"""The fields of a record table from the spellings that publishers use: ages, sexes, ids, and the table itself."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from vqecg.records.folds import assign_folds
from vqecg.records.record import MAX_FOLD, TABLE_COLUMNS

UNKNOWN = ("", "nan", "none", "null", "na", "n/a", "unknown", "unknow", "unknows", "?")
AGE_OVER_89 = 300.0  # PTB-XL writes 300 for everyone over 89 (HIPAA); the Challenge's copies of it do too
OLDEST = 90.0
MAX_AGE = 125.0  # years
FEMALE = ("female", "f", "woman")
MALE = ("male", "m", "man")


def age_years(text: str) -> float:
    """Years as a float: "56.0" -> 56.0, "300" (over 89) -> 90.0, "NaN", "" and negative numbers (unknown) -> nan.

    Raises ValueError for other text and for more than 125 years.
    """
    if text.strip().lower() in UNKNOWN:
        return math.nan
    try:
        age = float(text)
    except ValueError:
        raise ValueError(f"age {text!r}, expected years as a number, or nothing where it is unknown") from None
    if age == AGE_OVER_89:
        return OLDEST
    if age > MAX_AGE:
        raise ValueError(f"age {text!r}, expected at most {MAX_AGE:.0f} years (or 300 for over 89, as in PTB-XL)")
    return age if age >= 0 else math.nan


def sex_name(text: str) -> str:
    """ "female", "male" or "unknown" from "Female", "F", " male", "Unknown" ... Raises ValueError for anything else."""
    word = text.strip().lower()
    if word in FEMALE:
        return "female"
    if word in MALE:
        return "male"
    if word in UNKNOWN:
        return "unknown"
    raise ValueError(f"sex {text!r}, expected female, male, f, m, unknown or nothing")


def id_text(text: str, what: str) -> str:
    """An id as text: "15709.0" (how pandas writes an integer column with gaps) -> "15709"; other ids as they are.

    Raises ValueError for "1.57E+04", the rounded number that a spreadsheet makes of an id: the id itself is lost.
    """
    bare = text.strip()
    try:
        number = float(bare)
    except ValueError:
        return bare  # ids may be words
    if "e" in bare.lower() and not bare.isalnum():
        raise ValueError(
            f"{what} {bare!r} is a rounded number, expected the id itself; the file was probably opened and saved in "
            "a spreadsheet: take the published file again"
        )
    if "." in bare and number.is_integer():
        return str(int(number))
    return bare if not math.isnan(number) else ""


def record_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The `records` of a RecordTable from one mapping a row, with the column order and types that it asks for."""
    frame = pd.DataFrame(list(rows), columns=list(TABLE_COLUMNS))
    for column in ("record_id", "path", "patient_id", "sex", "source"):
        frame[column] = frame[column].astype(str)
    return frame.astype({"fold": "int64", "age": "float64", "statements": object})


def with_folds(records: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Folds for a set that has none: ten by patient (assign_folds), and a note for the table's description.

    A set of fewer than ten patients cannot fill ten folds: its fold stays 0 (unknown), and the note says so.
    """
    patients = records["patient_id"].nunique()
    if patients < MAX_FOLD:
        return records, f"; no folds, as {patients} patients cannot fill {MAX_FOLD}"
    return assign_folds(records, MAX_FOLD), f"; {MAX_FOLD} folds assigned by patient"
