"""`vqecg train-tokenizer`."""

from dataclasses import dataclass
from typing import Any

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.presets import preset
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.tokenizer import TokenizerStep, summary, tokenizer_stage

HELP = ShortHelp(
    example="vqecg train-tokenizer --store runs/ptbxl/store --out runs/ptbxl/tokenizer",
    options=(
        "preset",
        "training.fit.steps",
        "training.fit.batch-size",
        "training.model.levels",
        "training.model.codebook-size",
        "training.model.noise-share",
        "start",
        "overwrite",
        "device",
    ),
)


@dataclass(frozen=True)
class Arguments(OnDevice, TokenizerStep):
    """Options of `vqecg train-tokenizer`."""

    preset: str = "small"  # tiny, small or base: the defaults of --training

    @staticmethod
    def preset_defaults(name: str) -> dict[str, Any]:
        """The defaults that --preset sets."""
        return {"training": preset(name).tokenizer}


def run(arguments: Arguments) -> Outcome:
    """Trains and measures the tokenizer."""
    stage = tokenizer_stage(arguments)
    return Outcome.of_stage(stage, summary(stage))
