"""PTB-XL's layout: ptbxl_database.csv, scp_statements.csv and WFDB files under records100/ and records500/.

Wagner et al., Sci Data 7:154 (2020), PhysioNet 1.0.1 and 1.0.3. Synthetic sets that this package writes have the same
layout, so this reader is theirs too.
"""

import ast
import os
import re
import warnings
from pathlib import Path

import pandas as pd

from vqecg.records.attributes import AttributeTally
from vqecg.records.datasets.csv_table import CsvTable, read_csv_table
from vqecg.records.datasets.file_tree import files_in, find_files, is_passed_over, path_below
from vqecg.records.datasets.parsing import UNREADABLE, first_names, id_text, naming, record_frame
from vqecg.records.datasets.reader import READERS, DatasetReader, ReadingOptions
from vqecg.records.folds import MAX_FOLD
from vqecg.records.label_tables import normal_statement_table, statement_table
from vqecg.records.record import LeftOut, RecordTable

DATABASE = "ptbxl_database.csv"
STATEMENTS = "scp_statements.csv"
SYNTHETIC_SET = "synthetic records"  # the description of a set that was generated or simulated begins so
VERSIONS = {21837: "1.0.1", 21799: "1.0.3"}  # records -> version
FILE_COLUMNS = {100: "filename_lr", 500: "filename_hr"}  # Hz -> column; our own sets may have filename_250 and such
NEEDED = ("ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold")
SEXES = {"0": "male", "1": "female"}  # words are understood too

# What a spreadsheet makes of 1AVB, 2AVB, 3AVB and of numbers: 1.0AVB, 1.00E+00, 1.
_MANGLED = re.compile(r"^\d+[.,]\d+.*$|^\d+([eE][+-]?\d+)?$")
_NUMBERED = re.compile(r"(?:^|/)0{0,4}([1-9][0-9]*)_(?:lr|hr)$")  # PTB-XL's names of files, by ecg_id
_PATH = "path below the folder"  # of the files at the rate that is read, a column beside those of the csv
_SPREADSHEET = "the file was probably opened and saved in a spreadsheet: take the published file again"


@READERS.register("ptb-xl", rank=0)
class PTBXLReader(DatasetReader):
    """PTB-XL, subsets of it, and data sets that this package writes."""

    layout = f"{DATABASE}, {STATEMENTS}, records100/ or records500/ (synthetic sets of this package too)"

    def detect(self, root: Path) -> bool:
        """True where `find_ptbxl` finds a folder."""
        return find_ptbxl(root) is not None

    def read_table(self, root: Path, options: ReadingOptions) -> RecordTable:
        """See `read_ptbxl`."""
        return read_ptbxl(root, options.sampling_rate)


def find_ptbxl(root: Path) -> Path | None:
    """The folder that holds ptbxl_database.csv: `root`, or its only child that does; None where there is none.

    Raises ValueError when several children do.
    """
    if os.path.isfile(root / DATABASE):
        return root
    folders = [child for child in _children(root) if os.path.isfile(child / DATABASE)]
    if len(folders) > 1:
        names = ", ".join(child.name for child in folders)
        raise ValueError(
            f"{root} holds several PTB-XL folders ({names}), expected one: give the path of the one to read"
        )
    return folders[0] if folders else None


def _children(root: Path) -> list[Path]:
    """The folders directly in `root`, sorted."""
    return sorted(child for child in root.iterdir() if os.path.isdir(child) and not is_passed_over(child.name))


def read_ptbxl(root: Path, sampling_rate: int = 100) -> RecordTable:
    """The records of PTB-XL, of a subset of it, or of a synthetic set in its layout, whose files are there.

    Args:
        root: the folder with ptbxl_database.csv, or a folder with exactly one such folder in it.
        sampling_rate: Hz, the least that is wanted: of the rates of which files are there (PTB-XL's 100 and 500, a
            synthetic set's own) the lowest that is not below it is read. `prepare` resamples.

    Returns:
        statements are the scp_codes with their likelihood in percent (0 = unknown); an age of 300 (over 89) is 90.0.
        Attributes other than age and sex are read from the column of their name, where there is one, or derived; one
        that cannot be is unknown, and counted. The description says which version this is and how many rows have no
        file at this rate; a record with one of its two files is listed in `left_out`. The statement table is the
        folder's scp_statements.csv, or the packaged one where there is none.

    Raises:
        ValueError: no such folder; files only of lower rates (says which); a missing column; a row whose ids, fold or
            statements do not parse, whose code the statement table lacks, or whose path leads out of the folder (names
            the line).
    """
    folder = find_ptbxl(root.resolve())
    if folder is None:
        raise ValueError(f"no {DATABASE} in {root} or in one of its folders; expected PTB-XL's layout")
    database = _read_database(folder / DATABASE)
    frame = database.frame
    statements, statements_note = _read_statements(folder)
    names = {rate: _record_names(folder, frame[column]) for rate, column in _file_columns(frame).items()}
    files = {rate: _files_of(folder, column) for rate, column in names.items()}  # 0, 1 or both of .hea and .dat
    enough = [rate for rate, count in files.items() if rate >= sampling_rate and (count == 2).any()]
    if not enough:
        there = ", ".join(
            f"{rate} Hz ({(count == 2).sum():,} records)" for rate, count in files.items() if any(count == 2)
        )
        raise ValueError(
            f"{folder} holds no record at {sampling_rate} Hz; there: {there or 'no record files at all'}. "
            "Ask for a rate that is there (prepare resamples), or download the rest"
        )
    sampling_rate = min(enough)
    frame, count = frame.assign(**{_PATH: names[sampling_rate]}), files[sampling_rate]
    tally = AttributeTally()
    rows = _rows(frame[count == 2], folder, frozenset(statements.index), tally)
    halves = [
        LeftOut(ecg_id.removesuffix(".0"), UNREADABLE, f"{folder / name} lacks its .hea or its .dat")
        for ecg_id, name in zip(*(frame[column][count == 1] for column in ("ecg_id", _PATH)), strict=True)
    ]
    description = _describe(folder, len(frame), len(rows), sampling_rate, halves)
    notes = (database.note, statements_note, tally.note, _beside(root.resolve(), folder))
    return RecordTable(record_frame(rows), "ptb-xl", description + "".join(notes), statements, tuple(halves))


def _rows(frame: pd.DataFrame, folder: Path, codes: frozenset[str], tally: AttributeTally) -> list[dict[str, object]]:
    """The rows of the record table. ValueError: one does not parse, is there twice, or has the file of another."""
    rows: dict[object, dict[str, object]] = {}
    for line, cells in zip(frame.index, frame.to_dict("records"), strict=True):
        row = _row(line, {str(name): str(cell) for name, cell in cells.items()}, folder, codes, tally)
        record_id = row["record_id"]
        if record_id in rows:
            raise ValueError(f"{folder / DATABASE}: ecg_id {record_id!r} is there twice, the second in line {line}")
        named = _NUMBERED.search(cells[_PATH])
        if named and named[1] != record_id:
            raise ValueError(
                f"{folder / DATABASE}, line {line}: ecg_id {record_id} has the file {cells[_PATH]}, which is that of "
                f"{named[1]}: a column was probably sorted on its own; {_SPREADSHEET}"
            )
        rows[record_id] = row
    naming(folder / DATABASE, tally.check_columns)
    return list(rows.values())


def _read_database(file: Path) -> CsvTable:
    """ptbxl_database.csv. ValueError: it is no csv, or lacks a column that is needed."""
    table = read_csv_table(file)
    columns = table.frame.columns.tolist()
    missing = [column for column in NEEDED if column not in columns]
    if not set(FILE_COLUMNS.values()) & set(columns):
        missing.append("filename_lr or filename_hr")
    if missing:
        raise ValueError(f"{file} lacks the columns {missing}, it has {columns[:40]}; {_SPREADSHEET}")
    return table


def _read_statements(folder: Path) -> tuple[pd.DataFrame, str]:
    """The folder's statement table and a note for the description, or the packaged table and a note that says so."""
    file = folder / STATEMENTS
    if not os.path.isfile(file):
        return statement_table(), f"; no {STATEMENTS}, so the packaged statement table"
    content = read_csv_table(file)
    table = content.frame.set_index(content.frame.columns[0])
    mangled = [code for code in table.index if _MANGLED.match(str(code))]
    if mangled:
        raise ValueError(f"{file} lists {mangled[0]!r}, which is no statement; {_SPREADSHEET}")
    return naming(file, normal_statement_table, table), content.note


def _record_names(folder: Path, cells: "pd.Series[str]") -> "pd.Series[str]":
    """The records' paths below the folder without extension, "" for an empty cell. ValueError: one leads out of it."""
    names = []
    for line, cell in cells.items():
        try:
            names.append(re.sub(r"\.(dat|hea)$", "", path_below(folder, cell)) if cell else "")
        except ValueError as error:
            raise ValueError(f"{folder / DATABASE}, line {line}, {cells.name}: {error}") from error
    return pd.Series(names, index=cells.index, dtype=object)


def _file_columns(database: pd.DataFrame) -> dict[int, str]:
    """Hz -> the column that names the files of that rate."""
    named = {int(column[9:]): column for column in database.columns if re.fullmatch(r"filename_[0-9]{1,6}", column)}
    published = {rate: column for rate, column in FILE_COLUMNS.items() if column in database.columns}
    # A set written at 250 Hz alone names these files in filename_lr too, for loaders that know no other column.
    repeated = [
        rate for rate, column in published.items() if any(database[column].equals(database[c]) for c in named.values())
    ]
    return {rate: column for rate, column in (published | named).items() if rate not in repeated}


def _files_of(folder: Path, names: "pd.Series[str]") -> "pd.Series[int]":
    """For every record how many of its two files are there; lists each folder once, for network disks."""
    files: set[str] = set()
    for below in {os.path.dirname(name) for name in names if name}:
        if os.path.isdir(folder / below):
            files.update(f"{below}/{file.name}".lstrip("/") for file in files_in(folder / below))
    counts = [(f"{name}.hea" in files) + (f"{name}.dat" in files) for name in names]
    return pd.Series(counts, index=names.index)


def _row(
    line: int, row: dict[str, str], folder: Path, codes: frozenset[str], tally: AttributeTally
) -> dict[str, object]:
    """One row of the record table; the cell _PATH names its files. ValueError names the line and the ecg_id."""
    try:
        record_id = id_text(row["ecg_id"], "ecg_id")
        if not record_id:
            raise ValueError(f"ecg_id {row['ecg_id']!r}, expected a number in every row")
        sex = SEXES.get(re.sub(r"[.,]0+$", "", row["sex"]), row["sex"])
        return {
            "record_id": record_id,
            "path": str(folder / row[_PATH]),
            "patient_id": id_text(row["patient_id"], "patient_id"),
            "fold": _fold(row["strat_fold"]),
            **tally.of_row(row | {"sex": sex}),
            "statements": _statements(row["scp_codes"], codes),
            "source": "ptb-xl",
        }
    except ValueError as error:
        raise ValueError(f"{folder / DATABASE}, line {line} (ecg_id {row['ecg_id']}): {error}") from error


def _fold(cell: str) -> int:
    """strat_fold, 1-10. ValueError otherwise."""
    text = re.fullmatch(r"0*([0-9]{1,2})(?:[.,]0+)?", cell)
    if text is None or not 1 <= int(text[1]) <= MAX_FOLD:
        raise ValueError(f"strat_fold {cell!r}, expected 1 to {MAX_FOLD}")
    return int(text[1])


def _statements(cell: str, codes: frozenset[str]) -> dict[str, float]:
    """scp_codes, a Python dict as text, as statement -> likelihood. ValueError: it is none, or names a strange code."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of odd spellings in a cell
            parsed = ast.literal_eval(cell)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # the last two: thousands of brackets
        parsed = None
    if not isinstance(parsed, dict):
        raise ValueError(f"scp_codes {cell!r} does not parse, expected {{'NORM': 100.0, 'SR': 0.0}}; {_SPREADSHEET}")
    for code, likelihood in parsed.items():
        if code not in codes:
            cause = _SPREADSHEET if _MANGLED.match(str(code)) else f"add it to {STATEMENTS}, or correct the row"
            raise ValueError(f"scp_codes names {code!r}, which the statement table lacks; {cause}")
        if not isinstance(likelihood, int | float) or not 0 <= likelihood <= 100:
            raise ValueError(f"scp_codes gives {code} the likelihood {likelihood!r}, expected 0 to 100 percent")
    return {code: float(likelihood) for code, likelihood in parsed.items()}


def _describe(folder: Path, rows: int, read: int, sampling_rate: int, halves: list[LeftOut]) -> str:
    """The set and its version, for people."""
    if (folder / "manifest.parquet").is_file():
        text = f"{SYNTHETIC_SET} in PTB-XL's layout, {rows:,} records"
    elif rows in VERSIONS:
        text = f"PTB-XL {VERSIONS[rows]}, {rows:,} records"
    else:
        whole = " or ".join(f"{count:,} ({version})" for count, version in VERSIONS.items())
        text = f"PTB-XL's layout, {rows:,} records (a subset: the whole has {whole})"
    if read < rows:
        text += f"; {read:,} read, {rows - read:,} without files at {sampling_rate} Hz left out"
        text += f", {len(halves):,} of them with one of their two files ({first_names(halves)})" if halves else ""
    return text + f", {sampling_rate} Hz"


def _beside(root: Path, folder: Path) -> str:
    """A note on folders beside that of the set which hold other recordings."""
    others = [] if folder == root else [child for child in _children(root) if child != folder]
    names = [child.name for child in others if find_files(child, ".hea", ".mat").files]
    return f"; not read are the recordings in {', '.join(names)} beside {folder.name}" if names else ""
