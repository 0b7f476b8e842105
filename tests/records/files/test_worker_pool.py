"""Long tasks: results in order, errors as they are, the same from one process and from several."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from vqecg.records.files.worker_pool import run_tasks


@dataclass(frozen=True)
class Square:
    """A task that can be sent to another process."""

    number: int

    def __call__(self) -> tuple[int, int]:
        if self.number < 0:
            raise ValueError(f"{self.number} is below 0")
        if self.number == 99:
            os._exit(3)
        return self.number**2, os.getpid()


@dataclass(frozen=True)
class Work:
    """A task that says when it begins, takes its time, and cleans up."""

    number: int
    folder: Path

    def __call__(self) -> None:
        if self.number == 1:
            (self.folder / "begun-1").touch()
            raise ValueError("task 1 fails")
        begun = self.folder / f"begun-{self.number}"
        try:  # before it says that it has begun, or its end could come in between
            begun.touch()
            time.sleep(60)
        finally:
            if begun.exists():  # its end may come before it could say so
                (self.folder / f"cleaned-{self.number}").touch()


def test_results_are_in_the_order_of_the_tasks_and_errors_come_through():
    assert [found[0] for found in run_tasks([Square(n) for n in (3, 1, 2)], progress=False)] == [9, 1, 4]
    assert run_tasks([], workers=2, progress=False) == []
    with pytest.raises(ValueError, match="workers is 0"):
        run_tasks([], workers=0)
    with pytest.raises(ValueError, match="-1 is below 0"):
        run_tasks([Square(-1)], progress=False)


@pytest.mark.slow
def test_several_processes_do_the_same_and_a_killed_one_is_told():
    found = run_tasks([Square(n) for n in range(6)], workers=2, progress=False)
    assert [value for value, _ in found] == [0, 1, 4, 9, 16, 25]
    assert os.getpid() not in {process for _, process in found}
    with pytest.raises(ValueError, match="-1 is below 0"):
        run_tasks([Square(-1), Square(2)], workers=2, progress=False)
    with pytest.raises(ChildProcessError, match="the same command goes on"):
        run_tasks([Square(99), Square(2)], workers=2, progress=False)


@pytest.mark.slow
def test_after_an_error_no_task_is_begun_and_what_runs_cleans_up(tmp_path: Path):
    with pytest.raises(ValueError, match="task 1 fails"):
        run_tasks([Work(number, tmp_path) for number in range(6)], workers=2, progress=False)
    begun = {path.name.removeprefix("begun-") for path in tmp_path.glob("begun-*")}
    cleaned = {path.name.removeprefix("cleaned-") for path in tmp_path.glob("cleaned-*")}
    assert "1" in begun and begun <= {"0", "1", "2"} and cleaned == begun - {"1"}
