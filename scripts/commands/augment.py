"""`vqecg augment`."""

from dataclasses import dataclass
from typing import Any, ClassVar

from vqecg.downstream.augmentation.methods.registry import AugmentationSettings
from vqecg.scripts.cli.device import OnDevice
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.presets import preset
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.steps.augmenting import AugmentingStep, augment

HELP = ShortHelp(
    example="vqecg augment --store runs/ptbxl/store --generator runs/ptbxl/prior --method prior --out runs/more",
    options=("method", "task", "target-classes", "ratio", "check", "no-gate", "layout", "overwrite", "device"),
)


@dataclass(frozen=True)
class Arguments(OnDevice, AugmentingStep):
    """Options of `vqecg augment`."""

    preset: str = "small"  # tiny, small or base: the defaults of --settings.sampling and --classifier

    model_option: ClassVar[str] = "classifier.model"

    @staticmethod
    def preset_defaults(name: str, model: str = "") -> dict[str, Any]:
        """The defaults that --preset sets, and the recipe of a classifier."""
        chosen = preset(name, model)
        return {"settings": AugmentationSettings(sampling=chosen.sampling), "classifier": chosen.classifier}


def run(arguments: Arguments) -> Outcome:
    """Writes the data set."""
    return augment(arguments)
