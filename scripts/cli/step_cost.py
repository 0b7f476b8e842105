"""The cost of each step of a run, in costs.json."""

import json
import time
from pathlib import Path
from types import TracebackType

from vqecg.records.files.atomic import write_text
from vqecg.reports.run.folders import RunFolders, read_costs
from vqecg.training.progress import peak_memory_mb


class StepCost:
    """Times a step that has no stage.json of its own: `with StepCost(places, "prepare", places.store): ...`.

    A step that finds `output` done costs nothing: costs.json keeps the cost of the sitting that wrote it.
    """

    def __init__(self, places: RunFolders, step: str, output: Path) -> None:
        self.places, self.step, self.output = places, step, output

    def __enter__(self) -> None:
        self.began, self.before = time.perf_counter(), folder_state(self.output)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        done = folder_state(self.output) != self.before or self.step not in read_costs(self.places)
        if kind is None and done:
            keep_cost(self.places, self.step, time.perf_counter() - self.began, peak_memory_mb())


def folder_state(folder: Path) -> tuple[int, int] | None:
    """A value that changes when a folder is replaced; None where there is none."""
    return (folder.stat().st_ino, folder.stat().st_mtime_ns) if folder.exists() else None


def keep_cost(places: RunFolders, step: str, seconds: float, memory_mb: float) -> None:
    """Writes down what a step took."""
    costs = read_costs(places) | {step: {"seconds": seconds, "peak_memory_mb": memory_mb}}
    write_text(places.costs, json.dumps(costs, indent=2) + "\n")
