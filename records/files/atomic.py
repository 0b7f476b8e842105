"""Files and folders written whole or not at all: aside first, then in one rename.

What a killed process left aside is removed by the next process that writes beside it. The name of what is half written
says who writes it, so that nothing of a living process, another machine or container is touched.
"""

import os
import re
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

PARTIAL = ".partial-"  # the name of a half-written file begins so
_MARK = r"(?P<pid>\d+)-(?P<place>[0-9a-f]{8})-[0-9a-f]{8}"
_LEFT = re.compile(rf"\.(?:(?P<name>.+)\.)?(?P<kind>partial|replaced)-{_MARK}(?:-.+)?", re.DOTALL)


def check_destination(folder: Path, is_ours: Callable[[Path], bool], overwrite: bool) -> None:
    """Refuse to write over what must not be lost; an absent or empty folder is always fine.

    `is_ours` tells whether an existing folder is an earlier output of the same kind. Raises ValueError when it is and
    `overwrite` is False, and always when it is not: a mistyped path must not delete somebody's data.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file, expected a folder or nothing there: give another path")
    if not any(folder.iterdir()):
        return
    if not is_ours(folder):
        names = ", ".join(sorted(path.name for path in folder.iterdir())[:5])
        raise ValueError(f"{folder} holds something else ({names}); delete it yourself or give another path")
    if not overwrite:
        raise ValueError(f"{folder} already holds an earlier output; ask for overwrite or give another path")


def check_file(path: Path, overwrite: bool) -> None:
    """Raises ValueError for a file to write that is there already, unless it is to be overwritten, or is a folder."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder, expected a file or nothing there: give another path")
    if path.exists() and not overwrite:
        raise ValueError(f"{path} is there already: give another path, or --overwrite")


@contextmanager
def atomic_folder(folder: Path, is_ours: Callable[[Path], bool], overwrite: bool = False) -> Iterator[Path]:
    """A new folder beside `folder` to write into, which takes its place when the block ends without an exception.

    After any exception (a full disk, Ctrl-C) the new folder is deleted and an old one is as it was. Raises ValueError
    as `check_destination` does.
    """
    folder = Path(folder).resolve()  # aside on the same file system, also behind a symbolic link
    check_destination(folder, is_ours, overwrite)
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_left_over(folder.parent)
    mark = _mark()
    new, old = (folder.with_name(f".{folder.name}.{kind}-{mark}") for kind in ("partial", "replaced"))
    new.mkdir()
    try:
        yield new
        check_destination(folder, is_ours, overwrite)  # somebody may have written there meanwhile
        if folder.exists():
            os.replace(folder, old)
        os.replace(new, folder)
    finally:
        if old.exists() and not folder.exists():
            os.replace(old, folder)  # stopped between the two renames
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, renamed to `path` when the block ends without an exception, else deleted.

    The path ends as `path` does, for writers that choose the format by it.
    """
    path = Path(path)
    remove_left_over(path.parent)
    aside = path.with_name(f"{PARTIAL}{_mark()}-{path.name}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all."""
    with atomic_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


def remove_left_over(folder: Path) -> None:
    """Removes what killed processes left half written in `folder`; looked for once a process.

    A folder that was to be replaced when the process was killed between two renames is put back.
    """
    _remove_left_over(Path(os.path.abspath(folder)), os.getpid())


@lru_cache(maxsize=1024)
def _remove_left_over(folder: Path, process: int) -> None:
    try:
        names = os.listdir(folder)
    except OSError:
        return  # whoever writes there will say why it cannot be
    for name in names:
        match = _LEFT.fullmatch(name)
        if match is None or match["place"] != _place() or _is_alive(int(match["pid"])):
            continue
        path, replaced = folder / name, folder / (match["name"] or "")
        if match["kind"] == "replaced" and match["name"] and not replaced.exists():
            with suppress(FileNotFoundError):  # another process was faster
                os.replace(path, replaced)
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _mark() -> str:
    """A name of its own for each thing half written, which says who writes it."""
    return f"{os.getpid()}-{_place()}-{secrets.token_hex(4)}"


@cache
def _place() -> str:
    """Eight hex digits for the machine, since it was started, and the container: where a process's number means it."""
    parts = [socket.gethostname()]
    try:
        parts += [Path("/proc/sys/kernel/random/boot_id").read_text("utf-8"), os.readlink("/proc/self/ns/pid")]
    except OSError:
        parts.append("no proc")  # another system than Linux
    return sha256(" ".join(parts).encode()).hexdigest()[:8]


def _is_alive(pid: int) -> bool:
    """True for the number of a process that there is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
