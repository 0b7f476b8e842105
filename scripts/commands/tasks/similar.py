"""`vqecg similar`."""

from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.cli.stage import alone
from vqecg.scripts.steps.tasks.similarity import SimilarStep, similar

Arguments = SimilarStep
HELP = ShortHelp(
    example="vqecg similar --store runs/ptbxl/store --vectors vectors.parquet --record 17 --count 5 --out near-17",
    options=("count", "other-patients", "space.parts", "space.dimensions", "overwrite"),
)


@alone
def run(arguments: SimilarStep) -> Outcome:
    """Writes the nearest recordings."""
    return similar(arguments)
