"""What all benchmarks share: timing alternatives side by side, and the table of what came out.

Run alone it prints the line that describes the machine.
"""

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest


@dataclass(frozen=True)
class Timing:
    """How fast one alternative was."""

    name: str
    rates: np.ndarray  # (rounds,) items a second; round n of every alternative was timed in one go

    @property
    def median(self) -> float:
        """Items a second."""
        return float(np.median(self.rates))

    def ratio(self, other: "Timing") -> float:
        """How many times as fast as `other`: the median over rounds, so that a load that comes and goes cancels."""
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
    return [Timing(name, items / own) for name, own in zip(alternatives, seconds, strict=True)]


def share(count: int, trials: int) -> str:
    """How often something was found among trials, with its 95 % interval (Wilson)."""
    bounds = binomtest(count, trials).proportion_ci(0.95, "wilson")
    return f"{count / trials:.3f} ({bounds.low:.3f} to {bounds.high:.3f})"


def print_timings(title: str, unit: str, timings: Sequence[Timing]) -> None:
    """A table: median, smallest and largest rate, and how many times as fast the first alternative is as each."""
    ours = timings[0]
    rows = [
        (
            timing.name,
            number(timing.median),
            f"{number(timing.rates.min())}-{number(timing.rates.max())}",
            number(ours.ratio(timing)),
        )
        for timing in timings
    ]
    print_table(title, ("", f"median {unit}", "min-max", f"{ours.name} / this"), rows)


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table in plain text: the first column to the left, the others to the right."""
    widths = [max(len(line[column]) for line in [header, *rows]) for column in range(len(header))]
    print(f"\n{title}")
    for line in [header, *rows]:
        cells = [line[0].ljust(widths[0])] + [
            cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)
        ]
        print("  " + "  ".join(cells).rstrip())


def number(value: float) -> str:
    """A number to three digits, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine(torch_threads: int | None = None) -> str:
    """One line on the machine; `torch_threads` for benchmarks that compute with torch."""
    parts = [f"{os.cpu_count()} cores", platform.machine(), f"Python {platform.python_version()}"]
    parts += [] if torch_threads is None else [f"{torch_threads} torch threads"]
    # a load above what this process uses says that others computed at the same time
    parts += [f"load {os.getloadavg()[0]:.1f}"] if hasattr(os, "getloadavg") else []
    return "machine: " + ", ".join(parts)


if __name__ == "__main__":
    print(machine())
