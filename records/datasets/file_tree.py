"""The files of a data set: those of an ending below its folder, and the one that a cell of a csv names.

Links are the user's own wish: a linked file is read, and a linked sub-folder is searched as if it lay in the data set.
What a csv says is not: a path that leads out of the folder is refused before anything is opened.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

PASSED_OVER = ("__MACOSX", "lost+found")  # folders that no publisher fills
RECORD_ENDINGS = re.compile(r"\.(hea|dat|mat)$", re.IGNORECASE)


class FoundFiles(NamedTuple):
    """The result of `find_files`, in the order of the paths."""

    files: list[Path]
    odd: dict[Path, str]  # an entry of such a name that is no file -> what it is, such as "a link to nothing"


def find_files(root: Path, *endings: str) -> FoundFiles:
    """The files at or below `root` with one of `endings` (".hea", in any case; none: all files), each once.

    Linked folders are searched too; one that was seen before, or that holds `root`, is not searched again. Hidden files
    and folders (a name that starts with a dot, as macOS' copies ._A0001.hea do) and __MACOSX are passed over. A FIFO, a
    device or a link to nothing is never listed as a file.

    Raises:
        ValueError: a folder that cannot be listed.
    """
    wanted = tuple(ending.lower() for ending in endings)
    files: list[Path] = []
    odd: dict[Path, str] = {}
    for entry in _entries(root):
        if wanted and not entry.name.lower().endswith(wanted):
            continue
        if _is_file(entry):
            files.append(Path(entry.path))
        elif entry.is_symlink() and not os.path.exists(entry.path):
            odd[Path(entry.path)] = "a link to nothing"
        else:
            odd[Path(entry.path)] = "no regular file"
    return FoundFiles(sorted(files), dict(sorted(odd.items())))


def files_in(folder: Path, ending: str = "") -> list[Path]:
    """The files directly in a folder, of one ending in any case or all, sorted; hidden ones are passed over.

    Raises ValueError for a folder that cannot be listed.
    """
    entries = [entry for entry in _listing(folder) if not is_passed_over(entry.name) and _is_file(entry)]
    return [Path(entry.path) for entry in entries if entry.name.lower().endswith(ending)]


def find_headers(root: Path) -> FoundFiles:
    """The WFDB headers at or below `root`, as `find_files`; `odd` also has those that WFDB finds no record by."""
    headers = find_files(root, ".hea")
    capitals = {
        file: "a header whose ending is not .hea in small letters" for file in headers.files if file.suffix != ".hea"
    }
    return FoundFiles(
        [file for file in headers.files if file not in capitals], dict(sorted((headers.odd | capitals).items()))
    )


def _entries(root: Path) -> Iterator[os.DirEntry[str]]:
    """Every entry below `root` that is no folder; linked folders come last, so that a file keeps its own place."""
    seen = {_identity(folder) for folder in root.resolve().parents}
    folders, linked = [os.fspath(root)], list[str]()
    while folders or linked:
        folder = folders.pop() if folders else linked.pop(0)
        entries = _listing(folder)
        identity = _identity(folder)
        if identity in seen:
            continue
        seen.add(identity)
        for entry in entries:
            if is_passed_over(entry.name):
                continue
            if not _is_folder(entry):
                yield entry
            else:
                (linked if entry.is_symlink() else folders).append(entry.path)


def _listing(folder: str | Path) -> list[os.DirEntry[str]]:
    """The entries of a folder, sorted by name. ValueError: it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise ValueError(
            f"the folder {folder} cannot be listed ({error.strerror}): allow it to be read, or move it away"
        ) from error


def is_passed_over(name: str) -> bool:
    """True for a hidden file or folder, and for one that a system leaves behind."""
    return name.startswith(".") or name in PASSED_OVER


def _identity(folder: str | Path) -> tuple[int, int]:
    """Device and number of a folder, the same by whatever path it is reached."""
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _is_file(entry: os.DirEntry[str]) -> bool:
    """True for a regular file and a link to one; False for a link in a circle."""
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """True for a folder and a link to one; False for a link in a circle."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def path_below(root: Path, cell: str) -> str:
    """The path below `root` that a cell names, with forward slashes and without `.` and `..`.

    An absolute path is understood where it lies in `root`, a link on the way to `root` included.

    Raises:
        ValueError: the path is empty, or leads out of `root`: it is absolute, climbs by `..`, or names a drive.
    """
    name = cell.strip()
    if not name:
        raise ValueError("no file name, expected one in every row")
    out = f"{name!r} leads out of the data set's folder {root}: give the path below that folder"
    if names_drive(name):
        raise ValueError(out)
    name = name.replace("\\", "/")
    if name.startswith("/"):
        real = os.path.join(os.path.realpath(os.path.dirname(name)), os.path.basename(name))
        for place, folder in ((os.path.normpath(name), root.absolute()), (real, root.resolve())):
            if Path(place).is_relative_to(folder):
                return Path(place).relative_to(folder).as_posix()
        raise ValueError(out)
    below = os.path.normpath(name).replace(os.sep, "/")
    if below == ".." or below.startswith("../"):
        raise ValueError(out)
    return below


def names_drive(name: str) -> bool:
    """True for a path of a Windows machine, which starts with the letter of a drive or the name of a server."""
    return bool(PureWindowsPath(name.strip()).drive) and not name.strip().startswith("//")


class RecordIndex:
    """The records of a folder by the names that a csv may give them."""

    def __init__(self, root: Path, files: Iterable[Path]) -> None:
        """Index `files`, each the file of one record somewhere below `root`."""
        self._root = root
        self._paths: dict[str, list[Path]] = {}
        self.files = list(files)
        for file in self.files:
            path = file.with_suffix("")
            for key in {_key(path.relative_to(root).as_posix()), _key(path.name)}:
                self._paths.setdefault(key, []).append(path)

    def find(self, cell: str) -> Path | None:
        """The record (path without extension) that a cell names; None where it is not there.

        A cell is a path below the folder, or a bare name that is unique below it, with or without extension, in any
        Unicode form. A path of another machine, of a drive or one that is not there, is matched by its last parts: the
        folder and the name, or the name alone of a record that lies directly in the folder.

        Raises:
            ValueError: no name, several records have it, or the path leads out of the folder (`path_below`).
        """
        if is_of_another_machine(self._root, cell):
            return self._find_by_last_parts(cell)
        name = path_below(self._root, cell)
        named = self._paths.get(_key(name)) or self._paths.get(_key(RECORD_ENDINGS.sub("", name)), [])
        keys = (_key(name), _key(RECORD_ENDINGS.sub("", name)))
        exact = [path for path in named if _key(path.relative_to(self._root).as_posix()) in keys]
        if len(named) > 1 and not ("/" in name and len(exact) == 1):
            raise ValueError(f"{len(named)} records are called {name!r}: give the path below the folder")
        return named[0] if named else None

    def _find_by_last_parts(self, cell: str) -> Path | None:
        """The record whose path below the folder ends like a path of another machine. ValueError: several do."""
        parts = _key(RECORD_ENDINGS.sub("", cell.strip().replace("\\", "/"))).split("/")
        common = {
            path: _common_end(parts, _key(path.relative_to(self._root).as_posix()).split("/"))
            for path in self._paths.get(parts[-1], [])
        }
        likely = {
            path: count for path, count in common.items() if count >= min(2, len(path.relative_to(self._root).parts))
        }
        best = [path for path, count in likely.items() if count == max(likely.values())]
        if len(best) > 1:
            raise ValueError(f"{len(best)} records end like {cell.strip()!r}: give the path below the folder")
        return best[0] if best else None


def is_of_another_machine(root: Path, cell: str) -> bool:
    """True for a path of a drive, and an absolute one that leads to no file of this machine and not into `root`."""
    if names_drive(cell):
        return True
    name = cell.strip().replace("\\", "/")
    if not name.startswith("/") or not name.strip("/") or ".." in name.split("/"):
        return False
    place = Path(name)
    if place.is_relative_to(root.absolute()) or place.is_relative_to(root.resolve()):
        return False
    return not any(os.path.lexists(place.with_name(place.name + ending)) for ending in ("", ".hea", ".dat", ".mat"))


def _key(name: str) -> str:
    """A name in one Unicode form: macOS writes the umlaut of a file name as two letters, most csv files as one."""
    return unicodedata.normalize("NFC", name)


def _common_end(first: list[str], second: list[str]) -> int:
    """The number of last parts that two paths share."""
    pairs = zip(reversed(first), reversed(second), strict=False)
    return next((count for count, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))
