"""`vqecg infill`."""

from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tasks.infilling import InfillingStep, infill

Arguments = InfillingStep
HELP = ShortHelp(
    example="vqecg infill --data with-gaps --generator runs/ptbxl/prior --draws 16 --out filled",
    options=("draws", "method", "start", "stop", "seed", "source", "overwrite"),
)


def run(arguments: InfillingStep) -> None:
    """Writes the records."""
    print(infill(arguments))
