"""`vqecg train-classifier`."""

from dataclasses import dataclass
from typing import Any, ClassVar

from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.presets import preset
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.classifier import ClassifierStep, classifier_stage, summary

HELP = ShortHelp(
    example="vqecg train-classifier --store runs/ptbxl/store --synthetic runs/more-hyp-store --out runs/classifier",
    options=(
        "synthetic",
        "real",
        "task",
        "training.model",
        "training.fit.steps",
        "training.mixture.share",
        "preset",
        "seed",
        "device",
    ),
)


@dataclass(frozen=True)
class Arguments(OnDevice, ClassifierStep):
    """Options of `vqecg train-classifier`."""

    preset: str = "small"  # tiny, small or base: the defaults of --training

    model_option: ClassVar[str] = "training.model"

    @staticmethod
    def preset_defaults(name: str, model: str = "") -> dict[str, Any]:
        """The defaults that --preset sets, and the recipe of a classifier."""
        return {"training": preset(name, model).classifier}


def run(arguments: Arguments) -> Outcome:
    """Trains the classifier and tests it on real records."""
    stage = classifier_stage(arguments)
    return Outcome.of_stage(stage, summary(stage))
