"""`vqecg interpolate`."""

from dataclasses import dataclass

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.interpolating import InterpolatingStep, interpolate

HELP = ShortHelp(
    example="vqecg interpolate --store runs/ptbxl/store --tokenizer runs/ptbxl/tokenizer --label HYP --out runs/mixed",
    options=("task", "count", "no-gate", "min-parents", "settings.seed", "overwrite", "device"),
)


@dataclass(frozen=True)
class Arguments(OnDevice, InterpolatingStep):
    """Options of `vqecg interpolate`."""


def run(arguments: Arguments) -> Outcome:
    """Writes the data set."""
    return interpolate(arguments)
