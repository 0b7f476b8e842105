"""Infilling: planned records of which the prior writes a part anew."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from vqecg.downstream.augmentation.additions import Additions, fill
from vqecg.downstream.augmentation.methods.registry import METHODS, AugmentationMethod, Ingredients
from vqecg.downstream.augmentation.plan import AdditionPlan
from vqecg.prior.editing.infilling import infill
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.store.selection import RecordSelection


@METHODS.register("infilling", rank=11)
class Infilling(AugmentationMethod):
    """The planned records with part of their codes drawn anew by the prior."""

    help = "planned records of which the prior writes a part anew"
    noun = "real ECGs of which a part is generated"
    places: ClassVar[Mapping[str, float]] = {"default": 11}

    def eligible(self, ingredients: Ingredients) -> np.ndarray:
        """True where the prior can be told the record's labels: (records,) bool."""
        return ingredients.can_be_asked_for

    def make(self, ingredients: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
        """Records with one parent, of which the codes that stay are parts."""
        settings = replace(ingredients.settings.infilling, seed=ingredients.settings.seed)
        sampling = ingredients.settings.sampling

        def draw(rows: np.ndarray, attempt: int) -> SyntheticRecords:
            parents = RecordSelection(ingredients.store, ingredients.sources(plan, rows))
            records = infill(ingredients.generator, parents, settings, sampling, first + rows, attempt)
            return records.for_task(ingredients.task)

        note = (
            f"real training records of which {settings.kept:.0%} is kept, in {settings.unit}, and the prior wrote the "
            "rest"
        )
        judges = (ingredients.settings.attempts, ingredients.check, ingredients.gate)
        return fill(self.name, plan, ingredients.task, draw, note, *judges)
