"""SHA256SUMS.txt: the sha256 of every file of an output, so that damage shows later. `sha256sum -c` reads it, too."""

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

SUMS_FILE = "SHA256SUMS.txt"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def write_checksums(folder: Path, names: Iterable[str] | None = None) -> None:
    """Writes the sums of the files in `folder`: of `names` alone, or of all, sub-folders too.

    Not among them are hidden files, and sub-folders that have sums of their own.
    """
    folder = Path(folder)
    chosen = sorted(_files(folder) if names is None else names)
    lines = [f"{file_sha256(folder / name)}  {name}\n" for name in chosen]
    aside = folder / f".{SUMS_FILE}"  # hidden, so that it is in no sums itself
    aside.write_text("".join(lines), "utf-8")
    os.replace(aside, folder / SUMS_FILE)


def checksum_faults(folder: Path, further: bool = True) -> list[str]:
    """The files that are damaged or missing by a folder's sums, in words, each with its path; none if all are right.

    With `further`, files that the sums do not name are faults too. Raises ValueError where there are no sums.
    """
    folder = Path(folder)
    path = folder / SUMS_FILE
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError:
        return [f"{path} is damaged (no text)"]
    matches = [_LINE.fullmatch(line) for line in text.split("\n")[:-1]]
    if not text.endswith("\n") or not all(matches):
        return [f"{path} is damaged (a line is no sum and name)"]
    sums = {match[2]: match[1] for match in matches if match}
    faults = [_fault(folder, name, wanted) for name, wanted in sums.items()]
    extra = sorted(_files(folder) - set(sums)) if further else []
    return [*filter(None, faults), *(f"{folder / name} is extra" for name in extra)]


def file_sha256(path: Path) -> str:
    """sha256 hex of a file, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fault(folder: Path, name: str, wanted: str) -> str:
    """The fault of one file, "" for none. A name that leads out of the folder is a fault of the sums."""
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        return f"{folder / SUMS_FILE} is damaged (it names {name})"
    if not path.is_file():
        return f"{path} is missing"
    try:
        return "" if file_sha256(path) == wanted else f"{path} is damaged"
    except OSError as error:
        return f"{path} cannot be read ({error.strerror or error})"


def _files(folder: Path) -> set[str]:
    """The files of an output by their paths below `folder`."""
    names = set[str]()
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name == SUMS_FILE:
            continue
        if not path.is_dir():
            names.add(path.name)
        elif not (path / SUMS_FILE).is_file():
            names |= {f"{path.name}/{name}" for name in _files(path)}
    return names
