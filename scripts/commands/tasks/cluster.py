"""`vqecg cluster`."""

from vqecg.scripts.cli.stage import alone
from vqecg.scripts.steps.tasks.similarity import ClusteringStep, cluster

Arguments = ClusteringStep


@alone
def run(arguments: ClusteringStep) -> None:
    """Writes the groups."""
    print(cluster(arguments))
