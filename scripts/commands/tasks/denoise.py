"""`vqecg denoise`."""

from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tasks.denoising import DenoisingStep, denoise_recordings

Arguments = DenoisingStep
HELP = ShortHelp(
    example="vqecg denoise --data data/ptb-xl --tokenizer runs/denoiser --out cleaned",
    options=("method", "source", "ignore-checksums", "overwrite"),
)


def run(arguments: DenoisingStep) -> None:
    """Writes the recordings without their noise."""
    print(denoise_recordings(arguments))
