"""`vqecg compress`."""

from vqecg.scripts.steps.tasks.compressing import CompressingStep, compress

Arguments = CompressingStep


def run(arguments: CompressingStep) -> None:
    """Writes the archive."""
    print(compress(arguments))
