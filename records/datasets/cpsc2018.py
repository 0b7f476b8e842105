"""CPSC2018 as its organisers shipped it: TrainingSet*/A####.mat (MATLAB 5) and REFERENCE.csv.

Liu et al., J Med Imaging Health Inform 8:1368 (2018). Each file holds a struct ECG with sex, age and data, float64 mV,
12 leads x samples at 500 Hz, 6 to 60 s. The Challenge 2020 edition of the same records has headers and is read by
challenge.py.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.io

from vqecg.records.attributes import attributes_of_row
from vqecg.records.datasets.parsing import record_frame, with_folds
from vqecg.records.datasets.reader import READERS, DatasetReader, ReadingOptions
from vqecg.records.datasets.wfdb_reading import Waveform
from vqecg.records.labels import CPSC2018_CLASSES
from vqecg.records.leads import LEADS
from vqecg.records.record import RecordTable

REFERENCE = "REFERENCE.csv"
LABEL_COLUMNS = ("First_label", "Second_label", "Third_label")
SAMPLING_RATE = 500.0  # Hz

# What scipy raises for a file that is cut off, depending on where, or overwritten.
_DAMAGE = (
    scipy.io.matlab.MatReadError,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    NotImplementedError,
    zlib.error,
)


@dataclass(frozen=True, eq=False)
class _Recording:
    """The struct ECG of one file."""

    data: np.ndarray  # (12, samples) float32 mV
    attributes: Mapping[str, Any]  # age, sex and others by name


@READERS.register("cpsc2018", rank=10)
class CPSC2018Reader(DatasetReader):
    """The original CPSC2018."""

    layout = f"{REFERENCE} and TrainingSet*/A####.mat, as the organisers shipped them"

    def detect(self, root: Path) -> bool:
        """True where a REFERENCE.csv and a .mat file are there."""
        return bool(find_references(root)) and any(root.rglob("*.mat"))

    def read_table(self, root: Path, options: ReadingOptions) -> RecordTable:
        """See `read_cpsc2018`."""
        return read_cpsc2018(root)

    def read_waveform(self, path: str) -> Waveform:
        """See `read_cpsc2018_record`."""
        return read_cpsc2018_record(path)


def find_references(root: Path) -> list[Path]:
    """Every REFERENCE.csv at or below `root` that has CPSC2018's columns."""
    references = []
    for file in sorted(root.rglob(REFERENCE)):
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            if {"Recording", *LABEL_COLUMNS} <= set(lines.readline().strip().split(",")):
                references.append(file)
    return references


def read_cpsc2018(root: Path) -> RecordTable:
    """The records of the original CPSC2018 whose .mat file is there, all at 500 Hz.

    Args:
        root: the folder with REFERENCE.csv (or several, one per training set) and the .mat files, in any subfolder.

    Returns:
        statements are class names of the task `cpsc2018` (SNR is the label Normal), likelihood 0 (unknown). The set
        names no patients: every record counts as a patient of its own, and the folds are ours (parsing.with_folds). Age
        and sex are in the .mat files, so each is opened once (about 5 ms a file); a file that cannot be read stays in
        the table with both unknown, is counted in the description, and raises when it is read.

    Raises:
        ValueError: no REFERENCE.csv, none of its records is there, a label that is not 1-9, two labels for one record.
    """
    references = find_references(root)
    if not references:
        raise ValueError(f"no {REFERENCE} with the columns Recording, {', '.join(LABEL_COLUMNS)} at or below {root}")
    labels = _read_references(references)
    files = {file.stem: file for file in sorted(root.rglob("*.mat"))}
    rows: list[dict[str, object]] = []
    unreadable = 0
    for name in sorted(set(labels) & set(files)):
        try:
            attributes = _load(files[name]).attributes
        except ValueError:
            attributes, unreadable = {}, unreadable + 1
        rows.append(
            {
                "record_id": name,
                "path": str(files[name].resolve()),
                "patient_id": name,
                "fold": 0,
                **attributes,
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
    if len(rows) < len(labels):
        description += f"; {len(labels) - len(rows):,} without .mat file left out"
    if unreadable:
        description += f"; {unreadable:,} cut off or damaged"
    records, note = with_folds(record_frame(rows))
    return RecordTable(records, "cpsc2018", description + note)


def _read_references(references: list[Path]) -> dict[str, dict[str, float]]:
    """Record -> statements of all files together. ValueError names the file, the line and the label."""
    labels: dict[str, dict[str, float]] = {}
    for file in references:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        for line, row in enumerate(table.to_dict("records"), start=2):
            name = row["Recording"].strip()
            cells = [row[column].strip().removesuffix(".0") for column in LABEL_COLUMNS]
            codes = [cell for cell in cells if cell]
            if not codes or any(not code.isdigit() or not 1 <= int(code) <= 9 for code in codes):
                raise ValueError(f"{file}, line {line} ({name}): labels {cells}, expected one to three of 1-9")
            statements = {CPSC2018_CLASSES[int(code) - 1]: 0.0 for code in codes}
            if labels.setdefault(name, statements) != statements:
                raise ValueError(f"{file}, line {line}: {name} is {list(statements)} here, {list(labels[name])} before")
    return labels


def read_cpsc2018_record(path: str | Path) -> Waveform:
    """The samples of one .mat file, (12, samples) mV at 500 Hz.

    Raises ValueError when the file is missing, cut off, or holds no struct ECG of twelve leads.
    """
    return Waveform(_load(Path(path)).data, SAMPLING_RATE, LEADS)


def _load(file: Path) -> _Recording:
    """Read one file. ValueError: it is missing, cut off, or not CPSC2018's."""
    if not file.is_file():
        raise ValueError(f"no file {file}; copy or download it again")
    try:
        content = scipy.io.loadmat(file, variable_names=["ECG"])
    except _DAMAGE as error:
        raise ValueError(f"{file} is cut off or damaged ({error}): copy or download it again") from error
    if "ECG" not in content or content["ECG"].dtype.names is None:
        raise ValueError(f"{file} holds no struct ECG; expected a recording of the original CPSC2018")
    struct = content["ECG"][0, 0]
    missing = {"sex", "age", "data"} - set(struct.dtype.names)
    if missing:
        raise ValueError(f"{file}: the struct ECG lacks {sorted(missing)}, it has {list(struct.dtype.names)}")
    data = np.asarray(struct["data"])
    if data.ndim != 2 or data.shape[0] != len(LEADS) or not data.size:
        raise ValueError(f"{file}: ECG.data has shape {data.shape}, expected (12, samples)")
    cells = {name: str(_scalar(struct[name])) for name in struct.dtype.names if name != "data"}
    return _Recording(data.astype(np.float32), attributes_of_row(cells))


def _scalar(value: np.ndarray) -> object:
    """The one value of a MATLAB array, "" for an empty one."""
    flat = np.asarray(value).ravel()
    return flat[0] if flat.size else ""
