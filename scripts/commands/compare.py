"""`vqecg compare`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from vqecg.reports.results import command_line
from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.presets import preset_of_design
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.comparing import (
    ComparingStep,
    comparison_stage,
    outcome,
    read_plan,
    run_plan,
    write_results,
)
from vqecg.scripts.steps.forecasting import check_advice, is_advised

HELP = ShortHelp(
    example="vqecg compare --store runs/ptbxl/store --generator runs/ptbxl/prior --out runs/comparison",
    options=("generator", "quick", "arms", "task", "target-classes", "plan", "preset", "workers", "device"),
)


@dataclass(frozen=True)
class Arguments(OnDevice, ComparingStep):
    """Options of `vqecg compare`."""

    plan: Path | None = None  # yaml file with cells: a grid of comparisons, each with what differs from these options
    result: Path | None = None  # file for the figures too, such as docs/results/NAME.json; of a plan one for each cell
    preset: str = "small"  # tiny, small or base: the defaults of --training and --augmentation.sampling

    model_option: ClassVar[str] = "training.model"

    preset_defaults = staticmethod(preset_of_design)


def run(arguments: Arguments) -> Outcome:
    """Compares, once or cell by cell, for the verdicts."""
    if arguments.plan is not None:
        compared = run_plan(arguments, arguments.plan)
        if is_advised(arguments.plan):
            check = check_advice(arguments.plan.parent, arguments.out)
            text = f"{compared}\n\nforecast: {check}"
            compared = Outcome({**compared.figures, "forecast": check.figures["check"]}, text)
    else:
        compared = outcome(comparison_stage(arguments))
    if arguments.result is not None:
        cells = [] if arguments.plan is None else [cell.slug for cell in read_plan(arguments, arguments.plan)]
        for path in write_results(arguments.out, arguments.result, command_line("vqecg", sys.argv[1:]), cells):
            compared = compared.and_file(path)
    return compared
