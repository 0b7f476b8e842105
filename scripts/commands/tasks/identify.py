"""`vqecg identify`."""

from dataclasses import dataclass

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tasks.identifying import IdentifyingStep, identify

HELP = ShortHelp(
    example="vqecg identify --store runs/ptbxl/store --out runs/identity",
    options=("verifier", "against", "bootstrap.replicates", "bootstrap.confidence", "overwrite", "device"),
)


@dataclass(frozen=True)
class Arguments(OnDevice, IdentifyingStep):
    """Options of `vqecg identify`."""


def run(arguments: Arguments) -> Outcome:
    """Learns a verifier, or searches with one."""
    return identify(arguments)
