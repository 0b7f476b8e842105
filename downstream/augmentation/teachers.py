"""Pseudo-labels: what an ensemble of classifiers predicts where the labels of training records are unknown.

The teachers are trained by the settings of the comparison, as "real only" is before any tuning, on the records whose
labels are known, from seeds of their own; validation and test records enter nowhere. Soft labels are the mean of their
scores (Lee 2013 took the likeliest class; the mean of several as in Lakshminarayanan et al. 2017). Hard ones are given,
in each class by itself, to the records that are surest to have it and to those that are surest not to, in the
proportion of the known labels (Xie et al. 2023, class-distribution-aware thresholds): one threshold for all classes
gives none to a rare class.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqecg.downstream.assessment.judges import JudgeSettings, TrainingSource, scores_of, train_judges
from vqecg.downstream.augmentation.methods.registry import Ingredients
from vqecg.downstream.augmentation.teacher_settings import PseudoLabelSettings
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.training import LabelledSignals
from vqecg.records.files.kept_array import kept_array
from vqecg.records.store.selection import RecordSelection
from vqecg.training.fit import arithmetic

TEACHING = 1  # raised when the same teachers and records give other scores
FIRST_SEED = 10**12  # of the teachers: no classifier of a comparison has a seed so high


@dataclass(frozen=True, eq=False)
class PseudoLabelled:
    """Training records of which some labels were unknown, with predictions in their place."""

    rows: np.ndarray  # (records,) int64, of the store
    labels: np.ndarray  # (records, classes) float32 in 0..1, NaN where unknown still
    predicted: np.ndarray  # (records, classes) bool: was unknown

    def shuffled(self, seed: int) -> "PseudoLabelled":
        """The same in an order that `seed` draws."""
        order = np.random.default_rng(seed).permutation(len(self.rows))
        return PseudoLabelled(self.rows[order], self.labels[order], self.predicted[order])


def doubtful_rows(ingredients: Ingredients, asking: str) -> np.ndarray:
    """The training rows with an unknown label of the task, in row order: (records,) int64.

    Raises ValueError, naming who is `asking`, where there is none.
    """
    rows = ingredients.every_row
    unknown = np.isnan(ingredients.store.labels(ingredients.task, rows, math.nan)).any(axis=1)
    if not unknown.any():
        raise ValueError(
            f"{asking} learns from training records with unknown labels, but all {len(rows):,} have known ones: leave "
            "it out, hide labels (--subset.labelled), or prepare recordings without labels too"
        )
    return rows[unknown]


def soft_labels(
    ingredients: Ingredients,
    classifier: ClassifierSettings,
    settings: PseudoLabelSettings,
    seed: int,
    folder: Path,
    progress: bool = False,
) -> PseudoLabelled:
    """The mean scores of the teachers where labels are unknown, the labels elsewhere.

    Teachers and scores stay in `folder`, to be used again. Raises ValueError as `doubtful_rows`.
    """
    rows = doubtful_rows(ingredients, "pseudo-labelling")
    records = RecordSelection(ingredients.store, rows)
    labels = records.labels(ingredients.task, math.nan)
    scores = teacher_scores(ingredients, records, classifier, settings, seed, folder, progress)
    taught = ~np.isnan(ingredients.store.labels(ingredients.task, ingredients.rows, math.nan)).all(axis=0)
    unknown = np.isnan(labels)
    # of a class whose labels are known for no record, teachers know nothing
    return PseudoLabelled(rows, np.where(unknown & taught, scores, labels), unknown & taught)


def hard_labels(soft: PseudoLabelled, labels: np.ndarray, sure_share: float) -> PseudoLabelled:
    """0 or 1 for the share of the records that is surest, in each class, NaN for the others.

    `labels` (training records, classes), NaN where unknown, give the proportion of each class.
    """
    hard = soft.labels.copy()
    for column in range(labels.shape[1]):
        places = np.flatnonzero(soft.predicted[:, column])
        if not len(places):
            continue
        order = places[np.argsort(-soft.labels[places, column], kind="stable")]  # the surest to have it first
        prevalence = np.nanmean(labels[:, column])
        present = round(sure_share * prevalence * len(order))
        absent = min(round(sure_share * (1 - prevalence) * len(order)), len(order) - present)
        hard[order, column] = np.nan
        hard[order[:present], column] = 1.0
        hard[order[len(order) - absent :], column] = 0.0
    known = ~np.isnan(hard).all(axis=1)
    return PseudoLabelled(soft.rows[known], hard[known], soft.predicted[known])


def teacher_scores(
    ingredients: Ingredients,
    records: RecordSelection,
    classifier: ClassifierSettings,
    settings: PseudoLabelSettings,
    seed: int,
    folder: Path,
    progress: bool,
) -> np.ndarray:
    """(records, classes) float32: mean scores of the teachers, from a file in `folder`, or made and written there."""
    known = RecordSelection(ingredients.store, ingredients.rows)
    labels = known.labels(ingredients.task, math.nan)
    source = TrainingSource.of("labelled", LabelledSignals(known, labels))
    judging = JudgeSettings(classifier, ingredients.task.class_names, int(ingredients.store.spec.sampling_rate))
    seeds = [FIRST_SEED + 1000 * seed + number for number in range(settings.teachers)]
    identities = [judging.identity(source, classifier.model, one) for one in seeds]
    about = [TEACHING, arithmetic(classifier.fit), ingredients.store.fingerprint, identities]
    named = json.dumps(about, sort_keys=True).encode()
    digest = hashlib.blake2b(named + records.rows.tobytes(), digest_size=8)
    # of other labels, in a folder of their own: other processes may train such at the same time
    place = folder / f"teachers-{hashlib.blake2b(named, digest_size=8).hexdigest()}"

    def made() -> np.ndarray:
        teachers = train_judges(source, [classifier.model], seeds, judging, place, progress=progress)
        return scores_of(teachers[classifier.model], records).mean(axis=0)

    path = folder / f"teacher-scores-{digest.hexdigest()}.npy"
    scores = np.array(kept_array(path, (len(records), labels.shape[1]), "<f4", made))
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError(f"{path} holds scores that are not in 0 to 1: delete it, and the same command makes it again")
    return scores
