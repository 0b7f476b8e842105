"""Files and folders written whole or not at all: aside first, then in one rename."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".partial-"  # the name of a half-written file begins so


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


@contextmanager
def atomic_folder(folder: Path, is_ours: Callable[[Path], bool], overwrite: bool = False) -> Iterator[Path]:
    """A new folder beside `folder` to write into, which takes its place when the block ends without an exception.

    After any exception (a full disk, Ctrl-C) the new folder is deleted and an old one is as it was. Raises ValueError
    as `check_destination` does.
    """
    folder = Path(folder).resolve()  # aside on the same file system, also behind a symbolic link
    check_destination(folder, is_ours, overwrite)
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = f"{os.getpid()}-{secrets.token_hex(4)}"
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
    aside = path.with_name(f"{PARTIAL}{os.getpid()}-{secrets.token_hex(4)}-{path.name}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8, whole or not at all."""
    with atomic_file(path) as aside:
        aside.write_text(text, encoding="utf-8")
