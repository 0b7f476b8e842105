"""`vqecg train-segmenter`."""

from vqecg.scripts.steps.segmenter import SegmenterStep, segmenter_stage, summary

Arguments = SegmenterStep


def run(arguments: SegmenterStep) -> None:
    """Trains the segmenter and measures its errors on the records held out."""
    print(summary(segmenter_stage(arguments)))
