"""One writer of an output at a time: a lock beside it, and what killed writers left taken away."""

import errno
import fcntl
import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# half-written outputs and replaced ones (records/files/atomic.py), by the number of the process that wrote
FOLDER = re.compile(r"\.(?P<name>.*)\.(?P<kind>partial|replaced)-(?P<process>\d+)-[0-9a-f]{8}")
FILE = re.compile(r"\.partial-(?P<process>\d+)-[0-9a-f]{8}-.+")
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
HELD: dict[Path, int] = {}  # lock -> thread of this process that has it: a step may lock what its command has locked


def lock_beside(output: Path) -> Path:
    """The file that is locked while `output`, a folder or a file, is written. ValueError for a link to itself."""
    try:
        output = Path(output).resolve()
    except RuntimeError as error:  # Python's word for a link that leads to itself
        raise ValueError(f"{output} cannot be written: {error}") from error
    return output.with_name(f".{output.name}.lock")


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Holds the lock of an output for the length of a `with` block, and takes away what killed writers of it left.

    The system gives the lock back however the process ends, and a file that stays then does no harm. Of the processes
    of one job (RANK) the main one alone takes it. Raises ValueError while another process has it.
    """
    path = lock_beside(output)
    if os.environ.get("RANK", "0") != "0" or HELD.get(path) == threading.get_ident():
        yield
        return
    missing = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = take(path, output)
    HELD[path] = threading.get_ident()
    try:
        remove_left(Path(output).resolve())
        yield
    finally:
        del HELD[path]
        path.unlink(missing_ok=True)  # while it is held, or another process could have taken it
        os.close(descriptor)
        for folder in missing:  # nothing was written there
            if not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()


def take(path: Path, output: Path) -> int:
    """The descriptor of the locked file. Raises ValueError, with the number of the process that has it."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            if error.errno in DISK_FULL:  # for the command to say, as of every write
                raise
            raise ValueError(f"{output} cannot be written ({error.strerror}): give another path") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, str(os.getpid()).encode())
                return descriptor
            os.close(descriptor)  # its holder was just done and deleted it
        except BlockingIOError as error:
            holder = os.read(descriptor, 20).decode("ascii", "replace") or "unknown"
            os.close(descriptor)
            raise ValueError(
                f"another process (pid {holder}) is writing {output}: wait for it, or give another folder"
            ) from error
        except BaseException:
            os.close(descriptor)
            raise


def remove_left(output: Path) -> None:
    """Deletes half-written files and folders of processes that are gone, in and beside an output.

    An output that was moved aside comes back where nothing has taken its place.
    """
    beside = [
        path for pattern in (f".{output.name}.*", f".partial-*-{output.name}") for path in output.parent.glob(pattern)
    ]
    for path in [*beside, *(output.rglob(".*") if output.is_dir() else ())]:
        match = FOLDER.fullmatch(path.name) or FILE.fullmatch(path.name)
        if match is None or is_running(int(match["process"])):
            continue
        named = match.groupdict()
        if named.get("kind") == "replaced" and not path.with_name(named["name"]).exists():
            os.replace(path, path.with_name(named["name"]))
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """True for the number of a process that there is."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
