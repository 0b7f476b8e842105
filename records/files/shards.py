"""Long work in shards: files of a few hundred records each, written whole or not at all, by this process or by several,
so that the same work goes on where it was interrupted."""

import fcntl
import os
import secrets
import shutil
import signal
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

from tqdm import tqdm

SHARD_RECORDS = 256  # 4 MB of signals at 100 Hz
AHEAD = 2  # shards a worker that are under way or wait: bounds the memory
ENDING = ".shard"


@dataclass(frozen=True)
class ShardTask:
    """One shard to write; can be sent to another process if `content` can."""

    content: Callable[[], bytes]  # makes what the shard is to hold
    path: Path
    records: int

    def __call__(self) -> int:
        """Writes the shard, aside first, and returns how many records it stands for."""
        content = self.content()
        aside = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}.partial")
        try:
            with aside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # or a shard could be empty after a power cut
            os.replace(aside, self.path)
        finally:
            aside.unlink(missing_ok=True)
        return self.records


def shards_beside(folder: Path) -> Path:
    """Where the finished shards of an interrupted `folder` wait."""
    folder = Path(folder).resolve()
    return folder.with_name(f".{folder.name}.shards")


@contextmanager
def shard_folder(folder: Path, inputs: str) -> Iterator[Path]:
    """A folder beside `folder` for shards that are made from `inputs` (a fingerprint); deleted when the block ends.

    After an interruption or an OSError the finished shards stay, for the next block with the same folder and inputs;
    those of other inputs are deleted. Raises ValueError while another process works on the same folder.
    """
    place = shards_beside(folder)
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system gives it back, however the process ends
        except BlockingIOError as error:
            raise ValueError(f"another process is writing {folder}: wait for it, or give another folder") from error
        try:
            _keep_only(place, inputs)
            yield place
        except BaseException as error:
            # bad input stays bad: only what an interruption, a full disk or a lost worker left is worth keeping
            again = isinstance(error, KeyboardInterrupt | OSError) and any(place.glob(f"*{ENDING}"))
            if not again:
                shutil.rmtree(place)
            raise
        shutil.rmtree(place)


def _keep_only(place: Path, inputs: str) -> None:
    """Delete what is half written, and the shards of other inputs."""
    mark = place / "inputs"
    wanted = f"{inputs}, {SHARD_RECORDS} records a shard"
    same = mark.is_file() and mark.read_text("utf-8") == wanted
    for path in place.glob("*.partial" if same else f"*{ENDING}*"):
        path.unlink()
    if not same:
        mark.write_text(wanted, "utf-8")


def fill_shards(
    place: Path,
    records: int,
    content: Callable[[int, int], Callable[[], bytes]],
    workers: int = 1,
    description: str = "",
    progress: bool = True,
) -> list[Path]:
    """Write the shards that are missing in `place` and return all of them, in the order of records.

    `content(start, stop)` gives the function that makes the shard of the records from `start` to before `stop`.
    Several workers are new processes (spawn), a few shards each under way: what is to run there must be importable.

    Raises ValueError for fewer than one worker, ChildProcessError when one is killed, and what making a shard raises.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}, expected 1 or more")
    spans = [(start, min(start + SHARD_RECORDS, records)) for start in range(0, records, SHARD_RECORDS)]
    paths = [place / f"{start:010d}{ENDING}" for start, _ in spans]
    missing = [(span, path) for span, path in zip(spans, paths, strict=True) if not path.is_file()]
    todo = sum(stop - start for (start, stop), _ in missing)
    tasks = (ShardTask(content(*span), path, span[1] - span[0]) for span, path in missing)
    with (
        tqdm(
            total=records,
            initial=records - todo,
            desc=description,
            unit="record",
            disable=not progress,
            delay=2,
        ) as bar,
        closing(_run(tasks, min(workers, len(missing)))) as counts,  # closing stops the workers after Ctrl-C too
    ):
        for count in counts:
            bar.update(count)
    return paths


def _run(tasks: Iterator[ShardTask], workers: int) -> Generator[int]:
    """Run the tasks, in any order when there are several workers, and yield what they return."""
    if workers <= 1:
        for task in tasks:
            yield task()
        return
    executor = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=follow_parent)
    pending: set[Future[int]] = set()
    try:
        for task in tasks:
            pending.add(executor.submit(task))
            if len(pending) >= AHEAD * workers:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        yield from (future.result() for future in as_completed(pending))
    except BrokenProcessPool as error:
        raise ChildProcessError(
            "a worker process was killed (out of memory?): the same command goes on, with fewer workers if need be"
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def follow_parent() -> None:
    """Leave Ctrl-C, which reaches every process of a terminal, to the parent, and end with it if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
