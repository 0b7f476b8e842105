"""`vqecg compress`."""

from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tasks.compressing import CompressingStep, compress

Arguments = CompressingStep
HELP = ShortHelp(
    example="vqecg compress --data data/ptb-xl --tokenizer runs/ptbxl/tokenizer --out ptb-xl.vqe",
    options=("compression.error", "compression.most", "compression.seconds", "source", "overwrite"),
    about="It is lossy.",
)


def run(arguments: CompressingStep) -> None:
    """Writes the archive."""
    print(compress(arguments))
