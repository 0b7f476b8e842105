"""`vqecg assess`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqecg.reports.assessment.experiment import assessment_experiment
from vqecg.reports.results import command_line, write_experiment
from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.presets import preset
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.assessing import AssessingStep, assessment_stage, outcome, read_assessment

HELP = ShortHelp(
    example="vqecg assess runs/more-hyp --against runs/ptbxl/store --generator runs/ptbxl/prior --out runs/assessed",
    options=("task", "generator", "segmenter", "families", "seeds", "preset", "result", "overwrite", "device"),
)


@dataclass(frozen=True)
class Arguments(OnDevice, AssessingStep):
    """Options of `vqecg assess`."""

    result: Path | None = None  # file for the figures too, such as docs/results/NAME.json
    preset: str = "small"  # tiny, small or base: the defaults of --seeds and --training

    @staticmethod
    def preset_defaults(name: str) -> dict[str, Any]:
        """The defaults that --preset sets."""
        chosen = preset(name)
        return {"seeds": chosen.seeds, "training": chosen.classifier}


def run(arguments: Arguments) -> Outcome:
    """Assesses."""
    assessed = outcome(assessment_stage(arguments))
    if arguments.result is not None:
        command = command_line("vqecg", sys.argv[1:])
        experiment = assessment_experiment(read_assessment(arguments.out), arguments.result.stem, command)
        return assessed.and_file(write_experiment(experiment, arguments.result.parent))
    return assessed
