"""`vqecg prepare`."""

from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.preparing import PreparingStep, outcome, prepare

Arguments = PreparingStep
HELP = ShortHelp(
    example="vqecg prepare --data data/ptb-xl --out runs/ptbxl/store",
    options=(
        "source",
        "labels-csv",
        "label-columns",
        "empty-labels",
        "unlabelled",
        "spec.sampling-rate",
        "workers",
        "overwrite",
    ),
)


def run(arguments: PreparingStep) -> Outcome:
    """Builds the store, or opens it when nothing has changed."""
    return outcome(prepare(arguments))
