"""`vqecg decompress`."""

from dataclasses import dataclass

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tasks.compressing import DecompressingStep, decompress

HELP = ShortHelp(
    example="vqecg decompress --archive ptb-xl.vqe --tokenizer runs/ptbxl/tokenizer --out data/ptb-xl-again",
    options=("overwrite", "device"),
)


@dataclass(frozen=True)
class Arguments(OnDevice, DecompressingStep):
    """Options of `vqecg decompress`."""


def run(arguments: Arguments) -> Outcome:
    """Writes the WFDB records."""
    return decompress(arguments)
