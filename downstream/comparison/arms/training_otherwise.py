"""Arms that add nothing and train on the real records in another way."""

from typing import TYPE_CHECKING, ClassVar

from vqecg.downstream.classifiers.batch_augmentation import CLASSIC, MIXUP
from vqecg.downstream.classifiers.losses import ASYMMETRIC, WEIGHTED_BCE
from vqecg.downstream.comparison.arms.arm_data import TrainingArm
from vqecg.downstream.comparison.arms.registry import ADVICE, ARMS, DEFAULT, QUICK, ComparisonArm

if TYPE_CHECKING:
    from vqecg.downstream.comparison.arms.filling import Filling

for _rank, _arm in (
    (
        2,
        ComparisonArm(
            "class-weighted loss",
            "presence of a rare class weighs more in the loss",
            training={"loss.name": WEIGHTED_BCE},
            places={DEFAULT: 2},
            doing="weighting rare classes more in the loss",
        ),
    ),
    (
        3,
        ComparisonArm(
            "asymmetric loss",
            "easy absences weigh less in the loss",
            training={"loss.name": ASYMMETRIC},
            places={DEFAULT: 3},
            doing="weighting easy absences less in the loss",
        ),
    ),
    (
        4,
        ComparisonArm(
            "classic augmentation",
            "wander, noise, masks and scaling, anew each step",
            training={"augmentation.name": CLASSIC},
            places={DEFAULT: 4, QUICK: 2, ADVICE: 1},
            doing="augmenting the training ECGs in the ordinary ways",
        ),
    ),
    (
        5,
        ComparisonArm(
            "mixup",
            "records and labels of a batch mixed, beats as they fall",
            training={"augmentation.name": MIXUP},
            places={DEFAULT: 5},
            doing="mixing the ECGs of a batch (mixup)",
        ),
    ),
):
    ARMS.register(_arm.name, _rank)(_arm)


class LongerArm(ComparisonArm):
    """Twice the steps: what more of the same training does, where another arm takes more steps in all."""

    pairs: ClassVar[bool] = False

    def fill(self, filling: "Filling") -> TrainingArm:
        """Twice the steps of the comparison, with the same warm-up."""
        return TrainingArm(self.name, {"fit.steps": 2 * filling.training.fit.steps}, self.help)


ARMS.register("longer training", rank=5.5)(
    LongerArm("longer training", "twice as many steps", doing="training twice as long")
)
