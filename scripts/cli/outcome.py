"""The end of a command: figures for a script, and the text that people read of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vqecg.scripts.cli.stage import Stage


@dataclass(frozen=True)
class Outcome:
    """The result of a command. `str()` is the text; `--json` asks for the figures."""

    figures: Mapping[str, Any]  # numbers, text, paths, and mappings, sequences or tables of these
    text: str
    faults: str = ""  # for which the command ends with status 1 although it is done; "" for none

    @classmethod
    def of_stage(cls, stage: Stage, text: str, **more: Any) -> Outcome:
        """The figures of a finished step, its folder and its time, and `more`."""
        return cls({"out": stage.folder, "seconds": stage.seconds} | (stage.figures or {}) | more, text)

    def __str__(self) -> str:
        return self.text

    def and_file(self, path: Path) -> Outcome:
        """The same, with one more file that was written."""
        figures = {**self.figures, "files": [*self.figures.get("files", ()), path]}
        return Outcome(figures, f"{self.text}\n{path}", self.faults)

    def as_json(self, command: str) -> str:
        """One JSON object, the command's name first. What is no number (NaN, infinite) is null."""
        return json.dumps({"command": command} | json_of(self.figures), indent=2, ensure_ascii=False)


def json_of(value: Any) -> Any:
    """A value as JSON has it: tables as a list of rows, paths as text."""
    if isinstance(value, Mapping):
        return {str(name): json_of(item) for name, item in value.items()}
    if hasattr(value, "to_dict"):
        return json_of(value.to_dict("records"))
    if hasattr(value, "tolist"):  # numbers and arrays of numpy
        return json_of(value.tolist())
    if isinstance(value, (list, tuple)):
        return [json_of(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value
