"""`vqecg score`."""

from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tasks.scoring import ScoringStep, score

Arguments = ScoringStep
HELP = ShortHelp(
    example="vqecg score --data data/ptb-xl --generator runs/ptbxl/prior --out scores.csv",
    options=("normal", "seed", "source", "overwrite"),
    about="It is a likelihood, no diagnosis.",
)


def run(arguments: ScoringStep) -> None:
    """Writes the table."""
    print(score(arguments))
