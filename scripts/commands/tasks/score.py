"""`vqecg score`."""

from vqecg.scripts.steps.tasks.scoring import ScoringStep, score

Arguments = ScoringStep


def run(arguments: ScoringStep) -> None:
    """Writes the table."""
    print(score(arguments))
