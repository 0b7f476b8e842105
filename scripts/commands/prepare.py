"""`vqecg prepare`."""

from vqecg.scripts.steps.preparing import PreparingStep, prepare, summary

Arguments = PreparingStep


def run(arguments: PreparingStep) -> None:
    """Builds the store, or opens it when nothing has changed."""
    print(summary(prepare(arguments)))
