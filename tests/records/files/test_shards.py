"""Work in shards: only what is missing is done, nothing half written stays, and other inputs begin anew."""

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from vqecg.records.files.shards import SHARD_RECORDS, fill_shards, shard_folder

RECORDS = 2 * SHARD_RECORDS + 10


def content(start: int, stop: int) -> Callable[[], bytes]:
    return partial(str.encode, f"{start} to {stop}")  # nothing of this file, which a worker could not import


def test_shards_are_in_order_and_hold_every_record_once(tmp_path: Path) -> None:
    paths = fill_shards(tmp_path, RECORDS, content, progress=False)
    assert [path.read_bytes().decode() for path in paths] == ["0 to 256", "256 to 512", "512 to 522"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in paths]


@pytest.mark.slow
def test_several_workers_write_the_same(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "three")]
    for folder, workers in zip(folders, (1, 3), strict=True):
        folder.mkdir()
        fill_shards(folder, RECORDS, content, workers, progress=False)
    one, three = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert one == three and len(one) == 3


def test_only_what_is_missing_is_done(tmp_path: Path) -> None:
    made: list[int] = []

    def noted(start: int, stop: int) -> Callable[[], bytes]:
        made.append(start)
        return content(start, stop)

    first = fill_shards(tmp_path, RECORDS, noted, progress=False)
    first[1].unlink()
    assert fill_shards(tmp_path, RECORDS, noted, progress=False) == first
    assert made == [0, 256, 512, 256]


def test_no_worker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="workers is 0, expected 1 or more"):
        fill_shards(tmp_path, RECORDS, content, workers=0, progress=False)


def stop_after_one(folder: Path, inputs: str, error: BaseException) -> None:
    """Finishes one shard, and fails with a second one half written."""
    with shard_folder(folder, inputs) as place:
        fill_shards(place, SHARD_RECORDS, content, progress=False)
        (place / ".partial-12-34-0000000256.shard").write_bytes(b"half")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_finished_shards_wait_for_the_same_inputs_and_go_with_others(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        stop_after_one(tmp_path / "out", "a", error)
    with pytest.raises(ZeroDivisionError), shard_folder(tmp_path / "out", "a") as place:
        assert [path.name for path in place.glob("*.*")] == ["0000000000.shard"], "and nothing half written"
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == [], "an error that comes again keeps nothing"
    with pytest.raises(type(error)):
        stop_after_one(tmp_path / "out", "a", error)
    with shard_folder(tmp_path / "out", "b") as place:
        assert not list(place.glob("*.*"))
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_before_the_first_shard_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), shard_folder(tmp_path / "out", "a"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_two_at_the_same_folder_are_refused(tmp_path: Path) -> None:
    with shard_folder(tmp_path / "out", "a") as place:
        (place / "0000000000.shard").touch()

        def another() -> None:
            with shard_folder(tmp_path / "out", "a"):
                pass

        with pytest.raises(ValueError, match=r"another process \(pid \d+\) is writing"), ThreadPoolExecutor(1) as pool:
            pool.submit(another).result()
        assert (place / "0000000000.shard").exists()


@pytest.mark.slow
def test_a_killed_worker_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    def killed(start: int, stop: int) -> Callable[[], bytes]:
        last: Any = partial(signal.raise_signal, signal.SIGKILL)  # never comes to return bytes
        return last

    with pytest.raises(ChildProcessError, match="a worker process was killed"):
        fill_shards(tmp_path, RECORDS, killed, workers=2, progress=False)
    assert list(tmp_path.iterdir()) == []
