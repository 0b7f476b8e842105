"""Mixing of two records: what latent interpolation and its controls share."""

import math
from dataclasses import replace
from typing import ClassVar

import numpy as np

from vqecg.downstream.augmentation.additions import Additions, fill
from vqecg.downstream.augmentation.methods.registry import AugmentationMethod, Ingredients
from vqecg.downstream.augmentation.plan import AdditionPlan
from vqecg.prior.editing.interpolation import draw_pair, mix
from vqecg.prior.editing.pairing import Pair, shared_statements
from vqecg.prior.synthetic_records import SyntheticRecords


class Mixing(AugmentationMethod):
    """Mixtures of two parents, the planned record and a partner; after a rejection, of any two with the labels."""

    note: ClassVar[str]  # the records in words, for reports
    aligned: ClassVar[bool] = True  # beats of the parents are put on each other
    in_millivolts: ClassVar[bool] = False  # signals are mixed, not latents
    weight: ClassVar[float | None] = None  # of the second parent; None: drawn for each pair

    def eligible(self, ingredients: Ingredients) -> np.ndarray:
        """True where a partner exists: (records,) bool."""
        return np.isin(ingredients.rows, ingredients.parents.rows[ingredients.parents.able()])

    def can_make(self, ingredients: Ingredients, plan: AdditionPlan) -> np.ndarray:
        """True where two parents have the labels, of which the planned record need not be one: (rows,) bool."""
        labels = ingredients.store.labels(ingredients.task, ingredients.rows, math.nan)
        known = {row.tobytes() for row in labels[self.eligible(ingredients)]}
        return np.array([row.tobytes() in known for row in plan.labels], bool)

    def make(self, ingredients: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
        """Mixtures with the statements that both parents have. Raises ValueError at another sampling rate."""
        settings = replace(ingredients.settings.interpolation, seed=ingredients.settings.seed, aligned=self.aligned)
        tokenizer, store, parents = ingredients.generator.tokenizer, ingredients.store, ingredients.parents
        tokenizer.check_sampling_rate(store.spec.sampling_rate)

        def one(row: int, attempt: int) -> tuple[Pair, np.ndarray | None]:
            stream = np.random.default_rng([settings.seed, first + row, attempt])
            source = int(ingredients.rows[plan.source_indices[row]])
            chosen = source if attempt == 0 and source in parents.places else None
            pair = draw_pair(parents, plan.labels[row], settings, stream, chosen)
            if pair is None:
                return Pair(source, -1, float("nan")), None
            if self.weight is not None:
                pair = replace(pair, weight=self.weight)
            return pair, mix(tokenizer, store, pair, settings, stream, self.in_millivolts)

        def draw(rows: np.ndarray, attempt: int) -> SyntheticRecords:
            mixtures = [one(int(row), attempt) for row in rows]
            firsts = np.array([pair.first for pair, _ in mixtures], np.int64)
            seconds = np.array([pair.second for pair, _ in mixtures], np.int64)
            nothing = np.zeros((len(tokenizer.config.leads), store.spec.samples), np.float32)
            both = zip(ingredients.statements(firsts), ingredients.statements(np.maximum(seconds, 0)), strict=True)
            return ingredients.derived(
                np.stack([nothing if signal is None else signal for _, signal in mixtures]),
                firsts,
                seconds,
                np.array([pair.weight for pair, _ in mixtures]),
                [shared_statements(*pair) for pair in both],
                np.array([signal is not None for _, signal in mixtures]),
            )

        judges = (ingredients.settings.attempts, ingredients.check, ingredients.gate)
        return fill(self.name, plan, ingredients.task, draw, self.note, *judges)
