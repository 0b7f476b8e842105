"""`vqecg advise`."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.presets import preset_of_design
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.advising import AdvisingStep, advising_stage, outcome
from vqecg.scripts.steps.forecasting import check_advice

HELP = ShortHelp(
    example="vqecg advise --store runs/ptbxl/store --generator runs/ptbxl/prior --budget 30m --out runs/advice",
    options=(
        "generator",
        "budget",
        "task",
        "target-classes",
        "preset",
        "check",
        "workers",
        "overwrite",
        "device",
    ),
)


@dataclass(frozen=True)
class Arguments(OnDevice, AdvisingStep):
    """Options of `vqecg advise`."""

    check: Path | None = None  # folder of the finished comparison of this advice's plan: says how good the forecast was
    preset: str = "small"  # tiny, small or base: the defaults of --training and --augmentation.sampling

    model_option: ClassVar[str] = "training.model"

    preset_defaults = staticmethod(preset_of_design)


def run(arguments: Arguments) -> Outcome:
    """Advises, or checks the forecast of an advice, whichever is asked for."""
    if arguments.check is not None:
        return check_advice(arguments.out, arguments.check)
    return outcome(advising_stage(arguments))
