"""`vqecg generate`."""

from dataclasses import dataclass
from typing import Any

from vqecg.scripts.cli.presets import preset
from vqecg.scripts.steps.generating import GeneratingStep, generate


@dataclass(frozen=True)
class Arguments(GeneratingStep):
    """Options of `vqecg generate`."""

    preset: str = "small"  # tiny, small or base: the defaults of --sampling

    @staticmethod
    def preset_defaults(name: str) -> dict[str, Any]:
        """The defaults that --preset sets."""
        return {"sampling": preset(name).sampling}


def run(arguments: Arguments) -> None:
    """Writes the data set."""
    print(generate(arguments))
