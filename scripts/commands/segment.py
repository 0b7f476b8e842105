"""`vqecg segment`."""

from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.segmenting import SegmentingStep, segment

Arguments = SegmentingStep
HELP = ShortHelp(
    example="vqecg segment --data runs/more-hyp --segmenter runs/segmenter --out runs/intervals.csv",
    options=("waves", "plot", "record", "source", "overwrite"),
)


def run(arguments: SegmentingStep) -> None:
    """Writes the tables and the plot."""
    print(segment(arguments))
