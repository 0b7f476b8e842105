"""`vqecg generate`."""

from dataclasses import dataclass
from typing import Any

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.presets import preset
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.generating import GeneratingStep, generate

HELP = ShortHelp(
    example="vqecg generate --generator runs/ptbxl --against runs/ptbxl/store --labels HYP STTC --out runs/more",
    options=(
        "labels",
        "count",
        "age",
        "sex",
        "seed",
        "against",
        "layout",
        "sampling.temperature",
        "workers",
        "overwrite",
        "device",
    ),
    about="With --against, near copies of training records are rejected.",
)


@dataclass(frozen=True)
class Arguments(OnDevice, GeneratingStep):
    """Options of `vqecg generate`."""

    preset: str = "small"  # tiny, small or base: the defaults of --sampling

    @staticmethod
    def preset_defaults(name: str) -> dict[str, Any]:
        """The defaults that --preset sets."""
        return {"sampling": preset(name).sampling}


def run(arguments: Arguments) -> Outcome:
    """Writes the data set."""
    return generate(arguments)
