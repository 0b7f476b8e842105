"""Membership from the released set alone: who has only the synthetic records, and asks whether a person's is behind.

Two attacks need no generator. The nearest synthetic record: a record that was trained on has one nearer to it (Chen et
al. 2020, GAN-Leaks). The density ratio: it lies where synthetic records are denser than those of the population, of
which the attacker has real records of other people (van Breugel et al. 2023, DOMIAS); here by the distances to the
nearest few in either set, as densities by kernels mean nothing in so many dimensions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqecg.evaluation.privacy.membership_inference import Membership, MembershipScores, membership_auc
from vqecg.evaluation.statistics.resampling import BootstrapSettings
from vqecg.prior.copies.gate import nearest_of
from vqecg.prior.copies.waveform_index import NeighbourIndex
from vqecg.records.labels import LabelTask
from vqecg.records.store.selection import RecordSelection
from vqecg.records.store.subset import by_lot

NEAREST, DENSITY = ATTACKS = ("nearest synthetic record", "density ratio")
NEIGHBOURS = 5  # whose distances tell a density
EVERY = "all"  # name of the row over records of every label
FEWEST = 20  # records of a label on either side, below which it has no row of its own
SMALLEST = 1e-6  # distance that counts as none, so that it has a logarithm


@dataclass(frozen=True)
class ReleasedSetAttack(Membership):
    """Membership by one attack in one space of distances."""

    attack: str  # of ATTACKS
    space: str  # see prior/copies for their distances
    label: str  # records with this label, or "all"


@dataclass(frozen=True, eq=False)
class Candidates:
    """The records of which an attacker asks whether they were trained on, and the population that is known to it."""

    members: RecordSelection  # training records
    others: RecordSelection  # held-out ones
    population: RecordSelection  # real records of yet other patients, for the density ratio

    @classmethod
    def drawn(cls, training: RecordSelection, held_out: RecordSelection, most: int, seed: int) -> "Candidates":
        """Training records by lot, at most `most`; half of the held-out patients are candidates, the others known.

        Raises ValueError for held-out records of a single patient.
        """
        patients = by_lot(held_out.patients, seed)
        if len(patients) < 2:
            raise ValueError(
                "the held-out records are of one patient; expected two or more, one half of whom an attacker knows"
            )
        known = np.isin(held_out.patients.astype(str), np.asarray(patients[: len(patients) // 2], str))
        return cls(training.sample(most, seed), held_out.only(~known), held_out.only(known))


def released_set_attacks(
    space: str,
    candidates: Candidates,
    synthetic: NeighbourIndex,
    population: NeighbourIndex,
    task: LabelTask,
    bootstrap: BootstrapSettings,
) -> list[ReleasedSetAttack]:
    """Both attacks in one space: over all records, and over those of each label that enough of either side have.

    `synthetic` and `population` are indices of the released records and of `candidates.population`.
    """
    rows = []
    sides = (candidates.members, candidates.others)
    for attack in ATTACKS:
        scores = [scores_of(attack, side, synthetic, population) for side in sides]
        rows.append(attacked(attack, space, EVERY, scores, sides, bootstrap))
        for column, label in enumerate(task.class_names):
            having = [side.labels(task, np.nan)[:, column] > 0 for side in sides]
            if min(chosen.sum() for chosen in having) >= FEWEST:
                only = [side.only(chosen) for side, chosen in zip(sides, having, strict=True)]
                of_label = [score[chosen] for score, chosen in zip(scores, having, strict=True)]
                rows.append(attacked(attack, space, label, of_label, only, bootstrap))
    return rows


def scores_of(
    attack: str, records: RecordSelection, synthetic: NeighbourIndex, population: NeighbourIndex
) -> np.ndarray:
    """The lower, the likelier a training record: (records,) float64."""
    if attack == NEAREST:
        return nearest_of(synthetic, records).distances[:, 0]
    to_synthetic, to_population = mean_log_distance(synthetic, records), mean_log_distance(population, records)
    measured = np.isfinite(to_synthetic) & np.isfinite(to_population)  # a record without beats has no distance
    return np.where(measured, to_synthetic - np.where(measured, to_population, 0.0), 0.0)


def mean_log_distance(index: NeighbourIndex, records: RecordSelection) -> np.ndarray:
    """The mean logarithm of the distances to the nearest NEIGHBOURS: falls as the density rises; (records,)."""
    distances = nearest_of(index, records, min(NEIGHBOURS, len(index))).distances
    return np.log(np.maximum(distances, SMALLEST)).mean(axis=1)


def attacked(
    attack: str,
    space: str,
    label: str,
    scores: Sequence[np.ndarray],
    sides: Sequence[RecordSelection],
    bootstrap: BootstrapSettings,
) -> ReleasedSetAttack:
    """A row: how well the scores tell the two sides apart."""
    members, others = (
        MembershipScores(score, np.full(len(score), "", object), side.patients)
        for score, side in zip(scores, sides, strict=True)
    )
    return ReleasedSetAttack(
        **vars(membership_auc(members, others, bootstrap=bootstrap)), attack=attack, space=space, label=label
    )
