"""Simulated hearts: records of the simulator for the planned labels, as they are or in the style of recordings."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from vqecg.downstream.augmentation.additions import Additions, fill
from vqecg.downstream.augmentation.methods.registry import METHODS, AugmentationMethod, Ingredients
from vqecg.prior.requests import Requests
from vqecg.prior.sampling import another_seed
from vqecg.prior.sketched_records import recordings_of, sketches_of
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.leads import INDEPENDENT_ROWS
from vqecg.records.simulation.asking import statements_to_simulate
from vqecg.records.simulation.heart import draw_patient
from vqecg.records.simulation.simulator import SIMULATED_STATEMENTS, SimulatorSettings, simulate_record

if TYPE_CHECKING:
    from vqecg.downstream.augmentation.plan import AdditionPlan

CHOICE, HEART = 11, 12  # streams of random numbers: which statement stands for a class, and all else


@METHODS.register("simulated hearts", rank=12)
class SimulatedHearts(AugmentationMethod):
    """Records of the simulator: the planned record's statements where it knows them, else others of the same class."""

    help = "simulated records of the planned labels: no real record is learned from"
    noun = "simulated ECGs"
    note = "simulated records of the labels, age and sex of real training records"

    def eligible(self, ingredients: Ingredients) -> np.ndarray:
        """True where the simulator has statements that give the record's known labels: (records,) bool."""
        labels = ingredients.store.labels(ingredients.task, ingredients.rows, math.nan)
        return np.array([bool(names) for names in asked_for(ingredients, ingredients.rows, labels)], bool)

    def invents(self, ingredients: Ingredients) -> tuple[str, ...]:
        """The classes that the simulator has a statement of."""
        known = {ingredients.task.members.get(name) for name in SIMULATED_STATEMENTS}
        return tuple(name for name in ingredients.task.class_names if name in known)

    def make(self, ingredients: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
        """Simulated records, of another patient after a rejection."""
        settings = ingredients.settings

        def draw(rows: np.ndarray, attempt: int) -> SyntheticRecords:
            seed = settings.seed if attempt == 0 else another_seed(settings.seed, attempt)
            return self.records(ingredients, ingredients.sources(plan, rows), plan.labels[rows], seed, first + rows)

        judges = (ingredients.check, ingredients.gate)
        return fill(self.name, plan, ingredients.task, draw, self.note, settings.attempts, *judges)

    def records(
        self, ingredients: Ingredients, sources: np.ndarray, labels: np.ndarray, seed: int, numbers: np.ndarray
    ) -> SyntheticRecords:
        """Simulated records of `labels` (records, classes) for rows of the store.

        `numbers` are theirs in the whole set, for the seeds.
        """
        return simulated(ingredients, sources, labels, seed, numbers)


@METHODS.register("textbook hearts", rank=12.2)
class TextbookHearts(SimulatedHearts):
    """Simulated records in the style of recordings: the prior writes the codes for the simulated record's sketch.

    What a label means is the simulator's, how a recording looks is the prior's, which need not have seen the label.
    """

    help = "simulated records' sketches, which the prior turns into recordings"
    noun = "ECGs generated from simulated sketches"
    note = (
        "records of the prior for the sketches of simulated ones, of the labels, age and sex of real training records"
    )

    def records(
        self, ingredients: Ingredients, sources: np.ndarray, labels: np.ndarray, seed: int, numbers: np.ndarray
    ) -> SyntheticRecords:
        """The sketches of simulated records, turned into recordings. Raises ValueError as `sketches_of`."""
        hearts, generator = simulated(ingredients, sources, labels, seed, numbers), ingredients.generator
        sketch = sketches_of(generator, hearts.signal)
        first = int(numbers[0]) if len(numbers) else 0
        signal, codes = recordings_of(generator, sketch, seed, ingredients.settings.sampling, first)
        return replace(hearts, signal=signal, codes=codes, sketch=sketch)


def asked_for(ingredients: Ingredients, rows: np.ndarray, labels: np.ndarray) -> list[tuple[str, ...]]:
    """The statements to simulate for rows of the store with `labels` (rows, classes), NaN = open.

    None where the labels cannot be simulated, or only without other statements of the record.
    """
    generators = (np.random.default_rng([CHOICE, int(row)]) for row in rows)
    return [
        statements_to_simulate(names, label, ingredients.task, rng)
        for names, label, rng in zip(ingredients.statements(rows), labels, generators, strict=True)
    ]


def simulated(
    ingredients: Ingredients, rows: np.ndarray, labels: np.ndarray, seed: int, numbers: np.ndarray
) -> SyntheticRecords:
    """A simulated record of `labels` for each row of the store, of its age and sex where they are known.

    They have no parents.
    """
    spec, table = ingredients.store.spec, ingredients.store.table.iloc[rows]
    settings = SimulatorSettings(spec.samples / spec.sampling_rate, spec.sampling_rate)
    asked = [
        # a label that the record itself does not have goes without what excludes it there
        names or statements_to_simulate((), label, ingredients.task, np.random.default_rng([CHOICE, int(row)]))
        for names, label, row in zip(asked_for(ingredients, rows, labels), labels, rows, strict=True)
    ]
    signal = np.zeros((len(rows), len(INDEPENDENT_ROWS), spec.samples), np.float32)
    for place, (statements, number) in enumerate(zip(asked, numbers, strict=True)):
        rng = np.random.default_rng([seed, int(number), HEART])
        known = {name: table[name].iloc[place] for name in ("age", "sex") if name in table}
        known = {name: value for name, value in known.items() if not ATTRIBUTES.get(name).is_unknown(value)}
        patient = draw_patient(rng, **known)
        signal[place] = simulate_record(statements, rng, settings, patient).record.signal[INDEPENDENT_ROWS]
    shown = [{name: SIMULATED_STATEMENTS[name] for name in names} for names in asked]
    requests = Requests.like(ingredients.task.encode(shown), table, ingredients.generator.attributes)
    return replace(SyntheticRecords.drawn(signal, requests, ingredients.task), statements=shown)
