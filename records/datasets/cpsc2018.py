"""CPSC2018 as its organisers shipped it: TrainingSet*/A####.mat (MATLAB 5) and REFERENCE.csv.

Liu et al., J Med Imaging Health Inform 8:1368 (2018). Each file holds a struct ECG with sex, age and data, float64 mV,
12 leads x samples at 500 Hz, 6 to 60 s. The Challenge 2020 edition of the same records has headers and is read by
challenge.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqecg.records.attributes import UNKNOWN, AttributeTally
from vqecg.records.datasets.csv_table import csv_columns, read_csv_table
from vqecg.records.datasets.file_tree import find_files
from vqecg.records.datasets.matlab5 import read_struct
from vqecg.records.datasets.parsing import record_frame, with_folds
from vqecg.records.datasets.reader import READERS, DatasetReader, ReadingOptions
from vqecg.records.datasets.wfdb_reading import Waveform
from vqecg.records.labels import CPSC2018_CLASSES
from vqecg.records.leads import LEADS
from vqecg.records.record import RecordTable

REFERENCE = "REFERENCE.csv"
LABEL_COLUMNS = ("First_label", "Second_label", "Third_label")
SAMPLING_RATE = 500.0  # Hz


@dataclass(frozen=True, eq=False)
class _Recording:
    """The struct ECG of one file."""

    data: np.ndarray  # (12, samples) float32 mV
    cells: Mapping[str, str]  # age, sex and others by name, as text


@READERS.register("cpsc2018", rank=10)
class CPSC2018Reader(DatasetReader):
    """The original CPSC2018."""

    layout = f"{REFERENCE} and TrainingSet*/A####.mat, as the organisers shipped them"

    def detect(self, root: Path) -> bool:
        """True where a REFERENCE.csv and a .mat file are there."""
        return bool(find_references(root)) and bool(find_files(root, ".mat").files)

    def read_table(self, root: Path, options: ReadingOptions) -> RecordTable:
        """See `read_cpsc2018`."""
        return read_cpsc2018(root)

    def read_waveform(self, path: str) -> Waveform:
        """See `read_cpsc2018_record`."""
        return read_cpsc2018_record(path)


def find_references(root: Path) -> list[Path]:
    """Every REFERENCE.csv at or below `root` that has CPSC2018's columns, names of file and columns in any case."""
    files = [file for file in find_files(root, REFERENCE).files if file.name.lower() == REFERENCE.lower()]
    needed = {column.lower() for column in ("Recording", *LABEL_COLUMNS)}
    return [file for file in files if needed <= {column.lower() for column in csv_columns(file)}]


def read_cpsc2018(root: Path) -> RecordTable:
    """The records of the original CPSC2018 whose .mat file is there, all at 500 Hz.

    Args:
        root: the folder with REFERENCE.csv (or several, one per training set) and the .mat files, in any subfolder.

    Returns:
        statements are class names of the task `cpsc2018` (SNR is the label Normal), likelihood 0 (unknown). The set
        names no patients: every record counts as a patient of its own, and the folds are ours (parsing.with_folds). Age
        and sex are in the .mat files, so each is opened once (about 5 ms a file); one that cannot be is unknown, and
        counted. A file that cannot be read stays in the table with both unknown, is counted in the description, and
        raises when it is read.

    Raises:
        ValueError: no REFERENCE.csv, none of its records is there, a label that is not 1-9, two labels for one record,
            or two files of one name.
    """
    references = find_references(root)
    if not references:
        raise ValueError(f"no {REFERENCE} with the columns Recording, {', '.join(LABEL_COLUMNS)} at or below {root}")
    labels, notes = _read_references(references)
    files = _files_by_name(root)
    rows: list[dict[str, object]] = []
    unreadable, tally = 0, AttributeTally()
    for name in sorted(set(labels) & set(files)):
        try:
            cells = _load(files[name]).cells
        except ValueError:
            cells, unreadable = {}, unreadable + 1
        rows.append(
            {
                "record_id": name,
                "path": str(files[name].resolve()),
                "patient_id": name,
                "fold": 0,
                **tally.of_row(cells),
                "statements": labels[name],
                "source": "cpsc2018",
            }
        )
    if not rows:
        raise ValueError(
            f"none of the {len(labels):,} records of {references[0]} is at or below {root} "
            f"({len(files):,} .mat files there); expected TrainingSet*/A####.mat beside {REFERENCE}"
        )
    description = f"CPSC2018, {len(rows):,} of {len(labels):,} records, 500 Hz"
    counts = (
        (len(labels) - len(rows), "without .mat file left out"),
        (len(files) - len(rows), f".mat files without a row of {REFERENCE} left out"),
        (unreadable, "cut off or damaged"),
        (len(find_files(root, ".hea").files), "headers (.hea) are not read: is another set in the folder?"),
    )
    description += "".join(f"; {count:,} {what}" for count, what in counts if count)
    records, note = with_folds(record_frame(rows))
    return RecordTable(records, "cpsc2018", description + notes + tally.note + note)


def _files_by_name(root: Path) -> dict[str, Path]:
    """Name of a record -> its .mat file. ValueError: two files have one name."""
    files: dict[str, Path] = {}
    for file in find_files(root, ".mat").files:
        if file.stem in files:
            raise ValueError(f"{file.stem} is there twice, {files[file.stem]} and {file}: keep the one that is right")
        files[file.stem] = file
    return files


def _read_references(references: list[Path]) -> tuple[dict[str, dict[str, float]], str]:
    """Record -> statements of all files together, and notes on these. ValueError names file, line and label."""
    labels: dict[str, dict[str, float]] = {}
    notes = ""
    for file in references:
        table = read_csv_table(file)
        notes += table.note
        frame = table.frame.rename(columns=str.lower)
        if frame.columns.has_duplicates:
            raise ValueError(f"{file} has two columns of one name: {', '.join(table.frame.columns)}")
        for line, row in zip(frame.index, frame.to_dict("records"), strict=True):
            name = re.sub(r"\.mat$", "", row["recording"], flags=re.IGNORECASE)
            cells = [re.sub(r"[.,]0+$", "", row[column.lower()]) for column in LABEL_COLUMNS]
            codes = [cell for cell in cells if cell.lower() not in UNKNOWN]
            if not codes or not all(re.fullmatch("[1-9]", code) for code in codes):
                raise ValueError(f"{file}, line {line} ({name}): labels {cells}, expected one to three of 1-9")
            if not name:
                raise ValueError(f"{file}, line {line}: no name of a recording, expected one in every row")
            statements = {CPSC2018_CLASSES[int(code) - 1]: 0.0 for code in codes}
            if labels.setdefault(name, statements) != statements:
                raise ValueError(f"{file}, line {line}: {name} is {list(statements)} here, {list(labels[name])} before")
    return labels, notes


def read_cpsc2018_record(path: str | Path) -> Waveform:
    """The samples of one .mat file, (12, samples) mV at 500 Hz.

    Raises ValueError when the file is missing, cut off, or holds no struct ECG of twelve leads.
    """
    return Waveform(_load(Path(path)).data, SAMPLING_RATE, LEADS)


def _load(file: Path) -> _Recording:
    """Read one file. ValueError: it is missing, cut off, or not CPSC2018's."""
    fields = read_struct(file, "ECG")
    missing = {"sex", "age", "data"} - set(fields)
    if missing:
        raise ValueError(f"{file}: the struct ECG lacks {sorted(missing)}, it has {list(fields)}")
    data = fields["data"]
    if isinstance(data, str) or data.ndim != 2 or data.shape[0] != len(LEADS) or not data.size:
        what = data if isinstance(data, str) else f"shape {data.shape}"
        raise ValueError(f"{file}: ECG.data has {what}, expected (12, samples)")
    if data.dtype.kind != "f":
        raise ValueError(f"{file}: ECG.data is {data.dtype}, expected floating mV; divide it by the gain")
    # beyond float32 is infinite, and what is no number stays none: the quality gate refuses both
    with np.errstate(over="ignore", invalid="ignore"):
        signal = data.astype(np.float32)
    return _Recording(signal, {name: _text(value) for name, value in fields.items() if name != "data"})


def _text(value: np.ndarray | str) -> str:
    """The one value of a MATLAB array as text, "" for an empty one; of several values all."""
    if isinstance(value, str):
        return value.strip("\0 ")
    return str(value.ravel()[0]) if value.size == 1 else " ".join(map(str, value.ravel()[:4].tolist()))
