"""`vqecg score`."""

from dataclasses import dataclass

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tasks.scoring import ScoringStep, score

HELP = ShortHelp(
    example="vqecg score --data data/ptb-xl --generator runs/ptbxl/prior --out scores.csv",
    options=("normal", "seed", "source", "overwrite", "device"),
    about="It is a likelihood, no diagnosis.",
)


@dataclass(frozen=True)
class Arguments(OnDevice, ScoringStep):
    """Options of `vqecg score`."""


def run(arguments: Arguments) -> Outcome:
    """Writes the table."""
    return score(arguments)
