"""`vqecg cluster`."""

from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.cli.stage import alone
from vqecg.scripts.steps.tasks.similarity import ClusteringStep, cluster

Arguments = ClusteringStep
HELP = ShortHelp(
    example="vqecg cluster --store runs/ptbxl/store --vectors vectors.parquet --clustering.groups 8 --out groups",
    options=(
        "clustering.groups",
        "clustering.replicates",
        "clustering.seed",
        "space.parts",
        "space.dimensions",
        "task",
        "overwrite",
    ),
)


@alone
def run(arguments: ClusteringStep) -> Outcome:
    """Writes the groups."""
    return cluster(arguments)
