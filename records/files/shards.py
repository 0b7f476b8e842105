"""Long work in shards: files of a few hundred records each, written whole or not at all, by this process or by several,
so that the same work goes on where it was interrupted."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from vqecg.records.files.atomic import PARTIAL, atomic_file
from vqecg.records.files.lock import locked
from vqecg.records.files.progress import Progress
from vqecg.records.files.worker_pool import finished_tasks

SHARD_RECORDS = 256  # 4 MB of signals at 100 Hz
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
        with atomic_file(self.path) as aside, aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a shard could be empty after a power cut
        return self.records


def shards_beside(folder: Path) -> Path:
    """The folder in which the finished shards of an interrupted `folder` wait."""
    folder = Path(folder).resolve()
    return folder.with_name(f".{folder.name}.shards")


@contextmanager
def shard_folder(folder: Path, inputs: str) -> Iterator[Path]:
    """A folder beside `folder` for shards that are made from `inputs` (a fingerprint); deleted when the block ends.

    After an interruption or an OSError the finished shards stay, for the next block with the same folder and inputs;
    those of other inputs are deleted. Raises ValueError while another process works on the same folder.
    """
    place = shards_beside(folder)
    with locked(folder):
        place.mkdir(parents=True, exist_ok=True)
        try:
            _keep_only(place, inputs)
            yield place
        except BaseException as error:
            # bad input stays bad: only what an interruption, a full disk or a lost worker left is worth keeping
            again = isinstance(error, KeyboardInterrupt | OSError) and any(place.glob(f"[0-9]*{ENDING}"))
            if not again:
                shutil.rmtree(place)
            raise
        shutil.rmtree(place)


def _keep_only(place: Path, inputs: str) -> None:
    """Delete what is half written, and the shards of other inputs."""
    mark = place / "inputs"
    wanted = f"{inputs}, {SHARD_RECORDS} records a shard"
    same = mark.is_file() and mark.read_text("utf-8") == wanted
    for path in place.glob(f"{PARTIAL}*" if same else f"*{ENDING}*"):
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
    spans = [(start, min(start + SHARD_RECORDS, records)) for start in range(0, records, SHARD_RECORDS)]
    paths = [place / f"{start:010d}{ENDING}" for start, _ in spans]
    missing = [(span, path) for span, path in zip(spans, paths, strict=True) if not path.is_file()]
    todo = sum(stop - start for (start, stop), _ in missing)
    tasks = (ShardTask(content(*span), path, span[1] - span[0]) for span, path in missing)
    with (
        Progress[None](
            total=records,
            initial=records - todo,
            description=description,
            unit="record",
            shown=progress,
        ) as bar,
        closing(finished_tasks(tasks, workers, len(missing))) as finished,  # closing stops the workers after Ctrl-C too
    ):
        for _, count in finished:
            bar.update(count)
    return paths
