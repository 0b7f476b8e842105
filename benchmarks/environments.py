"""Environments of their own for packages that are measured and never installed with vqecg."""

import json
import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path

from vqecg.records.files.atomic import write_text


def environment(folder: Path, packages: Sequence[str]) -> Path:
    """The Python of an environment that holds `packages`; installed where they are not, or not all of them."""
    python, installed = folder / "bin" / "python", folder / "installed.json"
    if not installed.exists() or json.loads(installed.read_text("utf-8")) != list(packages):
        print(f"installing {', '.join(packages)} into {folder}", flush=True)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        write_text(installed, json.dumps(list(packages)))
    return python
