"""stage.json: the command, settings and inputs of a step and, once it is done, its figures.

Written by the steps alone; read here, for everything above.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vqecg.records.bounds import check_number, shown
from vqecg.records.files.json_file import reading
from vqecg.records.files.reuse import kept_identity
from vqecg.records.files.verification import VERIFIERS, Verifier

STAGE_FILE = "stage.json"
DIGEST = "sha256"  # key: of the text without it


def read_stage(folder: Path) -> dict[str, Any] | None:
    """The content of a folder's stage.json, None where there is none. Raises ValueError for a damaged file."""
    content = kept_identity(folder, STAGE_FILE)
    if content is not None:
        with reading(Path(folder) / STAGE_FILE, f"the file is damaged: delete {folder}"):
            for name, kind in (("command", str), ("settings", dict), ("figures", dict)):
                value = content.get(name, {}) if name == "figures" else content[name]
                if not isinstance(value, kind):
                    raise ValueError(f"{name} is {shown(value)}; expected {kind.__name__}")
            check_number("seconds", content.get("seconds", 0), float)
    return content


def finished_stage(folder: Path) -> dict[str, Any]:
    """The content of a finished step's stage.json: `settings`, `figures`, `seconds` and more.

    Raises ValueError where the folder holds no step, or one that is not finished.
    """
    content = read_stage(folder)
    if content is None or "figures" not in content:
        state = "no step of vqecg" if content is None else f"an unfinished `vqecg {content.get('command')}`"
        raise ValueError(f"{folder} holds {state}; expected a finished step: run it to its end")
    return content


def stage_text(content: Mapping[str, Any]) -> str:
    """The text of stage.json for a finished step, with its own digest."""
    plain = {key: value for key, value in content.items() if key != DIGEST}
    digest = hashlib.sha256(json.dumps(plain, indent=2).encode()).hexdigest()
    return json.dumps({**plain, DIGEST: digest}, indent=2) + "\n"


@VERIFIERS.register("step", rank=0)
class StepVerifier(Verifier):
    """The record of a step: what it was asked for, and its figures."""

    def holds(self, folder: Path) -> bool:
        """True for the folder of a step."""
        return (folder / STAGE_FILE).exists()

    def verify(self, folder: Path) -> tuple[str, list[str]]:
        """Compares the text of stage.json with its digest."""
        content = read_stage(folder)
        if not isinstance(content, dict):
            return "", [f"{folder / STAGE_FILE} is damaged"]
        unnamed = any(
            isinstance(value, str) and len(value) == 64 for value in content.values()
        )  # a digest lost its key
        if DIGEST not in content and not unnamed:
            return f"vqecg {content.get('command')}, unfinished or of an earlier version: no digest", []
        right = stage_text(content).encode() == (folder / STAGE_FILE).read_bytes()
        faults = [] if right else [f"{folder / STAGE_FILE} is damaged"]
        return f"vqecg {content.get('command')}, figures as written", faults
