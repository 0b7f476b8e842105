"""The negative control: records that carry nothing about the labels they are given."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vqecg.downstream.augmentation.methods.registry import find_method
from vqecg.downstream.augmentation.plan import PRIOR_SAMPLES, SHUFFLED_LABELS, AdditionPlan, draw_evenly
from vqecg.downstream.comparison.arms.arm_data import ArmData
from vqecg.downstream.comparison.arms.kinds import ADDING
from vqecg.downstream.comparison.arms.registry import ARMS, DEFAULT, QUICK, ComparisonArm

if TYPE_CHECKING:
    from vqecg.downstream.comparison.arms.filling import Filling


class ShuffledLabelsArm(ComparisonArm):
    """Samples of the prior with labels of other records: a gain says that the comparison is broken."""

    pairs: ClassVar[bool] = False

    def additions(self, filling: "Filling") -> ArmData:
        """Records asked for labels of any training records, with the planned labels in another order."""
        plan, seed = filling.plan, filling.ingredients.settings.seed
        part = filling.rows(find_method(self.methods[0]), another_plan(filling))
        labels = plan.labels[np.random.default_rng(seed).permutation(len(plan))]
        note = f"{part.note}, with the labels of other records"
        return ArmData(self.name, part.signals, labels, note, int(part.copied.sum()))


def another_plan(filling: "Filling") -> AdditionPlan:
    """As many records of any labels, drawn from all training records that the prior knows.

    Permuting the labels of the added records alone would change nothing for a lone target class: all of them have it.
    Raises ValueError where the prior knows the labels of none.
    """
    ingredients, plan = filling.ingredients, filling.plan
    able = np.flatnonzero(find_method(PRIOR_SAMPLES).eligible(ingredients))
    if not len(able):
        raise ValueError(
            "the prior can make none of the training records' labels: leave the shuffled arm out, or give a generator "
            "of these labels"
        )
    rows = draw_evenly(able, len(plan), np.random.default_rng([ingredients.settings.seed, len(plan)]))
    labels = ingredients.store.labels(ingredients.task, ingredients.rows[rows], math.nan)
    return replace(plan, source_indices=rows, labels=labels)


ARMS.register(SHUFFLED_LABELS, rank=13)(
    ShuffledLabelsArm(
        SHUFFLED_LABELS,
        "samples of the prior with labels of other records: must not gain",
        (PRIOR_SAMPLES,),
        places={DEFAULT: 13, QUICK: 5},
        doing=f"{ADDING}generated ECGs with the labels of others",
    )
)
