"""`vqecg assess`."""

from dataclasses import dataclass
from typing import Any

from vqecg.scripts.cli.presets import preset
from vqecg.scripts.steps.assessing import AssessingStep, assessment_stage, summary


@dataclass(frozen=True)
class Arguments(AssessingStep):
    """Options of `vqecg assess`."""

    preset: str = "small"  # tiny, small or base: the defaults of --seeds and --training

    @staticmethod
    def preset_defaults(name: str) -> dict[str, Any]:
        """What --preset sets."""
        chosen = preset(name)
        return {"seeds": chosen.seeds, "training": chosen.classifier}


def run(arguments: Arguments) -> None:
    """Assesses and prints the tables."""
    print(summary(assessment_stage(arguments)))
