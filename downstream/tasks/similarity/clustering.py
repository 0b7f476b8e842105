"""Groups of recordings: k-means in the space of their vectors, with how far they can be believed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from vqecg.evaluation.statistics.resampling import draw_patients
from vqecg.records.bounds import Checked, Count, CountOrNone, Seed

STARTS = 10  # of k-means, the best of which is taken


@dataclass(frozen=True)
class ClusteringSettings(Checked):
    """The number of groups, and the draws that measure their stability."""

    groups: Count = 8  # of recordings
    replicates: CountOrNone = 20  # draws of patients, with replacement, on which groups are made anew
    seed: Seed = 0  # of the starts and of the draws


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of records, the largest first."""

    group: np.ndarray  # (records,) int64, from 0
    distance: np.ndarray  # (records,) float64, to the centre of the record's group
    medoids: np.ndarray  # (groups,) int64, the record that is nearest to each centre
    stability: tuple[float, ...]  # adjusted Rand index of these groups and those of each draw of patients


def group_records(points: np.ndarray, patients: Sequence[str], settings: ClusteringSettings) -> Groups:
    """Of points (records, dimensions). Raises ValueError for more groups than records that differ.

    Draws of patients with too few records for so many groups are left out of the stability.
    """
    if (different := len(np.unique(points, axis=0))) < settings.groups:
        raise ValueError(
            f"{settings.groups} groups of {different} records that differ; expected fewer groups: choose "
            "--clustering.groups"
        )
    centres = centres_of(points, settings)
    group = nearest(points, centres)
    order = np.argsort(-np.bincount(group, minlength=len(centres)), kind="stable")
    centres, group = centres[order], np.argsort(order)[group]
    apart = cdist(points, centres)
    generator = np.random.default_rng(settings.seed)
    times, patient_of = draw_patients(np.asarray(patients), settings.replicates, generator)
    samples = (np.repeat(points, drawn[patient_of], axis=0) for drawn in times)
    again = (centres_of(one, settings) for one in samples if len(np.unique(one, axis=0)) >= settings.groups)
    stability = tuple(float(adjusted_rand_score(group, nearest(points, other))) for other in again)
    of_group = np.where(group[:, None] == np.arange(len(centres)), apart, np.inf)
    return Groups(group, apart[np.arange(len(points)), group], of_group.argmin(0), stability)


def centres_of(points: np.ndarray, settings: ClusteringSettings) -> np.ndarray:
    """The centres of k-means: (groups, dimensions)."""
    return KMeans(settings.groups, n_init=STARTS, random_state=settings.seed).fit(points).cluster_centers_


def nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The number of the nearest centre of each point: (records,) int64."""
    return cdist(points, centres).argmin(1)
