"""A plain folder of WFDB records: the names of their files, and how such a folder is known again."""

import re
from itertools import count
from pathlib import Path

from vqecg.records.files.checksums import SUMS_FILE

NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")  # WFDB allows no more
MARK = "by vqecg"  # in the comments of every header of such a folder
LONGEST_NAME = 100  # characters of a file's name


def file_name(record_id: str, names: set[str]) -> str:
    """A name for the files of a record that no other has, added to `names`."""
    stem = NOT_IN_NAMES.sub("-", record_id)[:LONGEST_NAME] or "record"
    name = next(name for number in count(1) if (name := stem if number == 1 else f"{stem}-{number}") not in names)
    names.add(name)
    return name


def holds_records(folder: Path) -> bool:
    """True for a folder of earlier output: checksums, and headers that say that vqecg wrote them."""
    headers = sorted(folder.glob("*.hea"))
    return (folder / SUMS_FILE).is_file() and bool(headers) and MARK in headers[0].read_text("utf-8", "replace")
