"""`vqecg verify`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from vqecg.records.bounds import Checked
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.verifying import verify

HELP = ShortHelp(
    example="vqecg verify runs/ptbxl",
    options=(),
)


@dataclass(frozen=True)
class Arguments(Checked):
    """Options of `vqecg verify`."""

    folder: Annotated[Path, tyro.conf.Positional]  # a store, codes, a model, a data set of vqecg, or a whole run


def run(arguments: Arguments) -> Outcome:
    """Reads all outputs in the folder, a line for each."""
    return verify(arguments.folder)
