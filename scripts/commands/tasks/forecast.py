"""`vqecg forecast`."""

from vqecg.scripts.steps.tasks.infilling import ForecastingStep, forecast

Arguments = ForecastingStep


def run(arguments: ForecastingStep) -> None:
    """Writes the records."""
    print(forecast(arguments))
