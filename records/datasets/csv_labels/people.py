"""The cells about patients: their ids, ages and sex, and the folds that they lie in."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from vqecg.records.datasets.csv_labels.names import listing
from vqecg.records.datasets.csv_labels.one_hot import presence
from vqecg.records.datasets.csv_labels.spellings import NO_LABEL, plain_text
from vqecg.records.datasets.parsing import id_text
from vqecg.records.folds import MAX_FOLD, FoldSplit, folds_text

_SEX_WORDS = {"w": "female", "weiblich": "female", "frau": "female", "männlich": "male", "maennlich": "male"}
_LARGE_PATIENT = 20  # records of one patient, from which on the id may be a placeholder


def age_text(cell: str) -> str:
    """An age in a form that the attribute understands: over 89, hidden as ">89" or "90+", is the 300 of PTB-XL.

    Words for unknown and -1 become ""; an age that cannot be stays as it is.
    """
    text = plain_text(cell)
    if text.casefold() in NO_LABEL or re.fullmatch(r"-1([.,]0+)?", text):
        return ""
    return "300" if re.fullmatch(r">=?\s*(89|90)|≥\s*90|(89|90)\s*\+|90 (and|or) (over|older|above)", text) else cell


def sex_text(cell: str, male: bool | None = None) -> str:
    """A sex in a form that the attribute understands; a cell that cannot be one stays as it is.

    `male` says what 1 means in a column whose name does (True for is_male, False for is_female); None: words.
    """
    word = plain_text(cell).casefold()
    if male is not None:
        try:
            present = presence(cell)
        except ValueError:
            return cell  # counted as a sex that cannot be
        return "" if present is None else "male" if present is male else "female"
    return "" if word in NO_LABEL else _SEX_WORDS.get(word, cell)


def check_sexes(cells: Sequence[str], column: str, male: bool | None) -> None:
    """Raises ValueError for a column that may mean either sex.

    Numbers do, in most cells of a column of words: PTB-XL writes 0 for male, most other tables for female. So do words
    for a sex in a column of yes and no, where f is false or female.
    """
    words = [plain_text(cell).casefold() for cell in cells]
    if male is not None:
        odd = [word for word in words if word in ("m", "male", "female", "w")]
        if odd:
            raise ValueError(
                f"the column {column!r} holds {odd[0]!r}, expected 1 and 0 or yes and no by its name; call it "
                "sex if it holds female and male"
            )
        return
    given = [word for word in words if word not in NO_LABEL]
    numbers = [word for word in given if re.fullmatch(r"[0-9](\.0+)?", word)]
    if 2 * len(numbers) > len(given):
        raise ValueError(
            f"sex {numbers[0]!r} in the column {column!r} may mean either (0 is male in PTB-XL and female elsewhere), "
            "expected female or male; or name the column is_male or is_female, with 1 for yes"
        )


def patient_text(cell: str) -> str:
    """The id of a patient, "" for the words that stand for no patient and for numbers below 0."""
    text = id_text(plain_text(cell), "patient_id")
    return "" if text.casefold() in NO_LABEL or re.fullmatch(r"-\d+(\.0+)?", text) else text


def fold_number(cell: str) -> int:
    """A fold from 1 to 10. ValueError: the cell is none."""
    text = re.sub(r"\.0+$", "", cell.strip())
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_FOLD):
        also = {
            "0": "; add 1 to folds that count from 0",
            "": "; leave the column out, and folds are dealt by patient",
        }.get(text, "")
        raise ValueError(f"fold {cell.strip()!r}, expected 1 to {MAX_FOLD} in every row, or no such column{also}")
    return int(text)


def patient_notes(patients: Sequence[str], column: str | None) -> list[str]:
    """Warnings about the patients of some records, for people; `patients` has "" for the unknown ones."""
    if column is None or not any(patients):
        lacking = "no patient column" if column is None else f"no patient in the column {column!r}"
        return [
            f"WARNING: {lacking}. Every record counts as a patient of its own; if a patient has several "
            "recordings, the same patient may be in training and test. Name the column patient_id and prepare again"
        ]
    notes = []
    counts = Counter(patient for patient in patients if patient)
    unknown = len(patients) - counts.total()
    if unknown:
        notes.append(
            f"{unknown:,} of {len(patients):,} records have no patient in {column!r}: each is a patient of its own"
        )
    (largest, most), *others = counts.most_common(2) or [("", 0)]
    if most >= _LARGE_PATIENT and most >= 5 * (others[0][1] if others else 1):
        notes.append(
            f"WARNING: {most:,} records are of the patient {largest!r}, far more than of any other: if that stands for "
            "an unknown patient, leave these cells empty"
        )
    alike: dict[str, list[str]] = {}
    for patient in counts:
        alike.setdefault(patient.casefold().lstrip("0"), []).append(patient)
    pairs = [group for group in alike.values() if len(group) > 1]
    if pairs:
        notes.append(
            f"WARNING: {len(pairs):,} patients are written in several ways and count as different ones, the first as "
            f"{listing(pairs[0], 3)}: if they are one, write the id alike everywhere"
        )
    return notes


def check_folds(patients: Sequence[str], folds: Sequence[int], column: str) -> None:
    """Raises ValueError where a known patient's records lie in several of the folds that a csv gives."""
    table = pd.DataFrame({"patient": list(patients), "fold": list(folds)})
    several = table[table["patient"] != ""].groupby("patient", sort=False)["fold"].unique()
    several = several[several.map(len) > 1]
    if len(several):
        first = ", ".join(f"{patient!r} in {folds_text(sorted(places))}" for patient, places in several.head(3).items())
        raise ValueError(
            f"{len(several):,} patients have records in several folds of the column {column!r} (the first: {first}); "
            f"expected every patient in one fold: correct it, or drop {column!r} and folds are dealt by patient"
        )


def fold_notes(folds: Sequence[int], column: str) -> list[str]:
    """The parts that the usual split will lack with the folds of a csv, for people."""
    usual = FoldSplit()
    parts: Mapping[str, tuple[int, ...]] = {
        "training": usual.train, "validation": usual.validation, "test": usual.test,
    }  # fmt: skip
    lacking = [name for name, wanted in parts.items() if not set(wanted) & set(folds)]
    if not lacking:
        return []
    return [
        f"WARNING: the column {column!r} has the folds {folds_text(sorted(set(folds)))}: no record is in "
        f"{' or '.join(lacking)} (training {folds_text(usual.train)}, validation {folds_text(usual.validation)}, test "
        f"{folds_text(usual.test)}, unless --folds says otherwise)"
    ]
