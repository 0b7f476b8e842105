"""Results of experiments as data: one JSON file each, from which the pages of docs/results are made.

Whatever measures something (a benchmark, a command) makes an `Experiment` and writes it; nobody types a figure into a
page. A file holds the figures with their units and intervals, and what is needed to measure them again: command, seeds,
numbers of records and patients, commit, machine, date.
"""

import json
import math
import os
import platform
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from vqecg.records.files.atomic import atomic_file
from vqecg.records.files.json_file import read_object, reading

FORMAT_VERSION = 1
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
METRIC_TITLES = {"auroc": "AUROC", "average_precision": "AP", "f1": "F1"}  # as figures are named
GOALS = ("met", "missed")  # of what was asked for before the measurement
VERDICTS = ("", "gain", "harm", *GOALS)
MISSING = ""  # the cell of a table for which there is no figure


@dataclass(frozen=True)
class Value:
    """A number as it is reported: with its unit, the interval around it, and what the program concluded from it."""

    value: float | None  # None where a range alone was measured
    decimals: int = 3
    unit: str = ""
    low: float | None = None  # lower end of the 95 % interval, or of the range; in the same unit
    high: float | None = None
    signed: bool = False  # a difference, written with its sign
    qualifier: str = ""  # such as "at most" or "about"
    verdict: str = ""  # one of VERDICTS

    def __post_init__(self) -> None:
        numbers = [number for number in (self.value, self.low, self.high) if number is not None]
        if not numbers or not all(math.isfinite(number) for number in numbers):
            raise ValueError(f"a value of {self.value} ({self.low} to {self.high}); expected finite numbers")
        if (self.low is None) != (self.high is None) or numbers[1:] != sorted(numbers[1:]):
            raise ValueError(f"an interval from {self.low} to {self.high}; expected both ends, the lower one first")
        if self.value is None and self.low is None:
            raise ValueError("neither a value nor a range; expected one of them")
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict {self.verdict!r}; expected one of {VERDICTS}")

    @classmethod
    def to_digits(cls, value: float, unit: str = "", digits: int = 3) -> Self:
        """A number with that many digits, and none after the point from 10 ** (digits - 1) on."""
        size = math.floor(math.log10(abs(value))) + 1 if value else 1
        return cls(value, max(0, digits - max(size, 1) if size > 0 else digits - size), unit)

    def _number(self, number: float) -> str:
        return f"{number:{'+' if self.signed else ''},.{self.decimals}f}"

    def __str__(self) -> str:
        """Plain text: `+0.092 (+0.025 to +0.151) gain`."""
        unit = f" {self.unit}" if self.unit else ""
        interval = (
            "" if self.low is None or self.high is None else f"{self._number(self.low)} to {self._number(self.high)}"
        )
        number = interval + unit if self.value is None else self._number(self.value) + unit
        around = f"({interval})" if interval and self.value is not None else ""
        text = " ".join(part for part in (self.qualifier, number, around) if part)
        return text if not self.verdict else f"{text}{': ' if self.verdict in GOALS else ' '}{self.verdict}"


@dataclass(frozen=True)
class Figure:
    """One measured number: of which arm, model or set, and which measure of it."""

    of: str
    measure: str
    value: Value


@dataclass(frozen=True)
class Experiment:
    """A measurement, and all that is needed to measure it again.

    Raises ValueError for a name, date, command or commit that cannot be, for no figures and for two of the same name.
    """

    name: str  # of the file, without .json
    title: str
    commands: tuple[str, ...]
    date: str  # YYYY-MM-DD
    commit: str  # of the program that measured
    machine: str
    seeds: tuple[int, ...]  # of trainings and draws; empty where nothing is drawn
    counts: Mapping[str, int]  # N: what is counted -> how many, such as "test records" -> 481
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()  # conditions without which the figures would be misread
    negative: bool = False  # it did not help
    verdict: str = ""  # in the words of the program that measured

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"an experiment named {self.name!r}; expected lower-case words joined by hyphens")
        try:
            date.fromisoformat(self.date)
        except ValueError as error:
            raise ValueError(f"{self.name}: date {self.date!r}; expected YYYY-MM-DD") from error
        for field in ("title", "commands", "commit", "machine", "figures"):
            if not getattr(self, field):
                raise ValueError(f"{self.name}: {field} is empty; expected what was measured, and how")
        seen = [(figure.of, figure.measure) for figure in self.figures]
        twice = sorted({key for key in seen if seen.count(key) > 1})
        if twice:
            raise ValueError(f"{self.name}: {twice[0]} stands twice; expected one figure of each name and measure")

    def names(self) -> list[str]:
        """The names of what was measured, in the order of the file, each once."""
        return list(dict.fromkeys(figure.of for figure in self.figures))

    def value(self, of: str, measure: str) -> Value:
        """One value. Raises ValueError where there is none, with the measures that there are."""
        measures = {figure.measure: figure.value for figure in self.figures if figure.of == of}
        if measure not in measures:
            known = f"{of} has {', '.join(measures)}" if measures else f"there are figures of {', '.join(self.names())}"
            raise ValueError(f"{self.name} has no {measure!r} of {of!r}; {known}")
        return measures[measure]

    def to_json(self) -> str:
        """The file's text: one line per figure, so that a new measurement shows as the lines that changed."""
        content = {"format_version": FORMAT_VERSION} | asdict(self)
        del content["figures"]
        head = json.dumps(content, indent=1, ensure_ascii=False)
        lines = ",\n".join("  " + json.dumps(_figure_content(figure), ensure_ascii=False) for figure in self.figures)
        return f'{head[:-2]},\n "figures": [\n{lines}\n ]\n}}\n'


def _figure_content(figure: Figure) -> dict[str, Any]:
    """A figure without what is as by default."""
    defaults = {field.name: field.default for field in fields(Value)}
    value = {key: entry for key, entry in asdict(figure.value).items() if key == "value" or entry != defaults[key]}
    return {"of": figure.of, "measure": figure.measure, **value}


def write_experiment(experiment: Experiment, folder: Path) -> Path:
    """Writes `folder`/NAME.json and returns its path. Raises ValueError for a file there of another kind."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{experiment.name}.json"
    if path.exists():
        read_experiment(path)  # the same one, measured again, is replaced; anything else is not
    with atomic_file(path) as aside:
        aside.write_text(experiment.to_json(), encoding="utf-8")
    return path


def read_experiment(path: Path) -> Experiment:
    """Reads a file that `write_experiment` wrote. Raises ValueError for missing, unknown or impossible entries."""
    content = read_object(path)
    if content.get("format_version") != FORMAT_VERSION:
        raise ValueError(f"{path} has format version {content.get('format_version')}; expected {FORMAT_VERSION}")
    del content["format_version"]
    known = {field.name for field in fields(Experiment)}
    if set(content) != known:
        wrong = sorted(set(content) ^ known)
        raise ValueError(f"{path}: {', '.join(wrong)} missing or unknown; expected {', '.join(sorted(known))}")
    if content["name"] != path.stem:
        raise ValueError(f"{path} holds the experiment {content['name']!r}; expected the name of the file")
    with reading(path):
        content["figures"] = tuple(_figure(path, entry) for entry in content["figures"])
        for field in ("commands", "seeds", "notes"):
            content[field] = tuple(content[field])
        return Experiment(**content)


def _figure(path: Path, entry: dict[str, Any]) -> Figure:
    """One figure of a file."""
    keys = {field.name for field in fields(Value)}
    lacking, unknown = {"of", "measure", "value"} - set(entry), set(entry) - keys - {"of", "measure"}
    if lacking or unknown:
        wrong = ", ".join(sorted(lacking | unknown))
        raise ValueError(f"{path}: {wrong} missing from or unknown in the figure {entry}")
    return Figure(entry["of"], entry["measure"], Value(**{key: entry[key] for key in keys & set(entry)}))


def measured_now(
    name: str,
    title: str,
    command: str,
    figures: Sequence[Figure],
    *,
    seeds: Sequence[int] = (),
    counts: Mapping[str, int] | None = None,
    notes: Sequence[str] = (),
    verdict: str = "",
) -> Experiment:
    """An experiment that ends now, by this program on this machine."""
    return Experiment(
        name,
        title,
        (command,),
        date.today().isoformat(),
        program_version(),
        this_machine(),
        tuple(seeds),
        dict(counts or {}),
        tuple(figures),
        tuple(notes),
        verdict=verdict,
    )


def command_line(program: str, words: Sequence[str]) -> str:
    """A command as it is typed, without --result: where figures go is no part of how they were measured."""
    remaining = list(words)
    if "--result" in remaining:
        place = remaining.index("--result")
        del remaining[place : place + 2]
    return f"{program} {shlex.join(remaining)}".strip()


def this_machine() -> str:
    """The machine in a few words."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def program_version() -> str:
    """The commit of the checkout, marked "-dirty" where files have changed since; the version where there is none."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=8", "--exclude", "*"]
    try:
        described = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return f"vqecg {version('vqecg')}"
    return described.stdout.strip()
