"""`vqecg decompress`."""

from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tasks.compressing import DecompressingStep, decompress

Arguments = DecompressingStep
HELP = ShortHelp(
    example="vqecg decompress --archive ptb-xl.vqe --tokenizer runs/ptbxl/tokenizer --out data/ptb-xl-again",
    options=("overwrite",),
)


def run(arguments: DecompressingStep) -> None:
    """Writes the WFDB records."""
    print(decompress(arguments))
