"""`vqecg denoise`."""

from vqecg.scripts.steps.tasks.denoising import DenoisingStep, denoise_recordings

Arguments = DenoisingStep


def run(arguments: DenoisingStep) -> None:
    """Writes the recordings without their noise."""
    print(denoise_recordings(arguments))
