"""`vqecg segment`."""

from dataclasses import dataclass

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.segmenting import SegmentingStep, segment

HELP = ShortHelp(
    example="vqecg segment --data runs/more-hyp --segmenter runs/segmenter --out runs/intervals.csv",
    options=("waves", "plot", "record", "source", "overwrite", "device"),
)


@dataclass(frozen=True)
class Arguments(OnDevice, SegmentingStep):
    """Options of `vqecg segment`."""


def run(arguments: Arguments) -> Outcome:
    """Writes the tables and the plot."""
    return segment(arguments)
