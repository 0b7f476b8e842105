"""Common ground of all benchmarks: timing alternatives side by side, and the table and the file of figures.

Run alone it prints the line that describes the machine.
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from vqecg.reports.results import Figure, Value, command_line, measured_now, this_machine, write_experiment

Cell = str | Value


@dataclass(frozen=True)
class Timing:
    """The speed of one alternative."""

    name: str
    rates: np.ndarray  # (rounds,) items per second; round n of every alternative was timed in one go

    @property
    def median(self) -> float:
        """Items per second."""
        return float(np.median(self.rates))

    def ratio(self, other: "Timing") -> float:
        """The speed relative to `other`: the median over rounds, so that a load that comes and goes cancels."""
        return float(np.median(self.rates / other.rates))


def time_side_by_side(
    alternatives: Mapping[str, Callable[[], object]], items: int, rounds: int, warm_up: bool = True
) -> list[Timing]:
    """Times every alternative once a round, after one run each to warm up; `items` is what one run gets done.

    Raises ValueError for fewer than one round.
    """
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}; expected at least 1")
    seconds = np.zeros((len(alternatives), rounds))
    for work in alternatives.values() if warm_up else ():
        work()
    for turn in range(rounds):
        for row, work in enumerate(alternatives.values()):
            began = time.perf_counter()
            work()
            seconds[row, turn] = time.perf_counter() - began
    return [Timing(name, items / elapsed) for name, elapsed in zip(alternatives, seconds, strict=True)]


def share(count: int, trials: int) -> Value:
    """The share of trials in which something occurred, with its 95 % interval (Wilson)."""
    bounds = binomtest(count, trials).proportion_ci(0.95, "wilson")
    return Value(count / trials, 3, "", float(bounds.low), float(bounds.high))


def cell(
    value: float,
    decimals: int,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    signed: bool = False,
) -> Cell:
    """A number for a table, with its interval or range, or a dash where there is none."""
    numbers = [None if number is None else float(number) for number in (value, low, high)]
    if not all(number is None or math.isfinite(number) for number in numbers):
        return "-"
    return Value(numbers[0], decimals, unit, numbers[1], numbers[2], signed)


def number(value: float, unit: str = "") -> Cell:
    """A number to three digits for a table, or a dash where there is none."""
    return Value.to_digits(float(value), unit) if math.isfinite(value) else "-"


def benchmark_parser(description: str | None) -> argparse.ArgumentParser:
    """The command line that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--result", type=Path, help="file for the figures, such as docs/results/codec-speed.json")
    return parser


class Report:
    """Prints a benchmark's tables, and writes their numbers to the file of --result.

    `program` and `description` are the module's `__spec__.name` and `__doc__`, `arguments` what its `main` was given.
    """

    def __init__(
        self,
        program: str,
        description: str | None,
        arguments: Sequence[str] | None,
        options: argparse.Namespace,
        torch_threads: int | None = None,
    ) -> None:
        self.command = command_line(f"python -m {program}", sys.argv[1:] if arguments is None else arguments)
        self.title = (description or program).strip().splitlines()[0].rstrip(".")
        self.options = options
        self.figures: list[Figure] = []
        print(machine(torch_threads))

    def table(self, title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]], scope: str = "") -> None:
        """Prints a table; a number is remembered under `scope`, the texts before it in its row, and its column.

        A benchmark of several tables gives each a `scope` of its own.
        """
        print_table(title, header, [[str(entry) for entry in row] for row in rows])
        for row in rows:
            texts = list(takewhile(lambda entry: isinstance(entry, str), row))
            of = ": ".join(text for text in (scope, ", ".join(map(str, texts))) if text)
            for column, entry in zip(header, row, strict=True):
                self.add(of, column, entry)

    def add(self, of: str, measure: str, entry: Cell) -> None:
        """Remembers a number; a text, such as a dash where there is none, is left out."""
        if isinstance(entry, Value):
            self.figures.append(Figure(of, measure, entry))

    def timings(self, title: str, unit: str, timings: Sequence[Timing]) -> None:
        """A table: median, smallest and largest rate, and how many times as fast the first alternative is as each."""
        ours = timings[0]
        rows: list[Sequence[Cell]] = []
        for timing in timings:
            median = Value.to_digits(timing.median)
            slowest, fastest = float(timing.rates.min()), float(timing.rates.max())
            spread = Value(None, median.decimals, "", slowest, fastest)
            rows.append((timing.name, median, spread, number(ours.ratio(timing))))
        self.table(title, ("", f"median {unit}", "range", f"{ours.name} / this"), rows, scope=title)

    def write(self, counts: Mapping[str, int] | None = None) -> None:
        """Writes the figures where --result was given; seeds are those of the options."""
        path: Path | None = self.options.result
        if path is None:
            return
        seeds = getattr(self.options, "seeds", None) or [getattr(self.options, "seed", 0)]
        write_experiment(
            measured_now(path.stem, self.title, self.command, self.figures, seeds=seeds, counts=counts), path.parent
        )
        print(f"\n{path}: {len(self.figures)} figures")


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table in plain text: the first column to the left, the others to the right."""
    widths = [max(len(line[column]) for line in [header, *rows]) for column in range(len(header))]
    print(f"\n{title}")
    for line in [header, *rows]:
        cells = [line[0].ljust(widths[0])] + [
            cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)
        ]
        print("  " + "  ".join(cells).rstrip())


def machine(torch_threads: int | None = None) -> str:
    """One line on the machine; `torch_threads` for benchmarks that compute with torch."""
    parts = [this_machine()]
    parts += [] if torch_threads is None else [f"{torch_threads} torch threads"]
    # a load above what this process uses says that others computed at the same time
    parts += [f"load {os.getloadavg()[0]:.1f}"] if hasattr(os, "getloadavg") else []
    return "machine: " + ", ".join(parts)


if __name__ == "__main__":
    print(machine())
