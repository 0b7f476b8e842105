"""`vqecg train-segmenter`."""

from dataclasses import dataclass

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.segmenter import SegmenterStep, segmenter_stage, summary

HELP = ShortHelp(
    example="vqecg train-segmenter --ludb data/ludb --out runs/segmenter",
    options=("tokenizer", "training.fit.steps", "training.simulated", "overwrite", "device"),
)


@dataclass(frozen=True)
class Arguments(OnDevice, SegmenterStep):
    """Options of `vqecg train-segmenter`."""


def run(arguments: Arguments) -> Outcome:
    """Trains the segmenter and measures its errors on the records held out."""
    stage = segmenter_stage(arguments)
    return Outcome.of_stage(stage, summary(stage))
