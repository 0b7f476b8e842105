"""Pooled out-of-fold predictions: every record is tested once, by classifiers that never saw its fold.

One test fold cannot show a gain for a class with ten positives; the folds together can. But each fold has classifiers
of its own, and a pooled AUROC compares a positive of one fold with a negative of another: where one fold's classifiers
score higher throughout, such pairs say nothing of how records are ranked, and usually lower the AUROC below that of
every fold (Forman and Scholz 2010, "Apples-to-apples in cross-validation studies"). Between arms it is worse: scores
that one arm moves from fold to fold look like harm (`benchmarks/evaluation/pooled_folds.py`), and no interval holds it,
as folds are not drawn.

Hence ranks within the fold (`normalise`), which put all folds on one scale: a score becomes the share of its fold's
records below it. That assumes that a class is about as frequent in every fold, as in PTB-XL, whose folds are
stratified; where it is not, the same rank means different things, so pooling refuses it, and scores are pooled as they
are or not at all. The mean over folds (`fold_metrics`) leaves out folds in which a class has no positive, and is noisy
where there are few. F1 counts hits and errors at each fold's own thresholds, so pooling them is sound, while the mean
of F1 over folds is not for rare classes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from vqecg.downstream.comparison.results import Analysis, ArmScores, Comparison, analyse
from vqecg.evaluation.statistics.bootstrap import METRICS, replicate_metric
from vqecg.evaluation.statistics.resampling import draw_bootstrap
from vqecg.records.folds import folds_name

MOST_DEVIATION = 4.0  # standard deviations that a fold's positives may lie from the expected number,
SLACK = 5  # and so many positives more


@dataclass(frozen=True, eq=False)
class FoldScores:
    """Scores of one set of classifiers, one per seed, on one fold or several that it was not trained on."""

    folds: tuple[int, ...]  # tested on
    scores: np.ndarray  # (seeds, records, classes) in 0..1
    thresholds: np.ndarray  # (seeds, classes), from this set's own validation fold
    labels: np.ndarray  # (records, classes) 0/1
    patient_ids: tuple[str, ...]  # one per record, "" = unknown
    record_ids: tuple[str, ...]  # one per record

    def __post_init__(self) -> None:
        seeds, records, classes = self.scores.shape if self.scores.ndim == 3 else (0, 0, 0)
        fitting = self.labels.shape == (records, classes) and self.thresholds.shape == (seeds, classes)
        if not records or not fitting or not len(self.patient_ids) == len(self.record_ids) == records:
            raise ValueError(
                f"fold {self.name} has scores {self.scores.shape}, labels {self.labels.shape}, thresholds "
                f"{self.thresholds.shape}, {len(self.patient_ids)} patients and {len(self.record_ids)} records; "
                "expected (seeds, records, classes), (records, classes), (seeds, classes), and as many ids as records"
            )

    @property
    def name(self) -> str:
        """The fold, such as "4", or the folds together: "1-2-3"."""
        return folds_name(self.folds)


@dataclass(frozen=True, eq=False)
class PooledScores:
    """Out-of-fold scores of all folds as one set of records."""

    scores: np.ndarray  # (seeds, records, classes) in 0..1: as given, or ranks within the fold
    thresholds: np.ndarray  # (seeds, records, classes), of the record's fold, on the scale of `scores`
    labels: np.ndarray  # (records, classes) 0/1
    patient_ids: tuple[str, ...]  # one per record, "" = unknown
    record_ids: tuple[str, ...]
    folds: np.ndarray  # (records,) str, names of the parts
    normalised: bool  # whether scores are ranks within the fold


@dataclass(frozen=True, eq=False)
class FoldedArm:
    """One arm of a comparison, tested on every fold in turn."""

    name: str
    note: str  # what was added, in words
    real_records: int  # in training, copies included, mean over folds
    synthetic_records: int  # in training, mean over folds
    parts: tuple[FoldScores, ...]  # one a test fold, or a few of them together


def pool_folds(parts: Sequence[FoldScores], normalise: bool = False) -> PooledScores:
    """All folds as one set. `normalise` replaces scores by ranks within the fold, for each seed and class.

    A prediction at the fold's thresholds stays what it was, normalised or not.

    Raises ValueError for no fold, a fold or a record twice, a patient in two folds (the classifiers of each have been
    trained on the other's records), numbers of seeds or classes that differ, and under `normalise` for a class that is
    far more frequent in one fold than in the others.
    """
    check_folds(parts)
    if normalise:
        names = [f"class {column}" for column in range(parts[0].labels.shape[1])]
        check_prevalence({part.name: part.labels for part in parts}, names)
    scaled = [rank_within(part) if normalise else (part.scores, spread(part)) for part in parts]
    return PooledScores(
        scores=np.concatenate([scores for scores, _ in scaled], axis=1),
        thresholds=np.concatenate([cuts for _, cuts in scaled], axis=1),
        labels=np.concatenate([part.labels for part in parts]),
        patient_ids=tuple(patient for part in parts for patient in part.patient_ids),
        record_ids=tuple(record for part in parts for record in part.record_ids),
        folds=np.concatenate([np.full(len(part.labels), part.name) for part in parts]),
        normalised=normalise,
    )


def check_folds(parts: Sequence[FoldScores]) -> None:
    """Raises ValueError unless every fold, record and patient is in one part, and all have the same seeds, classes."""
    shapes = {(part.scores.shape[0], part.scores.shape[2]) for part in parts}
    folds = [fold for part in parts for fold in part.folds]
    if len(shapes) != 1 or len(set(folds)) != len(folds):
        raise ValueError(
            f"got the folds {folds} with (seeds, classes) {sorted(shapes)}; expected at least one fold, none twice, "
            "and the same seeds and classes in all"
        )
    fold_of: dict[str, str] = {}
    records: set[str] = set()
    for part in parts:
        for patient in set(part.patient_ids) - {""}:
            if fold_of.setdefault(patient, part.name) != part.name:
                raise ValueError(
                    f"patient {patient!r} is in fold {fold_of[patient]} and in fold {part.name}; expected every "
                    "patient in one fold, or classifiers are tested on patients they were trained on"
                )
        twice = records & set(part.record_ids)
        if twice or len(set(part.record_ids)) != len(part.record_ids):
            raise ValueError(f"records are tested twice, in fold {part.name} again: {sorted(twice)[:3]}")
        records |= set(part.record_ids)


def check_prevalence(folds: Mapping[str, np.ndarray], class_names: Sequence[str]) -> None:
    """Raises ValueError where a class is so uneven over folds that ranks within a fold cannot be compared.

    `folds` is each fold's labels (records, classes) 0/1, by its name.
    """
    sizes = np.array([len(labels) for labels in folds.values()], float)[:, None]
    positives = np.stack([labels.sum(axis=0) for labels in folds.values()]).astype(float)
    share = positives.sum(axis=0) / sizes.sum()
    expected = sizes * share
    off = np.abs(positives - expected) > MOST_DEVIATION * np.sqrt(expected * (1 - share)) + SLACK
    if off.any():
        fold, column = np.argwhere(off)[0]
        raise ValueError(
            f"{class_names[column]} has {positives[fold, column]:.0f} positives in fold {list(folds)[fold]}, expected "
            f"about {expected[fold, column]:.0f}: ranks within such folds cannot be compared; pool the scores as they "
            "are (--analysis.pool-raw-scores)"
        )


def spread(part: FoldScores) -> np.ndarray:
    """The fold's thresholds for each of its records: (seeds, records, classes)."""
    return np.broadcast_to(part.thresholds[:, None, :], part.scores.shape)


def rank_within(part: FoldScores) -> tuple[np.ndarray, np.ndarray]:
    """Scores and thresholds as shares of the fold's records below them, each (seeds, records, classes) in 0..1."""
    records = part.scores.shape[1]
    ranks = (rankdata(part.scores, axis=1) - 0.5) / records
    # a threshold's share lies halfway between the ranks on both of its sides
    below = (part.scores < part.thresholds[:, None, :]).sum(axis=1) / records
    return ranks, np.broadcast_to(below[:, None, :], ranks.shape)


def fold_metrics(parts: Sequence[FoldScores], class_names: Sequence[str], normalise: bool = False) -> pd.DataFrame:
    """Pooled metrics and the mean over folds side by side, means over seeds.

    Columns: class_name, positives (in all folds), metric, pooled, mean_of_folds (over those that define it), lowest and
    highest (of these folds), folds (how many define it). A pooled AUROC below the lowest fold's says that the folds'
    scores are on different scales. Raises ValueError as `pool_folds`, and for other class names than columns.
    """
    pooled = pool_folds(parts, normalise)
    if pooled.labels.shape[1] != len(class_names):
        raise ValueError(f"got {len(class_names)} class names for {pooled.labels.shape[1]} columns of labels")
    rows: list[dict[str, Any]] = []
    for metric in METRICS:
        whole = sample_metric(metric, pooled.labels, pooled.scores, pooled.thresholds)
        each = np.stack([sample_metric(metric, part.labels, part.scores, part.thresholds) for part in parts])
        for column, name in enumerate(class_names):
            known = each[:, column][~np.isnan(each[:, column])]
            row = {"class_name": name, "positives": int(pooled.labels[:, column].sum()), "metric": metric}
            row |= {"pooled": whole[column], "mean_of_folds": known.mean() if len(known) else math.nan}
            row |= {"lowest": known.min(initial=math.inf), "highest": known.max(initial=-math.inf)}
            rows.append(row | {"folds": len(known)})
    return pd.DataFrame(rows).replace({math.inf: math.nan, -math.inf: math.nan})


def sample_metric(metric: str, labels: np.ndarray, scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """A metric of METRICS for each class, mean over seeds: (classes,)."""
    # one replicate is the least that can be drawn; row 0 is the sample itself
    draw = draw_bootstrap([""] * len(labels), len(scores), replicates=1, bootstrap_seed=0)
    return replicate_metric(metric, np.asarray(labels, float), scores, draw, thresholds).values[0].mean(axis=0)


def analyse_folds(
    arms: Sequence[FoldedArm],
    class_names: Sequence[str],
    target_classes: Sequence[str],
    seeds: Sequence[int],
    threshold_policy: str,
    settings: Mapping[str, Any],
    analysis: Analysis,
    normalise: bool = False,
    draws: int = 1,
) -> Comparison:
    """`results.analyse` on pooled out-of-fold scores: patients vary within their fold.

    Raises ValueError as `pool_folds` and `analyse`, and when the arms were not tested on the same records and labels.
    """
    pools = [pool_folds(sorted(arm.parts, key=lambda part: part.folds), normalise) for arm in arms]
    if not pools:
        raise ValueError("there is no arm; a comparison needs its references and the main arm")
    first = pools[0]
    for arm, pool in zip(arms, pools, strict=True):
        same = pool.record_ids == first.record_ids and pool.patient_ids == first.patient_ids
        if not same or not np.array_equal(pool.folds, first.folds) or not np.array_equal(pool.labels, first.labels):
            raise ValueError(
                f"arm {arm.name!r} was not tested on the same records, folds and labels as {arms[0].name!r}; expected "
                "the same test folds in the same order of records in every arm"
            )
    scored = [
        ArmScores(arm.name, arm.note, arm.real_records, arm.synthetic_records, pool.scores, pool.thresholds)
        for arm, pool in zip(arms, pools, strict=True)
    ]
    comparison = analyse(
        scored,
        first.labels,
        first.patient_ids,
        class_names,
        target_classes,
        seeds,
        threshold_policy,
        settings,
        analysis,
        first.folds,
        draws,
    )
    return replace(comparison, normalised=normalise)
