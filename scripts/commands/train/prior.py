"""`vqecg train-prior`."""

from dataclasses import dataclass
from typing import Any

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.presets import preset
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.prior import PriorStep, prior_stage, summary

HELP = ShortHelp(
    example="vqecg train-prior --store runs/ptbxl/store --tokenizer runs/ptbxl/tokenizer --out runs/ptbxl/prior",
    options=(
        "preset",
        "task",
        "training.fit.steps",
        "training.fit.batch-size",
        "training.model.width",
        "training.model.layers",
        "smallest-cell",
        "overwrite",
        "device",
    ),
    about="With the tokenizer it is a generator.",
)


@dataclass(frozen=True)
class Arguments(OnDevice, PriorStep):
    """Options of `vqecg train-prior`."""

    preset: str = "small"  # tiny, small or base: the defaults of --training

    @staticmethod
    def preset_defaults(name: str) -> dict[str, Any]:
        """The defaults that --preset sets."""
        return {"training": preset(name).prior}


def run(arguments: Arguments) -> Outcome:
    """Trains and measures the prior."""
    stage = prior_stage(arguments)
    return Outcome.of_stage(stage, summary(stage))
