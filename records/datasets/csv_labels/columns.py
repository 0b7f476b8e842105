"""The meaning of each column of a csv: records, patients, attributes, folds, labels, or nothing that is read."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.datasets.csv_labels.names import (
    CANONICAL,
    FOLD,
    IS_FEMALE,
    IS_MALE,
    KNOWN,
    LABELS,
    LAST_RESORT,
    PATIENT,
    RECORD,
    columns_of,
    is_no_diagnosis,
    listing,
    squashed,
    suggestion,
)
from vqecg.records.datasets.csv_labels.one_hot import SPELLINGS, FlagColumn, flag_column
from vqecg.records.datasets.csv_labels.spellings import clean_label, is_no_label, plain_text

COLUMNS_UNDERSTOOD = (
    f"one of {', '.join(CANONICAL[RECORD])} (a record's name or its path below the folder); "
    f"one of {', '.join(CANONICAL[LABELS])} (separated by ; , or |, or lists), or one column of 0 and 1 for every "
    "label; and, where known, patient_id, age (years), sex (female, male), fold (1-10)"
)
_MEANING = {RECORD: "the record", PATIENT: "the patient", FOLD: "the fold", KNOWN: "whether the labels are known"}


@dataclass(frozen=True)
class ColumnRoles:
    """The columns of a csv by what they are; `None` and empty where there is none."""

    record: str
    patient: str | None
    fold: str | None
    labels_known: str | None  # says of which rows the labels are known
    attributes: Mapping[str, str]  # name of an attribute -> its column
    sex_of_one: bool | None  # what 1 means in the column of the sex: True male, False female, None: it holds words
    label_cells: tuple[str, ...]  # columns whose cells name labels
    one_hot: Mapping[str, FlagColumn]  # column of one label -> its cells
    ignored: Mapping[str, str]  # other column -> why it is not read

    def notes(self) -> list[str]:
        """The meaning that was read into each column, for people, a line each."""
        named = ((RECORD, self.record), (PATIENT, self.patient), (FOLD, self.fold), (KNOWN, self.labels_known))
        roles = [f"{column!r} as {_MEANING[role]}" for role, column in named if column]
        one = {True: " (1 is male)", False: " (1 is female)", None: ""}[self.sex_of_one]
        roles += [f"{column!r} as {name}{one if name == 'sex' else ''}" for name, column in self.attributes.items()]
        ignored = [f"ignored: {_reasons(self.ignored)}"] if self.ignored else []
        return [f"read: {', '.join(roles)}", *ignored]


def column_roles(
    table: pd.DataFrame, wanted: Sequence[str], files_of: Callable[[str], int], unlabelled: bool = False
) -> ColumnRoles:
    """Decides what the columns of a csv are, by their names and, for columns of 0 and 1, by their cells.

    Args:
        table: text cells, the line of each row as index.
        wanted: the columns of labels, exactly; empty: they are guessed, or none is read or needed if `unlabelled`.
        files_of: the number of different cells of a column that name a record of the folder.

    Raises:
        ValueError: nothing names records, nothing holds labels (both are said at once), two columns may be the same
            thing, a wanted column is not there, or a column of 0 and 1 has an odd cell (names its line).
    """
    columns = [str(column) for column in table.columns]
    missing = [name for name in wanted if name not in columns]
    if missing:
        near = suggestion(missing[0], columns)
        raise ValueError(f"no column {listing(missing)}, which label_columns names{near}; there are {listing(columns)}")
    taken = [column for column in wanted if any(columns_of(RECORD, [column]))]
    if taken:
        raise ValueError(f"label_columns names {taken[0]!r}, which names the records: leave it out")
    ignored: dict[str, str] = {}
    free = [column for column in columns if column not in wanted]
    record = _record_column(free, ignored, files_of)
    free = [column for column in free if column != record and column not in ignored]
    patient, fold, known = (_one(role, free, ignored) for role in (PATIENT, FOLD, KNOWN))
    attributes, sex_of_one = _attribute_columns(free, ignored)
    free = [column for column in free if column not in (patient, fold, known, *attributes.values(), *ignored)]
    likely = [] if unlabelled else free
    cells, flags = _wanted_labels(table, wanted) if wanted else _guessed_labels(table, likely, ignored)
    lacks = {"column that names records": record is None, "labels": not (cells or flags or unlabelled)}
    if record is None or lacks["labels"]:
        lacking = " and no ".join(what for what, lacking in lacks.items() if lacking)
        reasons = f"; not read: {_reasons(ignored)}" if ignored else ""
        raise ValueError(
            f"no {lacking}: its columns are {listing(columns)}{reasons}; expected {COLUMNS_UNDERSTOOD}; "
            "columns of labels by other names are named with label_columns"
        )
    others = "labels are not read" if unlabelled else "not among label_columns" if wanted else "other columns"
    ignored |= {column: others for column in free if column not in (*cells, *flags, *ignored)}
    return ColumnRoles(record, patient, fold, known, attributes, sex_of_one, cells, flags, ignored)


def _record_column(columns: list[str], ignored: dict[str, str], files_of: Callable[[str], int]) -> str | None:
    """The column that names records: the first by rank whose cells name a file, else any whose cells do, else None."""
    canonical, others = columns_of(RECORD, columns)
    _refuse_twice(canonical)
    if not any(files_of(column) for column in canonical + others):
        others += _naming_files(columns, files_of)
    if len(canonical) + len(others) < 2:
        return next(iter(canonical + others), None)
    matching = {column: files_of(column) for column in canonical + others}
    best = next((column for column in canonical if matching[column]), None)
    likely = [column for column in others if matching[column]]
    if best is None and len(likely) > 1:
        raise ValueError(_both(likely, RECORD))
    best = best or next(iter(likely + canonical + others))
    reasons = {True: f"{best!r} names the records", False: "no cell names a file"}
    ignored |= {column: reasons[bool(matching[column])] for column in matching if column != best}
    return best


def _naming_files(columns: list[str], files_of: Callable[[str], int]) -> list[str]:
    """The columns that name most records by their cells, whatever they are called; an id of patients comes last."""
    last = [column for column in columns if squashed(column) in LAST_RESORT or column.startswith("Unnamed: ")]
    patients = [column for names in columns_of(PATIENT, columns) for column in names]
    for group in (last, [column for column in columns if column not in (*last, *patients)], patients):
        counts = {column: files_of(column) for column in group}
        if any(counts.values()):
            return [column for column, count in counts.items() if count == max(counts.values())]
    return []


def _one(role: str, columns: list[str], ignored: dict[str, str]) -> str | None:
    """The one column of a role, None where there is none. ValueError: two may be it, and none has the usual name."""
    canonical, others = columns_of(role, columns)
    _refuse_twice(canonical)
    if not canonical and len(others) > 1:
        raise ValueError(_both(others, role))
    best = next(iter(canonical + others), None)
    ignored |= {column: f"{best!r} is read as {_MEANING.get(role, role)}" for column in (canonical + others)[1:]}
    return best


def _attribute_columns(columns: list[str], ignored: dict[str, str]) -> tuple[dict[str, str], bool | None]:
    """The columns of the attributes by name, and what 1 means in that of the sex (see ColumnRoles)."""
    chosen: dict[str, str] = {}
    for name in ATTRIBUTES.names():
        known = name in CANONICAL
        column = (
            _one(name, columns, ignored) if known else next((c for c in columns if squashed(c) == squashed(name)), None)
        )
        if column is not None:
            chosen[name] = column
    flags = [(column, is_male) for role, is_male in ((IS_MALE, True), (IS_FEMALE, False))
             for column in columns_of(role, columns)[1]]  # fmt: skip
    if "sex" in chosen and flags and chosen["sex"] not in columns_of("sex", columns)[0]:
        raise ValueError(_both([chosen["sex"], *(column for column, _ in flags)], "sex"))
    if "sex" in chosen or not flags:
        ignored |= {column: f"{chosen['sex']!r} is read as the sex" for column, _ in flags}
        return chosen, None
    if len(flags) > 1:
        raise ValueError(_both([column for column, _ in flags], "sex"))
    (chosen["sex"], is_male) = flags[0]
    return chosen, is_male


def _wanted_labels(table: pd.DataFrame, wanted: Sequence[str]) -> tuple[tuple[str, ...], dict[str, FlagColumn]]:
    """The columns that label_columns names: those of names of labels, and those of 0 and 1. ValueError: an odd cell."""
    repeated = [name for number, name in enumerate(wanted) if name in wanted[:number]]
    if repeated:
        raise ValueError(f"label_columns names {repeated[0]!r} twice, expected once")
    flags = {column: flag_column(table[column].tolist()) for column in wanted if not _is_label_list(column)}
    unclear = [column for column, flag in flags.items() if flag.counts[None] == len(flag.values)]
    if unclear:
        raise ValueError(f"the column {unclear[0]!r}, which label_columns names, has nothing in it: leave it out")
    for column, flag in flags.items():
        if flag.has_probabilities:
            raise ValueError(_odd_cell(table, column, flag))
    flags = {column: flag for column, flag in flags.items() if flag.is_meant}
    _check_flags(table, flags)
    return tuple(column for column in wanted if column not in flags), flags


def _guessed_labels(
    table: pd.DataFrame, free: list[str], ignored: dict[str, str]
) -> tuple[tuple[str, ...], dict[str, FlagColumn]]:
    """The column that names labels, else those of 0 and 1 whose names may be a diagnosis. ValueError: an odd cell."""
    canonical, others = columns_of(LABELS, free)
    _refuse_twice(canonical)
    if not canonical and len(others) > 1:
        raise ValueError(
            f"{listing(others)} may all be the labels: say which with label_columns, several if all of them are"
        )
    listed = next(iter(canonical + others), None)
    if listed is not None:
        _refuse_one_of_many(table, listed, [column for column in free if column not in canonical + others])
        ignored |= {column: f"{listed!r} holds the labels" for column in free if column != listed}
        return (listed,), {}
    flags: dict[str, FlagColumn] = {}
    for column in free:
        flag = flag_column(table[column].tolist())
        if squashed(column) == "split" or (is_no_diagnosis(column) and _has_parts(table[column])):
            ignored[column] = "folds are dealt anew; to keep a split write fold: 1-8 training, 9 validation, 10 test"
        elif flag.counts[None] == len(flag.values):
            ignored[column] = "nothing in it"
        elif is_no_label(column):
            ignored[column] = "its name means no label"
        elif is_no_diagnosis(column):
            ignored[column] = "no diagnosis by its name; if it is one, label_columns reads it"
        elif flag.is_meant:
            flags[column] = flag
        elif flag.has_probabilities:
            ignored[column] = "fractions; make 0 and 1 of them with a threshold of yours"
        else:
            ignored[column] = "other values than 0 and 1"
    _check_flags(table, flags)
    return (), flags


def _refuse_one_of_many(table: pd.DataFrame, listed: str, others: Sequence[str]) -> None:
    """Raises ValueError where the column of labels holds 0 and 1 alone, as columns of one diagnosis each do too."""
    alike = [column for column in others if not is_no_diagnosis(column) and _is_flag(table[column])]
    if alike and _is_flag(table[listed]):
        raise ValueError(
            f"{listed!r} may be the labels by its name, but holds 0 and 1 alone, and so do {listing(alike)}: say which "
            "columns are labels with label_columns"
        )


def _is_flag(cells: pd.Series) -> bool:
    """True for a column whose cells are all present, absent or unknown."""
    flag = flag_column(cells.tolist())
    return flag.is_meant and not flag.odd


def _is_label_list(column: str) -> bool:
    """True for a column that holds names of labels, by its own name."""
    canonical, others = columns_of(LABELS, [column])
    return bool(canonical or others)


def _has_parts(cells: pd.Series) -> bool:
    """True for a column of words such as train, val and test."""
    words = {plain_text(cell).casefold() for cell in cells.unique()} - {""}
    return bool(words) and words <= {"train", "training", "val", "valid", "validation", "dev", "test", "testing"}


def _check_flags(table: pd.DataFrame, flags: Mapping[str, FlagColumn]) -> None:
    """Raises ValueError for a cell of these columns that is neither present nor absent, and for two of one name."""
    for column, flag in flags.items():
        if flag.odd:
            raise ValueError(_odd_cell(table, column, flag))
    first: dict[str, str] = {}
    for column in flags:
        name = clean_label(column)
        if not name:
            raise ValueError(f"the column {column!r} has no name that a label could have: give it one")
        other = first.setdefault(name.casefold(), column)
        again = re.fullmatch(r"(.+)\.\d+", column)  # what pandas makes of the second of two columns of one name
        if again and again[1] in flags:
            other = again[1]
        if other != column:
            raise ValueError(f"{other!r} and {column!r} are one column twice: rename or drop one")


def _odd_cell(table: pd.DataFrame, column: str, flag: FlagColumn) -> str:
    """The message for a column of 0 and 1 with other cells."""
    number, text = flag.odd[0]
    why = "; a probability is no label: make 0 and 1 of it with a threshold" if flag.has_probabilities else ""
    count = f" ({len(flag.odd):,} such cells)" if len(flag.odd) > 1 else ""
    return (
        f"line {table.index[number]}, column {column!r}: {text!r}{count}, expected {SPELLINGS}{why}; if {column!r} is "
        "no label, name those that are with label_columns"
    )


def _reasons(ignored: Mapping[str, str]) -> str:
    """Columns that are not read with the reasons, for people: "'x', 'y' (nothing in it); 'z' (...)"."""
    columns: dict[str, list[str]] = {}
    for column, reason in ignored.items():
        columns.setdefault(reason, []).append(column)
    return "; ".join(f"{listing(names)} ({reason})" for reason, names in columns.items())


def _refuse_twice(canonical: Sequence[str]) -> None:
    """Raises ValueError where two columns have one name, written differently."""
    for number, column in enumerate(canonical):
        if squashed(column) in map(squashed, canonical[:number]):
            raise ValueError(f"one column twice: {listing(canonical)}")


def _both(columns: Sequence[str], role: str) -> str:
    """The message for two columns that may be one thing."""
    usual = CANONICAL[role][0]
    return (
        f"{listing(columns)} may all be {_MEANING.get(role, 'the ' + role)}: rename the right one {usual}, or drop "
        "the others"
    )
