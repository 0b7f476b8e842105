"""The output folder of one step: begun, resumed or refused, and marked when finished.

`stage.json` says which command made the folder with which settings and inputs, and, once it is done, its figures. Of
several processes (`accelerate launch`) the main one alone begins and finishes a step.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeVar

import yaml

from vqecg.records.files.atomic import write_text
from vqecg.records.files.json_file import read_object, reading
from vqecg.records.files.lock import locked
from vqecg.records.files.reuse import as_json, reuse
from vqecg.records.files.stage_file import STAGE_FILE, read_stage, stage_text
from vqecg.training.processes import by_main, is_main_process
from vqecg.training.progress import peak_memory_mb

S = TypeVar("S", bound="Step")
T = TypeVar("T")
SETTINGS_FILE = "settings.yaml"
# what parts of an unfinished step keep, with the seconds that they took
KEPT_PARTS = ("training/last/state.json", "runs/*/run.json")


class Step(Protocol):
    """The settings of a step."""

    @property
    def out(self) -> Path:
        """The folder or file that it writes."""


@dataclass(frozen=True)
class Stage:
    """One step's folder. The work goes into a `with stage:`, which leaves no folder when it fails before any result, or
    the one that it was to replace."""

    folder: Path
    content: Mapping[str, Any]  # of stage.json
    began: float  # time.perf_counter(), less what earlier sittings took

    def __enter__(self) -> "Stage":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or not is_main_process():
            return
        if {path.name for path in self.folder.iterdir()} <= {STAGE_FILE, SETTINGS_FILE}:
            shutil.rmtree(self.folder)
            restore(self.folder)

    @property
    def figures(self) -> dict[str, Any] | None:
        """The measurements of the step, None while it is not finished."""
        return self.content.get("figures")

    @property
    def seconds(self) -> float:
        """The time that the step took (s), over all its sittings."""
        return float(self.content.get("seconds", 0.0))

    def finish(self, figures: Mapping[str, Any]) -> "Stage":
        """Writes figures, seconds and peak memory, marks the step as done, and deletes the one that it replaces."""
        seconds = time.perf_counter() - self.began
        done = dict(self.content) | {"figures": figures, "seconds": seconds, "peak_memory_mb": peak_memory_mb()}
        write_text(self.folder / STAGE_FILE, stage_text(done))
        shutil.rmtree(replaced(self.folder), ignore_errors=True)
        return Stage(self.folder, done, self.began)


def alone(work: Callable[[S], T]) -> Callable[[S], T]:
    """A step function that holds the lock of its output, `step.out`, so that a second process on it is refused."""

    @wraps(work)
    def locked_work(step: S) -> T:
        with locked(step.out):
            return work(step)

    return locked_work


def described(work: Callable[[Stage], str]) -> Callable[[Stage], str]:
    """A function that puts the figures of a finished step in words; damaged figures are a ValueError."""

    @wraps(work)
    def checked_work(stage: Stage) -> str:
        with reading(stage.folder / STAGE_FILE):
            return work(stage)

    return checked_work


def begin(
    folder: Path,
    command: str,
    settings: Mapping[str, Any],
    overwrite: bool,
    arguments: Mapping[str, Any] | None = None,
) -> Stage:
    """Opens the folder of a step: a new one, one that was interrupted, or one that is finished (see `figures`).

    `settings`, with the inputs among them, are what makes two runs of a step the same; `arguments` are those of the
    command, kept as settings.yaml, which --config reads.

    Raises ValueError when the folder holds something else, or the same step with other settings, unless asked to
    overwrite it; something that no vqecg step made is never deleted, and the same settings are never done again. What
    is overwritten moves aside (`replaced`) until the new step is finished.
    """
    return by_main(partial(_begin, folder, command, as_json(settings), overwrite, arguments))


def _begin(
    folder: Path, command: str, settings: dict[str, Any], overwrite: bool, arguments: Mapping[str, Any] | None
) -> Stage:
    """`begin`, in the main process."""
    folder = folder.resolve() if folder.is_symlink() else folder  # what is behind a link moves, not the link
    restore(folder)
    content = {"command": command, "settings": settings}
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        there = read_stage(folder)
        if there is None or there.get("command") != command:
            content_there = "something else" if there is None else f"the output of `vqecg {there.get('command')}`"
            raise ValueError(f"{folder} holds {content_there}: give --out another folder")
        if reuse(folder, settings, STAGE_FILE, "settings", overwrite):
            return Stage(folder, there, time.perf_counter() - seconds_before(folder))
        move_aside(folder)
        if reuse(replaced(folder), settings, STAGE_FILE, "settings", overwrite=True):
            restore(folder)
            return _begin(folder, command, settings, overwrite, arguments)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / STAGE_FILE, json.dumps(content, indent=2) + "\n")
    write_text(folder / SETTINGS_FILE, yaml.safe_dump(dict(arguments or settings), sort_keys=False))
    return Stage(folder, content, time.perf_counter())


def replaced(folder: Path) -> Path:
    """The folder in which a step that is being replaced waits until its successor is finished."""
    folder = folder.resolve()
    return folder.with_name(f".{folder.name}.replaced")


def restore(folder: Path) -> None:
    """Puts the replaced step back where nothing has taken its place."""
    if replaced(folder).is_dir() and not folder.exists():
        os.replace(replaced(folder), folder)


def move_aside(folder: Path) -> None:
    """Makes room for another step. One that waits already goes before the unfinished one that was to replace it."""
    if replaced(folder).is_dir():
        shutil.rmtree(folder)
    else:
        os.replace(folder, replaced(folder))


def seconds_before(folder: Path) -> float:
    """The seconds that earlier sittings spent on the parts of a step that are still there."""
    parts = [path for pattern in KEPT_PARTS for path in folder.glob(pattern)]
    seconds = 0.0
    for path in parts:
        with reading(path):
            part = read_object(path)
            seconds += 0.0 if "members" in part else float(part["seconds"])  # an average of others takes no time
    return seconds
