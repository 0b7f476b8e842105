"""`vqecg denoise`."""

from dataclasses import dataclass

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tasks.denoising import DenoisingStep, denoise_recordings

HELP = ShortHelp(
    example="vqecg denoise --data data/ptb-xl --tokenizer runs/denoiser --out cleaned",
    options=("method", "source", "ignore-checksums", "overwrite", "device"),
)


@dataclass(frozen=True)
class Arguments(OnDevice, DenoisingStep):
    """Options of `vqecg denoise`."""


def run(arguments: Arguments) -> Outcome:
    """Writes the recordings without their noise."""
    return denoise_recordings(arguments)
