"""The layout of the PhysioNet/CinC Challenges 2020 and 2021: a .hea header and a MATLAB v4 .mat for every record.

Perez Alday et al., Physiol Meas 41:124003 (2020); Reyna et al., CinC 2021. A header's comments hold age, sex and
diagnoses: `#Dx: RBBB` in words (February 2020), `#Dx: 59118001` (2020), `# Dx: 59118001,426783006` (2021).
"""

import os
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from vqecg.records.attributes import ATTRIBUTES, UNKNOWN, Attribute
from vqecg.records.datasets.parsing import record_frame, with_folds
from vqecg.records.datasets.reader import READERS, DatasetReader, ReadingOptions
from vqecg.records.datasets.wfdb_reading import Header, read_header
from vqecg.records.label_tables import snomed_table
from vqecg.records.record import RecordTable

WORDS = {"normal": "SNR", "i-avb": "IAVB"}  # the headers of February 2020 name CPSC2018's classes so


_HEADERS_LOOKED_AT = 20  # a header without Dx among those of a Challenge set does not hide the layout


@READERS.register("challenge", rank=20)
class ChallengeReader(DatasetReader):
    """The sets of the Challenges 2020 and 2021."""

    layout = ".hea headers with a #Dx line beside .mat files (PhysioNet/CinC Challenge 2020 and 2021), in any subfolder"

    def detect(self, root: Path) -> bool:
        """True where one of the first headers has a Dx line."""
        return any(has_diagnoses(file.with_suffix("")) for file in islice(root.rglob("*.hea"), _HEADERS_LOOKED_AT))

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
        headers without their signal file, which are left out, and headers without Dx. An age or sex that does not
        parse is unknown. The layout names no patients: every record counts as a patient of its own, and the folds are
        ours (parsing.with_folds).

    Raises:
        ValueError: no header, no signal file, a header that does not parse, or one record name in two folders.
    """
    headers = sorted(root.rglob("*.hea"))
    table = snomed_table()
    known = dict(zip(table["snomed"], table["abbreviation"], strict=True))
    known |= {abbreviation.lower(): abbreviation for abbreviation in table["abbreviation"]} | WORDS
    known.pop("", None)
    rows: dict[str, dict[str, object]] = {}
    strange: Counter[str] = Counter()
    without_signal = without_diagnosis = 0
    for file in headers:
        path = file.with_suffix("")
        header = read_header(path)
        if not _has_signal(file.parent, header):
            without_signal += 1
            continue
        fields = comment_fields(header.comments)
        codes = _codes(fields.get("dx", ""))
        without_diagnosis += not codes
        strange.update(code for code in codes if code.lower() not in known)
        statements = {known.get(code.lower(), code): 0.0 for code in codes}
        if file.stem in rows:
            raise ValueError(f"{file.stem} is in two folders, {rows[file.stem]['path']} and {path}: read one at a time")
        rows[file.stem] = _row(path, fields, statements)
    if not rows:
        raise ValueError(f"{root}: {len(headers)} headers, none with its signal file; expected .hea and .mat in pairs")
    records, note = with_folds(record_frame(rows.values()))
    description = _describe(len(rows), without_signal, without_diagnosis, strange) + note
    return RecordTable(records, "challenge", description)


def _has_signal(folder: Path, header: Header) -> bool:
    """True where the files that the header names are there."""
    return all(os.path.isfile(folder / name) for name in {channel.file_name for channel in header.channels})


def _codes(cell: str) -> list[str]:
    """The codes or words of a Dx line, without the words for unknown."""
    codes = [code.strip() for code in cell.split(",")]
    return [code for code in codes if code.lower() not in UNKNOWN]


def _row(path: Path, fields: dict[str, str], statements: dict[str, float]) -> dict[str, object]:
    """One row of the record table."""
    return {
        "record_id": path.name,
        "path": str(path.resolve()),
        "patient_id": path.name,
        "fold": 0,
        **{name: _value(attribute, {"sex": fields.get("gender", "")} | fields) for name, attribute in ATTRIBUTES},
        "statements": statements,
        "source": "challenge",
    }


def _value(attribute: Attribute, fields: dict[str, str]) -> Any:
    """The attribute, unknown for text that it refuses: one odd header among 88,000 should not stop the others."""
    try:
        return attribute.of_row(fields)
    except ValueError:
        return attribute.unknown


def _describe(records: int, without_signal: int, without_diagnosis: int, strange: Counter[str]) -> str:
    """The records and what was left out of them, for people."""
    text = f"Challenge 2020/2021 layout, {records:,} records"
    if without_signal:
        text += f"; {without_signal:,} headers without signal file left out"
    if without_diagnosis:
        text += f"; {without_diagnosis:,} without diagnosis"
    if strange:
        most = ", ".join(f"{code} ({count:,})" for code, count in strange.most_common(5))
        text += f"; {len(strange):,} codes outside the Challenge's map kept as they are: {most}"
    return text
