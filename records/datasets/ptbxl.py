"""PTB-XL's layout: ptbxl_database.csv, scp_statements.csv and WFDB files under records100/ and records500/.

Wagner et al., Sci Data 7:154 (2020), PhysioNet 1.0.1 and 1.0.3. Synthetic sets that this package writes have the same
layout, so this reader is theirs too.
"""

import ast
import os
import re
from pathlib import Path

import pandas as pd

from vqecg.records.attributes import attributes_of_row
from vqecg.records.datasets.parsing import id_text, record_frame
from vqecg.records.datasets.reader import READERS, DatasetReader, ReadingOptions
from vqecg.records.folds import MAX_FOLD
from vqecg.records.label_tables import normal_statement_table, statement_table
from vqecg.records.record import RecordTable

DATABASE = "ptbxl_database.csv"
STATEMENTS = "scp_statements.csv"
VERSIONS = {21837: "1.0.1", 21799: "1.0.3"}  # records -> version
FILE_COLUMNS = {100: "filename_lr", 500: "filename_hr"}  # Hz -> column; our own sets may have filename_250 and such
NEEDED = ("ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold")
SEXES = {"0": "male", "1": "female", "": "unknown"}

# What a spreadsheet makes of 1AVB, 2AVB, 3AVB and of numbers: 1.0AVB, 1.00E+00, 1.
_MANGLED = re.compile(r"^\d+[.,]\d+.*$|^\d+([eE][+-]?\d+)?$")
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
    if (root / DATABASE).is_file():
        return root
    folders = sorted(child for child in root.iterdir() if (child / DATABASE).is_file())
    if len(folders) > 1:
        names = ", ".join(child.name for child in folders)
        raise ValueError(
            f"{root} holds several PTB-XL folders ({names}), expected one: give the path of the one to read"
        )
    return folders[0] if folders else None


def read_ptbxl(root: Path, sampling_rate: int = 100) -> RecordTable:
    """The records of PTB-XL, of a subset of it, or of a synthetic set in its layout, whose files are there.

    Args:
        root: the folder with ptbxl_database.csv, or a folder with exactly one such folder in it.
        sampling_rate: Hz, the least that is wanted: of the rates of which files are there (PTB-XL's 100 and 500, a
            synthetic set's own) the lowest that is not below it is read. `prepare` resamples.

    Returns:
        statements are the scp_codes with their likelihood in percent (0 = unknown); an age of 300 (over 89) is 90.0.
        Attributes other than age and sex are read from the column of their name, where there is one, or derived.
        The description says which version this is and how many rows have no file at this rate. The statement table is
        the folder's scp_statements.csv, or the packaged one where there is none.

    Raises:
        ValueError: no such folder; files only of lower rates (says which); a missing column; a cell
            that does not parse or a code that the statement table lacks (names the row).
    """
    folder = find_ptbxl(root.resolve())
    if folder is None:
        raise ValueError(f"no {DATABASE} in {root} or in one of its folders; expected PTB-XL's layout")
    database = _read_database(folder / DATABASE)
    statements, statements_note = _read_statements(folder)
    columns = _file_columns(database)
    present = {rate: _has_files(folder, database[column]) for rate, column in columns.items()}
    enough = [rate for rate, mask in present.items() if rate >= sampling_rate and mask.any()]
    if not enough:
        there = ", ".join(f"{rate} Hz ({mask.sum():,} records)" for rate, mask in present.items() if mask.any())
        raise ValueError(
            f"{folder} holds no record at {sampling_rate} Hz; there: {there or 'no record files at all'}. "
            "Ask for a rate that is there (prepare resamples), or download the rest"
        )
    sampling_rate = min(enough)
    codes = frozenset(statements.index)
    chosen = database.loc[present[sampling_rate]]
    names = chosen.columns.tolist()
    rows = [
        _row(line, dict(zip(names, cells, strict=True)), columns[sampling_rate], folder, codes)
        for line, cells in zip(chosen.index, chosen.to_numpy(dtype=object).tolist(), strict=True)
    ]
    description = _describe(folder, len(database), len(rows), sampling_rate) + statements_note
    return RecordTable(record_frame(rows), "ptb-xl", description, statements)


def _read_database(file: Path) -> pd.DataFrame:
    """ptbxl_database.csv with every cell as text; the index is the line in the file (the header is line 1)."""
    try:
        database = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"{file} is no CSV in UTF-8 ({error}); {_SPREADSHEET}") from error
    missing = [column for column in NEEDED if column not in database.columns]
    if not set(FILE_COLUMNS.values()) & set(database.columns):
        missing.append("filename_lr or filename_hr")
    if missing:
        raise ValueError(f"{file} lacks the columns {missing}, it has {list(database.columns)[:40]}; {_SPREADSHEET}")
    database.index = pd.RangeIndex(2, len(database) + 2)
    repeated = database["ecg_id"][database["ecg_id"].duplicated()]
    if len(repeated):
        raise ValueError(f"{file}: ecg_id {repeated.iloc[0]!r} is there twice, the second in line {repeated.index[0]}")
    return database


def _read_statements(folder: Path) -> tuple[pd.DataFrame, str]:
    """The folder's statement table and "", or the packaged table and a note that says so."""
    file = folder / STATEMENTS
    if not file.is_file():
        return statement_table(), f"; no {STATEMENTS}, so the packaged statement table"
    table = pd.read_csv(file, index_col=0, keep_default_na=False, dtype=str, encoding="utf-8-sig")
    mangled = [code for code in table.index if _MANGLED.match(str(code))]
    if mangled:
        raise ValueError(f"{file} lists {mangled[0]!r}, which is no statement; {_SPREADSHEET}")
    return normal_statement_table(table), ""


def _record_name(cell: str) -> str:
    """The path below the data set's folder without extension, with forward slashes."""
    return re.sub(r"\.(dat|hea)$", "", cell.strip().replace("\\", "/"))


def _file_columns(database: pd.DataFrame) -> dict[int, str]:
    """Hz -> the column that names the files of that rate."""
    named = {int(column[9:]): column for column in database.columns if re.fullmatch(r"filename_\d+", column)}
    published = {rate: column for rate, column in FILE_COLUMNS.items() if column in database.columns}
    # A set written at 250 Hz alone names these files in filename_lr too, for loaders that know no other column.
    repeated = [
        rate for rate, column in published.items() if any(database[column].equals(database[c]) for c in named.values())
    ]
    return {rate: column for rate, column in (published | named).items() if rate not in repeated}


def _has_files(folder: Path, cells: pd.Series) -> pd.Series:
    """For every row whether both files of the record are there; lists each folder once, for network disks."""
    names = [_record_name(cell) for cell in cells]
    files: set[str] = set()
    for below in {os.path.dirname(name) for name in names if name}:
        if (folder / below).is_dir():
            files.update(f"{below}/{name}".lstrip("/") for name in os.listdir(folder / below))
    return pd.Series([f"{name}.hea" in files and f"{name}.dat" in files for name in names], index=cells.index)


def _row(line: int, row: dict[str, str], file: str, folder: Path, codes: frozenset[str]) -> dict[str, object]:
    """One row of the record table; the column `file` names its files. ValueError names the line and the ecg_id."""
    try:
        sex = row["sex"].strip().removesuffix(".0")
        if sex not in SEXES:
            raise ValueError(f"sex {row['sex']!r}, expected 0 (male), 1 (female) or nothing")
        return {
            "record_id": id_text(row["ecg_id"], "ecg_id"),
            "path": str(folder / _record_name(row[file])),
            "patient_id": id_text(row["patient_id"], "patient_id"),
            "fold": _fold(row["strat_fold"]),
            **attributes_of_row(row | {"sex": SEXES[sex]}),
            "statements": _statements(row["scp_codes"], codes),
            "source": "ptb-xl",
        }
    except ValueError as error:
        raise ValueError(f"{folder / DATABASE}, line {line} (ecg_id {row['ecg_id']}): {error}") from error


def _fold(cell: str) -> int:
    """strat_fold, 1-10. ValueError otherwise."""
    text = cell.strip().removesuffix(".0")
    if not text.isdigit() or not 1 <= int(text) <= MAX_FOLD:
        raise ValueError(f"strat_fold {cell!r}, expected 1 to {MAX_FOLD}")
    return int(text)


def _statements(cell: str, codes: frozenset[str]) -> dict[str, float]:
    """scp_codes, a Python dict as text, as statement -> likelihood. ValueError: it is none, or names a strange code."""
    try:
        parsed = ast.literal_eval(cell)
    except (ValueError, SyntaxError, TypeError):
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


def _describe(folder: Path, rows: int, read: int, sampling_rate: int) -> str:
    """The set and its version, for people."""
    if (folder / "manifest.parquet").is_file():
        text = f"synthetic records in PTB-XL's layout, {rows:,} records"
    elif rows in VERSIONS:
        text = f"PTB-XL {VERSIONS[rows]}, {rows:,} records"
    else:
        whole = " or ".join(f"{count:,} ({version})" for count, version in VERSIONS.items())
        text = f"PTB-XL's layout, {rows:,} records (a subset: the whole has {whole})"
    if read < rows:
        text += f"; {read:,} read, {rows - read:,} without files at {sampling_rate} Hz left out"
    return text + f", {sampling_rate} Hz"
