"""`vqecg forecast`."""

from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tasks.infilling import ForecastingStep, forecast

Arguments = ForecastingStep
HELP = ShortHelp(
    example="vqecg forecast --data data/ptb-xl --seconds 2 --generator runs/ptbxl/prior --draws 16 --out continued",
    options=("seconds", "draws", "method", "seed", "source", "overwrite"),
)


def run(arguments: ForecastingStep) -> None:
    """Writes the records."""
    print(forecast(arguments))
