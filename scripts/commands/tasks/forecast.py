"""`vqecg forecast`."""

from dataclasses import dataclass

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tasks.infilling import ForecastingStep, forecast

HELP = ShortHelp(
    example="vqecg forecast --data data/ptb-xl --seconds 2 --generator runs/ptbxl/prior --draws 16 --out continued",
    options=("seconds", "draws", "method", "seed", "source", "overwrite", "device"),
)


@dataclass(frozen=True)
class Arguments(OnDevice, ForecastingStep):
    """Options of `vqecg forecast`."""


def run(arguments: Arguments) -> Outcome:
    """Writes the records."""
    return forecast(arguments)
