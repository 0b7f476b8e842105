"""Draws of a bootstrap: patients with all their records, and training seeds.

A drawn patient counts as often as it was drawn, so a replicate is a row of record weights and nothing is copied.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqecg.records.bounds import Checked, Count, InnerShare, Seed
from vqecg.records.patients import patient_keys


@dataclass(frozen=True)
class BootstrapSettings(Checked):
    """The bootstrap behind an interval."""

    replicates: Count = 1000  # bootstrap draws of patients and seeds
    confidence: InnerShare = 0.95  # of the intervals
    seed: Seed = 0  # of draws of records and patients


@dataclass(frozen=True, eq=False)
class BootstrapDraw:
    """Replicates drawn once and used for every arm, metric and class. Row 0 is the sample itself, not a draw."""

    record_weights: np.ndarray  # (1 + replicates, records) float32: times that each record's patient was drawn
    seed_weights: np.ndarray  # (1 + replicates, seeds) float64, every row sums to 1
    patient_of: np.ndarray  # (records,) int64, numbers of patients from 0

    @property
    def replicates(self) -> int:
        """The number of draws, the sample itself not counted."""
        return len(self.record_weights) - 1

    @property
    def patients(self) -> int:
        """The number of patients."""
        return int(self.patient_of.max()) + 1


def draw_patients(
    patients: np.ndarray, replicates: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws patients with replacement, as many as there are, `replicates` times.

    `patients` (records,) names the patient of each record. Gives (replicates, patients) int64, times that each patient
    was drawn, in the order of the sorted names, and (records,) int64, the column of each record's patient.
    """
    names, patient_of = np.unique(patients, return_inverse=True)
    chances = np.full(len(names), 1 / max(len(names), 1))
    return generator.multinomial(len(names), chances, size=replicates), patient_of


def draw_bootstrap(
    patient_ids: Sequence[str],
    seeds: int,
    replicates: int,
    bootstrap_seed: int,
    folds: np.ndarray | None = None,
    draws: int = 1,
) -> BootstrapDraw:
    """Draws patients and seeds with replacement; `patient_ids` has one entry per record, "" for an unknown patient.

    A record of an unknown patient counts as a patient of its own. With `folds` (records,), patients are drawn within
    their fold, so that every draw has each fold's number of patients. With several `draws` of the training records,
    whose seeds stand one draw after the other among the `seeds`, draws are drawn, each with all of its seeds.

    Raises ValueError for no record, seed or replicate, seeds not as many in every draw, or a patient in two folds.
    """
    if not len(patient_ids) or seeds < 1 or replicates < 1:
        raise ValueError(
            f"got {len(patient_ids)} records, {seeds} seeds and {replicates} replicates; expected at least one of each"
        )
    if draws < 1 or seeds % draws:
        raise ValueError(f"got {seeds} classifiers in {draws} draws; expected as many in every draw")
    names = patient_keys(patient_ids)
    strata = np.zeros(len(names), np.int64) if folds is None else np.asarray(folds)
    if strata.shape != names.shape:
        raise ValueError(f"got folds of shape {strata.shape} for {len(names)} records; expected one per record")
    generator = np.random.default_rng(bootstrap_seed)
    weights = np.ones((1 + replicates, len(names)), np.float32)
    patient_of = np.empty(len(names), np.int64)
    patients = 0
    for fold in np.unique(strata):
        rows = np.flatnonzero(strata == fold)
        times, columns = draw_patients(names[rows], replicates, generator)
        weights[1:, rows] = times.astype(np.float32)[:, columns]
        patient_of[rows] = patients + columns
        patients += times.shape[1]
    if patients != len(np.unique(names)):
        raise ValueError("a patient is in two folds; expected every patient in one: its records are alike")
    units = draws if draws > 1 else seeds
    drawn = max(units - 1, 1)
    counts = generator.multinomial(drawn, np.full(units, 1 / units), size=replicates) / drawn
    of_seeds = np.repeat(counts, seeds // units, axis=1) / (seeds // units)
    return BootstrapDraw(weights, np.vstack([np.full((1, seeds), 1 / seeds), of_seeds]), patient_of)
