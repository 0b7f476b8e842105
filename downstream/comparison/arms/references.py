"""The two references that every arm is compared with."""

from dataclasses import replace
from typing import TYPE_CHECKING

from vqecg.downstream.augmentation.methods.registry import find_method
from vqecg.downstream.augmentation.plan import DUPLICATION, REAL_ONLY
from vqecg.downstream.comparison.arms.arm_data import ArmData, duplicate
from vqecg.downstream.comparison.arms.kinds import ADDING
from vqecg.downstream.comparison.arms.registry import ARMS, DEFAULT, QUICK, RUN, ComparisonArm
from vqecg.records.store.selection import RecordSelection

if TYPE_CHECKING:
    from vqecg.downstream.comparison.arms.filling import Filling

ARMS.register(REAL_ONLY, rank=0)(
    ComparisonArm(REAL_ONLY, "nothing is added: the first reference", places={DEFAULT: 0, QUICK: 0, RUN: 0})
)


class DuplicationArm(ComparisonArm):
    """Copies of the planned records, read from the store: no file is written."""

    def additions(self, filling: "Filling") -> ArmData:
        """The planned rows of the training records once more."""
        ingredients = filling.ingredients
        return replace(duplicate(RecordSelection(ingredients.store, ingredients.rows), filling.plan), name=self.name)


_method = find_method(DUPLICATION)
ARMS.register(DUPLICATION, rank=1)(
    DuplicationArm(DUPLICATION, _method.help, (DUPLICATION,), places=_method.places, doing=ADDING + _method.noun)
)
