"""`vqecg interpolate`."""

from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.interpolating import InterpolatingStep, interpolate

Arguments = InterpolatingStep
HELP = ShortHelp(
    example="vqecg interpolate --store runs/ptbxl/store --tokenizer runs/ptbxl/tokenizer --label HYP --out runs/mixed",
    options=("task", "count", "no-gate", "min-parents", "settings.seed", "overwrite"),
)


def run(arguments: InterpolatingStep) -> None:
    """Writes the data set."""
    print(interpolate(arguments))
