"""Tasks that take minutes, done by this process or by several new ones (spawn), one thread each."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess
from typing import TypeVar

from tqdm.auto import tqdm

from vqecg.records.files.shards import follow_parent

T = TypeVar("T")
ENDED = threading.Event()  # in a worker: SIGTERM has come
GRACE = 5.0  # s for workers to clean up


def run_tasks(
    tasks: Sequence[Callable[[], T]], workers: int = 1, description: str = "", unit: str = "run", progress: bool = True
) -> list[T]:
    """What the tasks return, in their order; with several workers tasks and results are sent between processes.

    Raises ValueError for fewer than one worker, ChildProcessError when one is killed, and what a task raises: then no
    further task is begun.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}, expected 1 or more")
    found: dict[int, T] = {}
    with tqdm(total=len(tasks), desc=description, unit=unit, disable=not progress, delay=2) as bar:
        if min(workers, len(tasks)) <= 1:
            for number, task in enumerate(tasks):
                found[number] = task()
                bar.update()
        else:
            others = active_children()
            executor = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=begin_worker)
            try:
                numbers = {executor.submit(unless_ended, task): number for number, task in enumerate(tasks)}
                for future in as_completed(numbers):
                    found[numbers[future]] = future.result()
                    bar.update()
            except BrokenProcessPool as error:
                raise ChildProcessError(
                    "a worker process was killed (out of memory?): the same command goes on, with fewer workers if "
                    "need be"
                ) from error
            except BaseException:
                executor.shutdown(wait=False, cancel_futures=True)
                stop([child for child in active_children() if child not in others])
                raise
            finally:
                executor.shutdown(wait=True, cancel_futures=True)
    return [found[number] for number in range(len(tasks))]


def stop(workers: Sequence[BaseProcess]) -> None:
    """Ends workers in the middle of their tasks, after some time to clean up: a training may have minutes to go."""
    for worker in workers:
        worker.terminate()
    until = time.monotonic() + GRACE
    for worker in workers:
        worker.join(max(0.0, until - time.monotonic()))
        worker.kill()


def begin_worker() -> None:
    """One thread; Ctrl-C and the end are the parent's (records/files/shards.py), SIGTERM is this process's own."""
    import torch  # here, so that reading records does not wait for torch

    torch.set_num_threads(1)
    follow_parent()
    signal.signal(signal.SIGTERM, end)


def end(number: int, frame: object) -> None:
    """Ends the task, which cleans up what is half written. The pool's own loop would go on to the next one."""
    ENDED.set()
    sys.exit(1)


def unless_ended(task: Callable[[], T]) -> T:
    """Does the task, or nothing in a worker that has been told to end."""
    if ENDED.is_set():
        sys.exit(1)
    return task()
