"""`vqecg infill`."""

from dataclasses import dataclass

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tasks.infilling import InfillingStep, infill

HELP = ShortHelp(
    example="vqecg infill --data with-gaps --generator runs/ptbxl/prior --draws 16 --out filled",
    options=("draws", "method", "start", "stop", "seed", "source", "overwrite", "device"),
)


@dataclass(frozen=True)
class Arguments(OnDevice, InfillingStep):
    """Options of `vqecg infill`."""


def run(arguments: Arguments) -> Outcome:
    """Writes the records."""
    return infill(arguments)
