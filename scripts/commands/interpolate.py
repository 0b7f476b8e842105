"""`vqecg interpolate`."""

from vqecg.scripts.steps.interpolating import InterpolatingStep, interpolate

Arguments = InterpolatingStep


def run(arguments: InterpolatingStep) -> None:
    """Writes the data set."""
    print(interpolate(arguments))
