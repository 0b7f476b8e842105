"""`vqecg identify`."""

from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tasks.identifying import IdentifyingStep, identify

Arguments = IdentifyingStep
HELP = ShortHelp(
    example="vqecg identify --store runs/ptbxl/store --out runs/identity",
    options=("verifier", "against", "bootstrap.replicates", "bootstrap.confidence", "overwrite"),
)


def run(arguments: IdentifyingStep) -> None:
    """Learns a verifier, or searches with one."""
    print(identify(arguments))
