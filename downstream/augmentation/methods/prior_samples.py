"""Prior samples: records generated from the statements and attributes of the planned ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vqecg.downstream.augmentation.additions import Additions, fill
from vqecg.downstream.augmentation.methods.registry import METHODS, AugmentationMethod, Ingredients
from vqecg.downstream.augmentation.plan import PRIOR_SAMPLES, AdditionPlan
from vqecg.prior.config import SamplingSettings
from vqecg.prior.requests import Requests
from vqecg.prior.sampling import another_seed
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.store.selection import RecordSelection
from vqecg.records.unknown_labels import unknown_of

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


@METHODS.register(PRIOR_SAMPLES, rank=10)
class PriorSamples(AugmentationMethod):
    """Samples of the prior for statements and attributes of the planned records: the joint distribution of these."""

    help = "samples of the prior for the planned labels"
    noun = "generated ECGs"
    aliases: ClassVar[tuple[str, ...]] = ("prior",)
    places: ClassVar[Mapping[str, float]] = {"default": 10, "quick": 4, "run": 2}
    records: ClassVar[str] = "samples"  # of the prior, in words

    def eligible(self, ingredients: Ingredients) -> np.ndarray:
        """True where the statements that the prior knows give the record's labels: (records,) bool."""
        generator, task, rows = ingredients.generator, ingredients.task, ingredients.rows
        asked = known_labels(generator, RecordSelection(ingredients.store, rows), ingredients.settings.least)
        given = task.encode([dict.fromkeys(generator.task.names(row), 100.0) for row in asked])
        labels = ingredients.store.labels(task, rows, math.nan)
        return ((given == labels) | np.isnan(labels)).all(1) & ingredients.can_be_asked_for

    def make(self, ingredients: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
        """Samples, drawn again from another seed after a rejection."""
        settings, generator = ingredients.settings, ingredients.generator

        def draw(rows: np.ndarray, attempt: int) -> SyntheticRecords:
            sources = RecordSelection(ingredients.store, ingredients.sources(plan, rows))
            labels = known_labels(generator, sources, settings.least)
            requests = Requests.like(labels, sources.table, generator.attributes)
            seed = settings.seed if attempt == 0 else another_seed(settings.seed, attempt)
            drawn = self.generate(generator, requests, seed, settings.sampling, first + int(rows[0]))
            return drawn.for_task(ingredients.task)

        words = ("statements", *generator.attributes)
        asked = " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
        note = f"{self.records} of the prior for the {asked} of real training records"
        judges = (ingredients.check, ingredients.gate)
        return fill(self.name, plan, ingredients.task, draw, note, settings.attempts, *judges)

    def generate(
        self, generator: ECGGenerator, requests: Requests, seed: int, sampling: SamplingSettings, first: int
    ) -> SyntheticRecords:
        """One record for each request; `first` is the number of the first one in the whole set, for the seeds."""
        return generator.generate(requests, seed, sampling, first)


def known_labels(generator: ECGGenerator, records: RecordSelection, least: int) -> np.ndarray:
    """Labels to ask the prior for, without those of fewer than `least` records: (records, its classes) float32.

    NaN where a label is unknown.
    """
    labels = generator.task.encode(records.statements, unknown_of(records.table))
    labels[:, [generator.class_names.index(name) for name in generator.rare_labels(least)]] = 0
    return labels
