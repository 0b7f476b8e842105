"""`vqecg infill`."""

from vqecg.scripts.steps.tasks.infilling import InfillingStep, infill

Arguments = InfillingStep


def run(arguments: InfillingStep) -> None:
    """Writes the records."""
    print(infill(arguments))
