"""`vqecg compress`."""

from dataclasses import dataclass

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tasks.compressing import CompressingStep, compress

HELP = ShortHelp(
    example="vqecg compress --data data/ptb-xl --tokenizer runs/ptbxl/tokenizer --out ptb-xl.vqe",
    options=(
        "compression.error",
        "compression.lossless",
        "compression.most",
        "compression.seconds",
        "source",
        "overwrite",
        "device",
    ),
    about="It is lossy, unless --compression.lossless is given.",
)


@dataclass(frozen=True)
class Arguments(OnDevice, CompressingStep):
    """Options of `vqecg compress`."""


def run(arguments: Arguments) -> Outcome:
    """Writes the archive."""
    return compress(arguments)
