"""Where the steps of a run keep what they wrote, and what each of them cost."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from vqecg.records.files.atomic import write_text
from vqecg.training.progress import peak_memory_mb


@dataclass(frozen=True)
class RunFolders:
    """Where the steps of a run keep what they wrote."""

    out: Path

    @property
    def settings(self) -> Path:
        """The settings of the run."""
        return self.out / "run.yaml"

    @property
    def store(self) -> Path:
        """The prepared recordings."""
        return self.out / "store"

    @property
    def tokenizer(self) -> Path:
        """The tokenizer."""
        return self.out / "tokenizer"

    @property
    def prior(self) -> Path:
        """The prior, with the generator in it."""
        return self.out / "prior"

    @property
    def synthetic(self) -> Path:
        """The synthetic data set, in PTB-XL's layout."""
        return self.out / "synthetic"

    @property
    def synthetic_store(self) -> Path:
        """The synthetic data set, prepared."""
        return self.out / "synthetic-store"

    @property
    def classifier(self) -> Path:
        """The classifier trained on synthetic records alone."""
        return self.out / "classifier-synthetic"

    @property
    def comparison(self) -> Path:
        """The comparison."""
        return self.out / "comparison"

    @property
    def costs(self) -> Path:
        """Seconds and memory of each step."""
        return self.out / "costs.json"

    @property
    def report(self) -> Path:
        """The report."""
        return self.out / "report.html"


class StepCost:
    """Times a step that has no stage.json of its own: `with StepCost(places, "prepare", places.store): ...`.

    A step that finds `made` done costs nothing: what is kept is the cost of the sitting that made it.
    """

    def __init__(self, places: RunFolders, step: str, made: Path) -> None:
        self.places, self.step, self.made = places, step, made

    def __enter__(self) -> None:
        self.began, self.before = time.perf_counter(), folder_state(self.made)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        done = folder_state(self.made) != self.before or self.step not in read_costs(self.places)
        if kind is None and done:
            keep_cost(self.places, self.step, time.perf_counter() - self.began, peak_memory_mb())


def folder_state(folder: Path) -> tuple[int, int] | None:
    """What changes when a folder is replaced; None when there is none."""
    return (folder.stat().st_ino, folder.stat().st_mtime_ns) if folder.exists() else None


def read_costs(places: RunFolders) -> dict[str, dict[str, float]]:
    """Step -> seconds and peak memory."""
    return json.loads(places.costs.read_text(encoding="utf-8")) if places.costs.is_file() else {}


def keep_cost(places: RunFolders, step: str, seconds: float, memory_mb: float) -> None:
    """Writes down what a step took."""
    costs = read_costs(places) | {step: {"seconds": seconds, "peak_memory_mb": memory_mb}}
    write_text(places.costs, json.dumps(costs, indent=2) + "\n")
