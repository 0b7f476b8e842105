"""The one pool of processes: tasks done by this process or by several new ones (spawn)."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.process import BaseProcess
from typing import TypeVar

from vqecg.records.files.progress import Progress

T = TypeVar("T")
AHEAD = 2  # tasks per worker that are under way or wait: bounds the memory that their results take
ENDED = threading.Event()  # in a worker: SIGTERM has come
GRACE = 5.0  # s for workers to clean up


def run_tasks(
    tasks: Sequence[Callable[[], T]], workers: int = 1, description: str = "", unit: str = "run", progress: bool = True
) -> list[T]:
    """The results of tasks that take minutes, in their order; several workers compute with one torch thread each.

    Tasks and results are sent between processes. Raises ValueError for fewer than one worker, ChildProcessError when
    one is killed, and what a task raises: then no further task is begun, and those that run are ended.
    """
    results: dict[int, T] = {}
    with (
        Progress[None](total=len(tasks), description=description, unit=unit, shown=progress) as bar,
        closing(finished_tasks(tasks, workers, len(tasks), long=True)) as finished,
    ):
        for number, result in finished:
            results[number] = result
            bar.update()
    return [results[number] for number in range(len(tasks))]


def finished_tasks(
    tasks: Iterable[Callable[[], T]], workers: int, count: int, long: bool = False
) -> Generator[tuple[int, T]]:
    """Does `count` tasks, taken from `tasks` a few at a time, and yields number and result of each as it is finished.

    After an error, or when the generator is closed, no further task is begun. Those that run are waited for; `long`
    ones are ended instead (SIGTERM), and their workers compute with one torch thread each. Raises as `run_tasks`.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}, expected 1 or more")
    if min(workers, count) <= 1:
        yield from ((number, task()) for number, task in enumerate(tasks))
        return
    others = active_children()
    start = begin_long_tasks if long else follow_parent
    executor = ProcessPoolExecutor(min(workers, count), mp_context=get_context("spawn"), initializer=start)
    pending: dict[Future[T], int] = {}
    try:
        for number, task in enumerate(tasks):
            pending[executor.submit(unless_ended, task)] = number
            if len(pending) >= AHEAD * workers:
                yield from _next_results(pending)
        while pending:
            yield from _next_results(pending)
    except BrokenProcessPool as error:
        raise ChildProcessError(
            "a worker process was killed (out of memory?): the same command goes on, with fewer workers if need be"
        ) from error
    except BaseException:
        if long:
            executor.shutdown(wait=False, cancel_futures=True)
            stop([child for child in active_children() if child not in others])
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _next_results(pending: dict[Future[T], int]) -> list[tuple[int, T]]:
    """Waits until a task or several are finished, and takes them out of `pending`."""
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    return [(pending.pop(future), future.result()) for future in done]


def stop(workers: Sequence[BaseProcess]) -> None:
    """Ends workers in the middle of their tasks, after some time to clean up: a training may have minutes to go."""
    for worker in workers:
        worker.terminate()
    until = time.monotonic() + GRACE
    for worker in workers:
        worker.join(max(0.0, until - time.monotonic()))
        worker.kill()


def follow_parent() -> None:
    """Leaves Ctrl-C, which reaches every process of a terminal, to the parent, and ends with it if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def begin_long_tasks() -> None:
    """Begins a worker of long tasks: one torch thread, Ctrl-C left to the parent, SIGTERM ends the task."""
    import torch  # here, so that reading records does not wait for torch

    torch.set_num_threads(1)
    follow_parent()
    signal.signal(signal.SIGTERM, end)


def end(number: int, frame: object) -> None:
    """Ends the task, which cleans up what is half written. The pool's own loop would go on to the next one."""
    ENDED.set()
    sys.exit(1)


def unless_ended(task: Callable[[], T]) -> T:
    """Does the task, or nothing in a worker that was asked to end."""
    if ENDED.is_set():
        sys.exit(1)
    return task()
