"""`vqecg train-segmenter`."""

from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.segmenter import SegmenterStep, segmenter_stage, summary

Arguments = SegmenterStep
HELP = ShortHelp(
    example="vqecg train-segmenter --ludb data/ludb --out runs/segmenter",
    options=("tokenizer", "training.fit.steps", "training.simulated", "overwrite"),
)


def run(arguments: SegmenterStep) -> None:
    """Trains the segmenter and measures its errors on the records held out."""
    print(summary(segmenter_stage(arguments)))
