"""Any folder of WFDB records with a csv of labels."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from vqecg.records.attributes import ATTRIBUTES, AttributeTally
from vqecg.records.datasets.csv_labels.columns import COLUMNS_UNDERSTOOD, ColumnRoles, column_roles
from vqecg.records.datasets.csv_labels.labelling import labels_of_rows, read_cells
from vqecg.records.datasets.csv_labels.names import RECORD, columns_of, listing
from vqecg.records.datasets.csv_labels.people import (
    age_text,
    check_folds,
    check_sexes,
    fold_notes,
    fold_number,
    patient_notes,
    patient_text,
    sex_text,
)
from vqecg.records.datasets.csv_table import csv_columns, read_csv_table
from vqecg.records.datasets.file_tree import RecordIndex, files_in, find_headers, is_of_another_machine
from vqecg.records.datasets.parsing import id_text, record_frame, with_folds
from vqecg.records.datasets.reader import READERS, DatasetReader, ReadingOptions
from vqecg.records.record import RecordTable
from vqecg.records.unknown_labels import with_unknown_column


@READERS.register("folder", rank=1000)  # the last one: any set of WFDB files may have a csv that names records
class WFDBFolderReader(DatasetReader):
    """Any folder of WFDB records with a csv of labels."""

    layout = f"any WFDB records and a csv with {COLUMNS_UNDERSTOOD}"
    takes_labels_csv = True

    def detect(self, root: Path) -> bool:
        """True where a header is at or below `root`, and a csv that names records, or one csv alone, is in it."""
        return bool(find_headers(root).files) and find_labels_csv(root) is not None

    def read_table(self, root: Path, options: ReadingOptions) -> RecordTable:
        """See `read_folder`."""
        return read_folder(root, options.labels_csv, options.label_columns, options.empty_labels)


def find_labels_csv(root: Path) -> Path | None:
    """The one csv in `root` whose columns name records, else its only csv, None where none or several may be it.

    Raises ValueError where several name records.
    """
    every = files_in(root, ".csv")
    files = [file for file in every if any(columns_of(RECORD, csv_columns(file)))]
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise ValueError(f"{root} holds several csv files that name records ({names}): say which with labels_csv")
    files = files or (every if len(every) == 1 else [])  # whose cells may name records, and whose reading says why not
    return files[0] if files else None


def read_folder(
    root: Path,
    labels_csv: Path | None = None,
    label_columns: Sequence[str] = (),
    empty_labels: str = "",
    unlabelled: bool = False,
) -> RecordTable:
    """Records of a folder of WFDB files with the labels of a csv, at their own sampling rate.

    Args:
        root: the folder; the records may lie in subfolders.
        labels_csv: the csv; None: the only csv in `root` that names records. One row per record; names of columns in
            any case, with blanks, dashes or underscores, and their usual synonyms (csv_labels/names.py). The record is
            a path below `root` or a bare name that is unique below it, with or without extension. Labels: a column of
            names separated by `;`, `,` or `|`, of lists, or of dicts (csv_labels/cells.py); without such a column,
            every column of 0 and 1, true and false, yes and no that may be a diagnosis by its name is a label.
            Optional: the patient (else every record is a patient of its own), the attributes by name (age in years;
            sex in words, or is_male, is_female), fold (1-10; without it parsing.with_folds deals by patient). Other
            columns are ignored.
        label_columns: the columns that hold labels, exactly; none: they are guessed as above.
        empty_labels: the meaning of an empty cell of labels: "none" (no label) or "unknown". A column `labels_known` of
            0 and 1 says it row by row: empty cells of a row with 1 are none, and of one with 0 nothing more is known.
        unlabelled: labels are neither needed nor read: all are unknown.

    Returns:
        record_id is the path below `root` without extension; the likelihood of a statement is 0 (unknown) unless a
        dict gives it in percent. Labels that differ by case only are one. Rows without files are left out. An age or
        sex that cannot be is unknown, and counted in the description. The notes say what was read as what, what was
        ignored, and what is doubtful.

    Raises:
        ValueError: no csv, no column that names records, no labels, empty cells of labels whose meaning is not said, a
            label or fold that does not parse (names line and column), a column of which most cells cannot be the
            attribute, one record in two rows, a patient in several folds, or no row with files.
    """
    file = labels_csv if labels_csv is not None else find_labels_csv(root)
    if file is None:
        names = ", ".join(path.name for path in files_in(root, ".csv")) or "no csv at all"
        raise ValueError(f"no csv in {root} names records ({names}); expected the columns {COLUMNS_UNDERSTOOD}")
    csv = read_csv_table(file)
    frame = csv.frame.astype(object)  # Python's text: cell by cell, Arrow's takes twice as long
    index = RecordIndex(root, find_headers(root).files)
    try:
        roles = column_roles(frame, label_columns, lambda column: _files_of(frame[column], index), unlabelled)
        table = _table(root, file, frame, roles, index, empty_labels)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    return replace(table, notes=(f"{file.name} is {csv.dialect}", *table.notes)) if csv.dialect else table


def _table(
    root: Path, file: Path, frame: pd.DataFrame, roles: ColumnRoles, index: RecordIndex, empty_labels: str
) -> RecordTable:
    """The record table of a csv whose columns are known."""
    paths = read_cells(frame[roles.record], partial(_find, index=index))
    there = [path is not None for path in paths]
    if not any(there):
        raise ValueError(
            f"none of the {len(frame):,} records that {roles.record!r} names is a WFDB record at or below {root} "
            f"(the first: {listing(list(frame[roles.record]), 3)}; {len(index.files):,} .hea files there"
            f"{''.join(f', the first {header.relative_to(root)}' for header in index.files[:1])})"
        )
    rows = frame[there]
    record_ids = [path.relative_to(root).as_posix() for path in paths if path is not None]
    _refuse_twice(record_ids, list(rows.index))
    numbers = [number for number, named in enumerate(there) if named]
    labels, unknown, label_notes = labels_of_rows(rows, numbers, roles, empty_labels)
    patients = read_cells(rows[roles.patient], patient_text) if roles.patient else [""] * len(rows)
    folds = read_cells(rows[roles.fold], fold_number) if roles.fold else [0] * len(rows)
    if roles.fold:
        check_folds(patients, folds, roles.fold)
    tally = AttributeTally({name: repr(column) for name, column in roles.attributes.items()})
    records = record_frame(
        {
            "record_id": record_id,
            "path": str(path.resolve()),
            "patient_id": patient or (record_id if record_id not in known else f"record {record_id}"),
            "fold": fold,
            **attributes,
            "statements": statements,
            "source": "folder",
        }
        for known in [set(patients)]
        for record_id, path, patient, fold, attributes, statements in zip(
            record_ids, filter(None, paths), patients, folds, _attributes(rows, roles, tally), labels, strict=True
        )
    )
    records = with_unknown_column(records, unknown) if any(unknown) else records
    note = ""
    if roles.fold is None:
        records, note = with_folds(records)
    description = f"WFDB folder {root.name} with {file.name}, {len(rows):,} records"
    if len(rows) < len(frame):
        description += f"; {len(frame) - len(rows):,} rows without files left out"
    notes = [*roles.notes(), *label_notes, *_file_notes(root, frame[roles.record], paths, len(index.files))]
    notes += patient_notes(patients, roles.patient) + (fold_notes(folds, roles.fold) if roles.fold else [])
    return RecordTable(records, "folder", description + tally.note + note, notes=tuple(notes))


def _find(cell: str, index: RecordIndex) -> Path | None:
    """The record that a cell names, None where it is not there. ValueError: no name, or several records have it."""
    if not cell.strip():
        raise ValueError("no record name, expected one in every row")
    path = index.find(cell)
    return path if path is not None else index.find(id_text(cell, "record"))  # 7.0: a whole column of numbers and gaps


def _files_of(cells: Iterable[str], index: RecordIndex) -> int:
    """The number of different cells that name a record."""
    count = 0
    for cell in set(cells):
        try:
            count += bool(cell.strip()) and _find(cell, index) is not None
        except ValueError:
            continue  # said where the column is read
    return count


def _refuse_twice(record_ids: Sequence[str], lines: Sequence[int]) -> None:
    """Raises ValueError where two rows name one record."""
    first: dict[str, int] = {}
    for record_id, line in zip(record_ids, lines, strict=True):
        if record_id in first:
            raise ValueError(
                f"line {line}: {record_id} is in two rows, the other is line {first[record_id]}; expected one: join "
                "their labels by ;"
            )
        first[record_id] = line


def _attributes(rows: pd.DataFrame, roles: ColumnRoles, tally: AttributeTally) -> list[dict[str, Any]]:
    """The attributes of every row, unknown and counted where one cannot be. ValueError: most of a column cannot be."""
    table = rows.drop(columns=[name for name in ATTRIBUTES.names() if name in rows and name not in roles.attributes])
    reading: dict[str, Callable[[str], str]] = {"age": age_text, "sex": partial(sex_text, male=roles.sex_of_one)}
    for name, column in roles.attributes.items():
        table[name] = read_cells(rows[column], reading.get(name, str))
    if "sex" in roles.attributes:
        check_sexes(rows[roles.attributes["sex"]].tolist(), roles.attributes["sex"], roles.sex_of_one)
    values = [
        tally.of_row({str(column): cell for column, cell in cells.items()}, line)
        for line, cells in zip(table.index.tolist(), table.to_dict("records"), strict=True)
    ]
    tally.check_columns(rows=2)
    return values


def _file_notes(root: Path, names: pd.Series, paths: Sequence[Path | None], files: int) -> list[str]:
    """Rows without files, paths of another machine, and files without rows, for people; a path in `paths` per row."""
    missing = [name for name, path in zip(names, paths, strict=True) if path is None]
    notes = [f"{len(missing):,} rows name no file, the first: {listing(missing[:3])}"] if missing else []
    guessed = [
        (name, path)
        for name, path in zip(names, paths, strict=True)
        if path is not None and is_of_another_machine(root, name)
    ]
    if guessed:
        name, path = guessed[0]
        notes.append(
            f"{len(guessed):,} rows name a path of another machine, matched by its last parts, the first: {name!r} as "
            f"{path.relative_to(root).as_posix()!r}"
        )
    unnamed = files - (len(names) - len(missing))
    return notes + ([f"{unnamed:,} records of the folder are in no row"] if unnamed else [])
