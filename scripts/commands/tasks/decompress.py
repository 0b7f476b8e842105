"""`vqecg decompress`."""

from vqecg.scripts.steps.tasks.compressing import DecompressingStep, decompress

Arguments = DecompressingStep


def run(arguments: DecompressingStep) -> None:
    """Writes the WFDB records."""
    print(decompress(arguments))
