"""Duplication: the control that every other method must beat."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from vqecg.downstream.augmentation.additions import Additions, fill
from vqecg.downstream.augmentation.methods.registry import METHODS, AugmentationMethod, Ingredients
from vqecg.downstream.augmentation.plan import DUPLICATION, AdditionPlan
from vqecg.prior.synthetic_records import SyntheticRecords


@METHODS.register(DUPLICATION, rank=1)
class Duplication(AugmentationMethod):
    """The planned records themselves, once more."""

    help = "copies of the planned records: the second reference"
    noun = "copies of real ECGs"
    places: ClassVar[Mapping[str, float]] = {"default": 1, "quick": 1, "run": 1}
    copies = True

    def make(self, ingredients: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
        """Copies, with the store's statements and attributes."""

        def draw(rows: np.ndarray, attempt: int) -> SyntheticRecords:
            sources = ingredients.sources(plan, rows)
            return ingredients.derived(ingredients.store.signals(sources), sources)

        return fill(self.name, plan, ingredients.task, draw, "copies of real training records")
