"""The progress of long work, on the error output: a bar on a terminal or in a notebook, lines in a file or a pipe."""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from types import TracebackType
from typing import Generic, TypeVar

from tqdm.auto import tqdm

T = TypeVar("T")

DELAY = 2.0  # s; work that is done by then shows nothing
PARTS = 10  # lines over the whole work, at most


class Progress(Generic[T]):
    """Shows how far a loop over items is, or, in a `with` block, work that calls `update`.

    In a file or a pipe it writes a line at every tenth of the work, with the time that is left. Where the amount of
    work is unknown, it writes one each time that the time has doubled.
    """

    def __init__(
        self,
        items: Iterable[T] = (),
        description: str = "",
        unit: str = "record",
        total: int | None = None,
        initial: int = 0,
        shown: bool = True,
    ) -> None:
        """`total` is the number of units, `initial` those that are done already; one that is not `shown` is silent."""
        self.items, self.description, self.unit, self.shown = items, description, unit, shown
        self.total = len(items) if total is None and isinstance(items, Sized) else total
        self.initial = self.done = initial
        self.began, self.next_line = time.monotonic(), 2 * DELAY
        self.begun, self.note = False, ""  # begun: a line was written
        self.bar = (
            tqdm(total=self.total, initial=initial, desc=description, unit=unit, disable=not shown, delay=DELAY)
            if has_bars()
            else None
        )

    def __iter__(self) -> Iterator[T]:
        with self:
            for item in self.items:
                yield item
                self.update()

    def __enter__(self) -> "Progress[T]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def update(self, count: int = 1, note: str = "") -> None:
        """Counts units that were done; `note` stands behind the figures, such as "loss 0.12"."""
        before, self.done, self.note = self.done, self.done + count, note
        if self.bar is not None:
            self.bar.set_postfix_str(note, refresh=False)
            self.bar.update(count)
            return
        passed = time.monotonic() - self.began
        if not self.shown or passed < DELAY:
            return
        due = PARTS * self.done // self.total > PARTS * before // self.total if self.total else passed >= self.next_line
        if due and (self.begun or self.done != self.total):  # a first line that is the last helps nobody
            self.begun, self.next_line = True, 2 * passed
            print(self.line(passed), file=sys.stderr, flush=True)

    def line(self, passed: float) -> str:
        """The progress in words, `passed` s after the beginning."""
        units = f"{self.unit}es" if self.unit.endswith("ch") else f"{self.unit}s"
        note = f", {self.note}" if self.note else ""
        took = f"{tqdm.format_interval(passed)} passed"
        if not self.total:
            return f"{self.description}: {self.done:,} {units}, {took}{note}"
        left = passed / max(1, self.done - self.initial) * (self.total - self.done)
        when = f"{tqdm.format_interval(left)} left" if self.done < self.total else took
        share = f"{100 * self.done // self.total} % of {self.total:,} {units}"
        return f"{self.description}: {share}, {when}{note}"


def has_bars() -> bool:
    """True where a bar can be drawn over itself: on a terminal, and in a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules
