"""The layout of the PhysioNet/CinC Challenges 2020 and 2021: a .hea header and a MATLAB v4 .mat for every record.

Perez Alday et al., Physiol Meas 41:124003 (2020); Reyna et al., CinC 2021. A header's comments hold age, sex and
diagnoses: `#Dx: RBBB` in words (February 2020), `#Dx: 59118001` (2020), `# Dx: 59118001,426783006` (2021).
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pandas as pd

from vqecg.records.attributes import UNKNOWN, AttributeTally, printable
from vqecg.records.datasets.file_tree import FoundFiles, find_files, find_headers
from vqecg.records.datasets.parsing import UNREADABLE, listed, naming, record_frame, with_folds
from vqecg.records.datasets.reader import READERS, DatasetReader, ReadingOptions
from vqecg.records.datasets.wfdb_reading import Header, ecg_files, read_header
from vqecg.records.folds import TRAINING_FOLD
from vqecg.records.label_tables import snomed_table
from vqecg.records.record import LeftOut, RecordTable

WORDS = {"normal": "SNR", "i-avb": "IAVB"}  # the headers of February 2020 name CPSC2018's classes so

_HEADERS_LOOKED_AT = 20  # a header without Dx among those of a Challenge set does not hide the layout
_BETWEEN_CODES = re.compile(r"[,;|]|(?<=\d)\s+(?=\d)")


@READERS.register("challenge", rank=20)
class ChallengeReader(DatasetReader):
    """The sets of the Challenges 2020 and 2021."""

    layout = ".hea headers with a #Dx line beside .mat files (PhysioNet/CinC Challenge 2020 and 2021), in any subfolder"

    def detect(self, root: Path) -> bool:
        """True where one of the first headers has a Dx line."""
        looked_at = 0
        for file in find_headers(root).files:
            try:
                if has_diagnoses(file.with_suffix("")):
                    return True
            except (ValueError, OSError):
                continue  # counted where the set is read
            looked_at += 1
            if looked_at == _HEADERS_LOOKED_AT:
                break
        return False

    def read_table(self, root: Path, options: ReadingOptions) -> RecordTable:
        """See `read_challenge`."""
        return read_challenge(root)


def comment_fields(comments: Iterable[str]) -> dict[str, str]:
    """The `key: value` lines of a header's comments, keys in lower case, repeated keys joined by commas."""
    fields: dict[str, str] = {}
    for comment in comments:
        key, colon, value = comment.partition(":")
        key = key.strip().strip("<>").lower()
        if colon and key:
            fields[key] = f"{fields[key]},{value.strip()}" if key in fields else value.strip()
    return fields


def has_diagnoses(path: str | Path) -> bool:
    """True where the header at `path` (without extension) has a Dx line, by which this layout differs from others."""
    return "dx" in comment_fields(read_header(path).comments)


def read_challenge(root: Path) -> RecordTable:
    """Every record with a header at or below `root`, in any subfolder, at its own sampling rate.

    Returns:
        statements are the Challenge's abbreviations (AF, IAVB, LBBB, ..., see labels.snomed_table), likelihood 0
        (unknown); a SNOMED code or word that the table lacks stays as it is and is counted in the description, as are
        headers without Dx. An age or sex that cannot be is unknown, and counted. A header that cannot be read, or
        whose signal file is not there, costs its record alone: it is counted, and listed in `left_out`. The layout
        names no patients: every record counts as a patient of its own, and the folds are ours (parsing.with_folds);
        synthetic records, which say so in their headers, are in the training fold.

    Raises:
        ValueError: no header that can be read, no signal file, or one record name in two folders.
    """
    headers = find_headers(root)
    usable, unreadable, without_signal = _usable(headers)
    known = _known_codes()
    rows: dict[str, dict[str, object]] = {}
    strange: Counter[str] = Counter()
    tally = AttributeTally()
    without_diagnosis = 0
    for path, fields in usable.items():
        codes = _codes(fields.get("dx", ""))
        without_diagnosis += not codes
        strange.update(code for code in codes if code.lower() not in known)
        if path.name in rows:
            raise ValueError(f"{path.name} is in two folders, {rows[path.name]['path']} and {path}: read one at a time")
        rows[path.name] = {
            "record_id": path.name,
            "path": str(path.resolve()),
            "patient_id": path.name,
            "fold": TRAINING_FOLD if is_synthetic(fields) else 0,
            **tally.of_row({"sex": fields.get("gender", "")} | fields),
            "statements": statements_of(fields),
            "source": "challenge",
        }
    left_out = (*unreadable, *without_signal)
    if not rows:
        first = f"; the first: {left_out[0].detail}" if left_out else ""
        raise ValueError(
            f"{root}: {len(left_out)} headers, none with its signal file; expected .hea and .mat in pairs{first}"
        )
    records, note = _with_folds(record_frame(rows.values()))
    text = f"Challenge 2020/2021 layout, {len(rows):,} records{listed('unreadable headers', unreadable)}"
    text += listed("headers without signal file", without_signal) + _without_header(root, headers.files)
    if without_diagnosis:
        text += f"; {without_diagnosis:,} without diagnosis"
    if strange:
        most = ", ".join(f"{code} ({count:,})" for code, count in strange.most_common(5))
        text += f"; {len(strange):,} codes outside the Challenge's map kept as they are: {most}"
    return RecordTable(records, "challenge", text + tally.note + note, left_out=left_out)


def _usable(headers: FoundFiles) -> tuple[dict[Path, dict[str, str]], list[LeftOut], list[LeftOut]]:
    """Comment fields by path of the record; the records whose header cannot be read; those without signal file."""
    unreadable = [LeftOut(path.stem, UNREADABLE, f"{path} is {what}") for path, what in headers.odd.items()]
    without_signal: list[LeftOut] = []
    usable: dict[Path, dict[str, str]] = {}
    for file in headers.files:
        path = file.with_suffix("")
        try:
            header = naming(file, read_header, path)
        except ValueError as error:
            unreadable.append(LeftOut(path.name, UNREADABLE, str(error)))
            continue
        lost = _lost_file(file.parent, header)
        if lost:
            detail = f"{file} names {lost}, and no such file is there: copy or download it again"
            without_signal.append(LeftOut(path.name, UNREADABLE, detail))
        else:
            usable[path] = comment_fields(header.comments)
    return usable, unreadable, without_signal


def statements_of(fields: Mapping[str, str]) -> dict[str, float]:
    """The statements of a header's Dx line by the Challenge's abbreviations, each with the likelihood 0 (unknown)."""
    return {_known_codes().get(code.lower(), code): 0.0 for code in _codes(fields.get("dx", ""))}


def is_synthetic(fields: Mapping[str, str]) -> bool:
    """True for the header of a record that this package wrote: it must not be validated or tested on."""
    return any(fields.get(field, "").lower() == "yes" for field in ("synthetic", "copy of a recording"))


def _with_folds(records: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Folds for the recordings, and a note; synthetic records have theirs."""
    synthetic = records["fold"] == TRAINING_FOLD
    if not synthetic.any():
        return with_folds(records)
    recordings, note = with_folds(records[~synthetic]) if not synthetic.all() else (records[:0], "")
    folds = recordings["fold"].reindex(records.index, fill_value=TRAINING_FOLD)
    return records.assign(fold=folds), f"{note}; {synthetic.sum():,} synthetic records, in fold {TRAINING_FOLD}"


@cache
def _known_codes() -> dict[str, str]:
    """SNOMED code, abbreviation or name, in lower case -> the abbreviation."""
    table = snomed_table()
    known: dict[str, str] = {}
    for column in ("name", "abbreviation", "snomed"):
        known |= dict(zip(table[column].str.lower(), table["abbreviation"], strict=True))
    known |= WORDS
    known.pop("", None)
    return known


def _lost_file(folder: Path, header: Header) -> str | None:
    """The first signal file with ECG that a header names and that is not there."""
    return next((name for name in ecg_files(header) if not os.path.isfile(folder / name)), None)


def _without_header(root: Path, headers: list[Path]) -> str:
    """A note on signal files that no header describes."""
    described = {file.with_suffix("") for file in headers}
    alone = sum(file.with_suffix("") not in described for file in find_files(root, ".mat").files)
    return f"; {alone:,} .mat files without header left out" if alone else ""


def _codes(cell: str) -> list[str]:
    """The codes or words of a Dx line, without the words for unknown."""
    pieces = [piece.strip(" []'\"\t") for piece in _BETWEEN_CODES.split(cell)]
    codes = [printable(re.sub(r"^([0-9]+)\.0+$", r"\1", piece)) for piece in pieces]
    return [code for code in codes if code.lower() not in UNKNOWN]
