"""`vqecg segment`."""

from vqecg.scripts.steps.segmenting import SegmentingStep, segment

Arguments = SegmentingStep


def run(arguments: SegmentingStep) -> None:
    """Writes the tables and the plot."""
    print(segment(arguments))
