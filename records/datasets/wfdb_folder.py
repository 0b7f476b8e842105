"""Any folder of WFDB records with a csv of labels."""

import re
from pathlib import Path

import pandas as pd

from vqecg.records.attributes import ATTRIBUTES, attributes_of_row
from vqecg.records.datasets.parsing import id_text, record_frame, with_folds
from vqecg.records.datasets.reader import READERS, DatasetReader, ReadingOptions
from vqecg.records.folds import MAX_FOLD
from vqecg.records.record import RecordTable

RECORD_COLUMNS = ("record_id", "record", "recording", "filename", "file", "path", "ecg_id")
LABEL_COLUMNS = ("statements", "labels", "label")
FOLD_COLUMNS = ("fold", "strat_fold")
TRUTH = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False, "": False}

COLUMNS_UNDERSTOOD = (
    f"one of {', '.join(RECORD_COLUMNS)} (a record's name or its path below the folder); "
    f"{' or '.join(LABEL_COLUMNS)} (separated by ; , or |), or one column of 0 and 1 for every label; "
    "and, where known, patient_id, age (years), sex (female, male), fold (1-10)"
)


@READERS.register("folder", rank=1000)  # the last one: any set of WFDB files may have a csv that names records
class WFDBFolderReader(DatasetReader):
    """Any folder of WFDB records with a csv of labels."""

    layout = f"any WFDB records and a csv with {COLUMNS_UNDERSTOOD}"
    takes_labels_csv = True

    def detect(self, root: Path) -> bool:
        """True where a header is at or below `root`, and a csv that names records is in it."""
        return any(root.rglob("*.hea")) and find_labels_csv(root) is not None

    def read_table(self, root: Path, options: ReadingOptions) -> RecordTable:
        """See `read_folder`."""
        return read_folder(root, options.labels_csv)


def find_labels_csv(root: Path) -> Path | None:
    """The one csv in `root` with a column that names records, None where none has. ValueError: several have."""
    files = [file for file in sorted(root.glob("*.csv")) if _first(RECORD_COLUMNS, _columns(file))]
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise ValueError(f"{root} holds several csv files that name records ({names}): say which with labels_csv")
    return files[0] if files else None


def read_folder(root: Path, labels_csv: Path | None = None) -> RecordTable:
    """Records of a folder of WFDB files with the labels of a csv, at their own sampling rate.

    Args:
        root: the folder; the records may lie in subfolders.
        labels_csv: the csv; None: the only csv in `root` that names records. One row per record, column names in any
            case. The first of these that is there names the record: record_id, record, recording, filename, file,
            path, ecg_id, as a path below `root` or as a bare file name that is unique below it, with or without
            extension. Labels: the first of statements, labels, label, with one or more names separated by `;`, `,` or
            `|`; without such a column, every column of only 0, 1, true, false and empty cells is a label (one-hot).
            Optional: patient_id (else every record is a patient of its own), the attributes by name (age in years;
            sex: female, male, f, m), fold or strat_fold (1-10; without it parsing.with_folds deals by patient). Other
            columns are ignored.

    Returns:
        record_id is the path below `root` without extension; the likelihood of every statement is 0 (unknown). Rows
        without files are left out and counted in the description.

    Raises:
        ValueError: no csv, no column that names records, no labels, a cell that does not parse (names the line), one
            record in two rows, or no row with files; the message says which columns are there.
    """
    file = labels_csv if labels_csv is not None else find_labels_csv(root)
    if file is None:
        names = ", ".join(path.name for path in sorted(root.glob("*.csv"))) or "no csv at all"
        raise ValueError(f"no csv in {root} names records ({names}); expected the columns {COLUMNS_UNDERSTOOD}")
    table = _read_csv(file)
    record_column = _first(RECORD_COLUMNS, list(table.columns))
    if record_column is None:
        raise ValueError(f"{file} has the columns {list(table.columns)[:40]}; expected {COLUMNS_UNDERSTOOD}")
    label_columns = _label_columns(table, record_column, file)
    paths = _record_paths(root)
    rows: dict[str, dict[str, object]] = {}
    for line, cells in enumerate(table.to_dict("records"), start=2):
        texts = {str(column): str(cell) for column, cell in cells.items()}
        try:
            path = _find(texts[record_column], paths)
            if path is None:
                continue
            row = _row(path, root, texts, label_columns)
            if row["record_id"] in rows:
                raise ValueError(f"{row['record_id']} is in two rows, expected one: join their labels by ;")
        except ValueError as error:
            raise ValueError(f"{file}, line {line}: {error}") from error
        rows[str(row["record_id"])] = row
    if not rows:
        raise ValueError(
            f"none of the {len(table):,} records of {file} is a WFDB record at or below {root} "
            f"(first: {list(table[record_column][:3])}; {len(paths):,} .hea files there)"
        )
    records, note = record_frame(rows.values()), ""
    if _first(FOLD_COLUMNS, list(table.columns)) is None:
        records, note = with_folds(records)
    description = f"WFDB folder {root.name} with {file.name}, {len(rows):,} records"
    if len(rows) < len(table):
        description += f"; {len(table) - len(rows):,} rows without files left out"
    return RecordTable(records, "folder", description + note)


def _columns(file: Path) -> list[str]:
    """The column names of a csv in lower case; none where the file is no text."""
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        return [column.strip().strip('"').lower() for column in lines.readline().split(",")]


def _other_columns() -> tuple[str, ...]:
    """The columns that are neither records nor labels: patient, fold and the attributes."""
    return ("patient_id", *FOLD_COLUMNS, *ATTRIBUTES.names())


def _first(wanted: tuple[str, ...], columns: list[str]) -> str | None:
    """The first of `wanted` that is among `columns`."""
    return next((column for column in wanted if column in columns), None)


def _read_csv(file: Path) -> pd.DataFrame:
    """The csv with every cell as text; names of known columns in lower case. ValueError: it is no csv."""
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise ValueError(f"no file {file}; check labels_csv") from None
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"{file} is no CSV in UTF-8 ({error})") from error
    known = {*RECORD_COLUMNS, *LABEL_COLUMNS, *_other_columns()}
    lower = {column: column.strip().lower() for column in table.columns}
    table = table.rename(columns={column: name for column, name in lower.items() if name in known})
    if table.columns.has_duplicates:
        raise ValueError(f"{file} has one column twice: {list(table.columns)}")
    return table


def _label_columns(table: pd.DataFrame, record_column: str, file: Path) -> list[str]:
    """The column of label lists, or the one-hot columns. ValueError: there are neither."""
    listed = _first(LABEL_COLUMNS, list(table.columns))
    if listed is not None:
        return [listed]
    candidates = [column for column in table.columns if column not in (*RECORD_COLUMNS, *_other_columns())]
    one_hot = [column for column in candidates if table[column].str.strip().str.lower().isin(list(TRUTH)).all()]
    one_hot = [column for column in one_hot if (table[column].str.strip() != "").any()]
    if not one_hot:
        raise ValueError(
            f"{file} has no labels: its columns are {list(table.columns)[:40]}; "
            f"expected, beside {record_column}, {' or '.join(LABEL_COLUMNS)}, or columns of 0 and 1"
        )
    return one_hot


def _record_paths(root: Path) -> dict[str, list[Path]]:
    """Every record at or below `root`: path below it, and bare name, -> the paths (without extension) it may mean."""
    paths: dict[str, list[Path]] = {}
    for header in sorted(root.rglob("*.hea")):
        path = header.with_suffix("")
        for key in {path.relative_to(root).as_posix(), path.name}:
            paths.setdefault(key, []).append(path)
    return paths


def _find(cell: str, paths: dict[str, list[Path]]) -> Path | None:
    """The record that a cell names, None where it is not there. ValueError: no name, or several records have it."""
    name = cell.strip().replace("\\", "/").removeprefix("./")
    if not name:
        raise ValueError("no record name, expected one in every row")
    named = paths.get(name) or paths.get(re.sub(r"\.(hea|dat|mat)$", "", name), [])
    exact = [path for path in named if path.as_posix().endswith("/" + name)]
    if len(named) > 1 and not ("/" in name and len(exact) == 1):
        raise ValueError(f"{len(named)} records are called {name!r}: give the path below the folder")
    return named[0] if named else None


def _row(path: Path, root: Path, cells: dict[str, str], label_columns: list[str]) -> dict[str, object]:
    """One row of the record table. ValueError: a cell does not parse."""
    record_id = path.relative_to(root).as_posix()
    fold_column = _first(FOLD_COLUMNS, list(cells))
    fold = cells[fold_column].strip().removesuffix(".0") if fold_column else "0"
    if fold_column and (not fold.isdigit() or not 1 <= int(fold) <= MAX_FOLD):
        raise ValueError(f"fold {fold!r}, expected 1 to {MAX_FOLD} in every row, or no such column")
    return {
        "record_id": record_id,
        "path": str(path.resolve()),
        "patient_id": id_text(cells.get("patient_id", ""), "patient_id") or record_id,
        "fold": int(fold),
        **attributes_of_row(cells),
        "statements": dict.fromkeys(_labels(cells, label_columns), 0.0),
        "source": "folder",
    }


def _labels(cells: dict[str, str], label_columns: list[str]) -> list[str]:
    """The labels of one row."""
    if len(label_columns) == 1 and label_columns[0] in LABEL_COLUMNS:
        return [label.strip() for label in re.split(r"[;,|]", cells[label_columns[0]]) if label.strip()]
    return [column for column in label_columns if TRUTH[cells[column].strip().lower()]]
