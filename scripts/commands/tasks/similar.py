"""`vqecg similar`."""

from vqecg.scripts.cli.stage import alone
from vqecg.scripts.steps.tasks.similarity import SimilarStep, similar

Arguments = SimilarStep


@alone
def run(arguments: SimilarStep) -> None:
    """Writes the nearest recordings."""
    print(similar(arguments))
