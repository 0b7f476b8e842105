"""Is a difference between two classifiers more than chance? A paired bootstrap over patients and training seeds.

Records of one patient are alike, so patients are drawn, not records (Efron and Tibshirani 1993, ch. 8). Training twice
with another seed gives another classifier, so seeds are drawn too: a two-way bootstrap (Owen 2007, "pigeonhole"). Both
arms of a difference see the same draw. S - 1 of the S seeds are drawn, which makes the variance between seeds unbiased
(Rao and Wu 1988): drawing S of 3 seeds would understate it by a third.

Measured on simulated scores without a difference, 95 % intervals held 0 in 95 % of trials with one seed when patients
alone vary, in 92 % and 95 % with 3 and 5 seeds whose variance is five times the patients', and in 82 % and 88 % when
seeds are nearly all that varies: with few seeds a bootstrap knows little of them. When each seed errs on patients of
its own, as retrained networks mostly do, the two-way draw is cautious (99 %).

A drawn patient counts as often as it was drawn: scores are ranked once, and a replicate is a row of record weights.
Pooled out-of-fold scores come from other classifiers in every fold, so patients are drawn within their fold.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from vqecg.evaluation.statistics.significance import (
    is_significant,
    percentile_interval,
    smallest_detectable,
    two_sided_p,
)
from vqecg.records.patients import patient_keys

METRICS = ("auroc", "average_precision", "f1")
GAIN, NO_DIFFERENCE, HARM = VERDICTS = ("gain", "no detectable difference", "harm")
CHUNK = 400_000  # weights worked on at a time: they fit the processor's cache, which makes it five times as fast


@dataclass(frozen=True, eq=False)
class BootstrapDraw:
    """Replicates drawn once and used for every arm, metric and class. Row 0 is the sample itself, not a draw."""

    record_weights: np.ndarray  # (1 + replicates, records) float32: how often each record's patient was drawn
    seed_weights: np.ndarray  # (1 + replicates, seeds) float64, every row sums to 1
    patient_of: np.ndarray  # (records,) int64, which patient each record is of, from 0

    @property
    def replicates(self) -> int:
        """How many draws there are, without the sample itself."""
        return len(self.record_weights) - 1

    @property
    def patients(self) -> int:
        """How many patients there are."""
        return int(self.patient_of.max()) + 1

    def patients_among(self, records: np.ndarray) -> int:
        """How many patients have some of the records of a mask (records,) bool."""
        return len(np.unique(self.patient_of[records]))


@dataclass(frozen=True)
class PairedDifference:
    """A macro-averaged metric of one arm minus that of another, with its bootstrap interval and p-value."""

    metric: str  # of METRICS
    estimate: float  # difference on the whole test part, mean over seeds
    low: float  # lower end of the interval
    high: float  # upper end
    p: float  # two-sided, of no difference; at most 1 - confidence exactly when the interval is clear of 0
    standard_error: float  # standard deviation over the draws
    confidence: float  # of the interval, e.g. 0.95
    replicates: int  # draws behind the interval
    seeds: int  # trained classifiers an arm
    patients: int  # in the test part
    classes: int  # in the macro average
    skipped: tuple[str, ...] = ()  # classes left out: no positive or no negative record in the test part

    def smallest_detectable(self, power: float = 0.8, tests: int = 1) -> float:
        """The true difference that this design finds with probability `power`, at 80 % (z_.975 + z_.8) standard errors.

        See `significance.smallest_detectable`; `tests` is the number that a verdict is corrected for.
        """
        return smallest_detectable(self.standard_error, self.confidence, power, tests)

    def __str__(self) -> str:
        return (
            f"{self.metric} {self.estimate:+.4f} ({self.confidence:.0%} interval {self.low:+.4f} to {self.high:+.4f}, "
            f"p {self.p:.3g}, {self.seeds} seeds, {self.patients} patients): {verdict(self)}; "
            f"smallest difference detectable with 80 % power {self.smallest_detectable():.4f}"
        )


def verdict(difference: PairedDifference, adjusted_p: float | None = None) -> str:
    """GAIN or HARM where `adjusted_p` (None: the difference's own p) is at most 1 - confidence, else NO_DIFFERENCE.

    Without an adjusted p-value that is where the interval is clear of 0. An undefined difference is NO_DIFFERENCE.
    """
    if not is_significant(difference.p if adjusted_p is None else adjusted_p, difference.confidence):
        return NO_DIFFERENCE
    # the draws, not the estimate, tell the side: they are what the p-value counts
    return GAIN if difference.low + difference.high > 0 else HARM


def draw_bootstrap(
    patient_ids: Sequence[str],
    seeds: int,
    replicates: int,
    bootstrap_seed: int,
    folds: np.ndarray | None = None,
) -> BootstrapDraw:
    """Draws patients and seeds with replacement; `patient_ids` has one entry a record, "" for an unknown patient.

    A record of an unknown patient counts as a patient of its own. With `folds` (records,), patients are drawn within
    their fold, so that every draw has each fold's number of patients.

    Raises ValueError for no record, seed or replicate, or a patient in two folds.
    """
    if not len(patient_ids) or seeds < 1 or replicates < 1:
        raise ValueError(
            f"got {len(patient_ids)} records, {seeds} seeds and {replicates} replicates; expected at least one of each"
        )
    names = patient_keys(patient_ids)
    strata = np.zeros(len(names), np.int64) if folds is None else np.asarray(folds)
    if strata.shape != names.shape:
        raise ValueError(f"got folds of shape {strata.shape} for {len(names)} records; expected one a record")
    generator = np.random.default_rng(bootstrap_seed)
    weights = np.ones((1 + replicates, len(names)), np.float32)
    patient_of = np.empty(len(names), np.int64)
    patients = 0
    for fold in np.unique(strata):
        rows = np.flatnonzero(strata == fold)
        unique, numbers = np.unique(names[rows], return_inverse=True)
        counts = generator.multinomial(len(unique), np.full(len(unique), 1 / len(unique)), size=replicates)
        weights[1:, rows] = counts.astype(np.float32)[:, numbers]
        patient_of[rows] = patients + numbers
        patients += len(unique)
    if patients != len(np.unique(names)):
        raise ValueError("a patient is in two folds; expected every patient in one: its records are alike")
    drawn = max(seeds - 1, 1)
    seed_counts = generator.multinomial(drawn, np.full(seeds, 1 / seeds), size=replicates)
    return BootstrapDraw(weights, np.vstack([np.full((1, seeds), 1 / seeds), seed_counts / drawn]), patient_of)


def weighted_auroc(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUROC of `scores` (records,) against `labels` (records,) 0/1 for each row of `weights` (replicates, records).

    Equals scikit-learn's with sample_weight, ties counted half; NaN where a row has no positive or no negative weight.
    """
    ranked = rank_positives(labels, scores, weights)
    wins = (ranked.weight * (ranked.negative_below + ranked.negative_upto)).sum(axis=1) / 2
    return divide(wins, ranked.positive_total * ranked.negative_total)


def weighted_average_precision(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average precision, as `weighted_auroc`: the sum over falling thresholds of precision times recall gained."""
    ranked = rank_positives(labels, scores, weights)
    hits = ranked.positive_total[:, None] - ranked.positive_below
    precision = divide(hits, hits + ranked.negative_total[:, None] - ranked.negative_below, undefined=0.0)
    values = divide((precision * ranked.weight).sum(axis=1), ranked.positive_total)
    return np.where(ranked.negative_total > 0, values, np.nan)


def weighted_f1(labels: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """F1 of `predicted` (records,) 0/1, as `weighted_auroc`."""
    weights = weights.astype(np.float64)
    positives, hits = weights @ labels, weights @ (labels * predicted)
    values = divide(2 * hits, positives + weights @ predicted)
    return np.where(positives < weights.sum(axis=1), np.where(positives > 0, values, np.nan), np.nan)


@dataclass(frozen=True, eq=False)
class RankedPositives:
    """What lies below each positive record in rank; float64, (replicates, positives) or (replicates,)."""

    weight: np.ndarray  # of the positive record itself
    positive_below: np.ndarray  # weight of the positive records with a lower score
    negative_below: np.ndarray  # of the negative records with a lower score
    negative_upto: np.ndarray  # of the negative records with the same or a lower score
    positive_total: np.ndarray  # (replicates,)
    negative_total: np.ndarray  # (replicates,)


def rank_positives(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> RankedPositives:
    """Sorts once for all rows of `weights` (replicates, records); only positives are looked at after that."""
    order = np.argsort(scores, kind="stable")
    ranked, positive = scores[order], np.flatnonzero(labels[order])
    starts, ends = (np.searchsorted(ranked, ranked[positive], side) for side in ("left", "right"))
    total = leading_sums(weights[:, order])
    own = weights[:, order[positive]].astype(np.float64)
    positives = leading_sums(own)
    below, upto = (positives[:, np.searchsorted(positive, at)] for at in (starts, ends))
    return RankedPositives(
        weight=own,
        positive_below=below,
        negative_below=total[:, starts] - below,
        negative_upto=total[:, ends] - upto,
        positive_total=positives[:, -1],
        negative_total=total[:, -1] - positives[:, -1],
    )


def leading_sums(weights: np.ndarray) -> np.ndarray:
    """Column i is the sum of the columns before i: (replicates, records + 1) float64."""
    sums = np.zeros((len(weights), weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums


def divide(over: np.ndarray, under: np.ndarray, undefined: float = math.nan) -> np.ndarray:
    """over / under, and `undefined` where `under` is 0."""
    return np.divide(over, under, out=np.full_like(under, undefined), where=under > 0)


@dataclass(frozen=True, eq=False)
class ReplicatedMetric:
    """One metric of one arm on every draw; subtract two of the same draw with `paired_difference`."""

    metric: str
    values: np.ndarray  # (1 + replicates, seeds, classes), NaN where a class is undefined; row 0 is the sample itself


def replicate_metric(
    metric: str, labels: np.ndarray, scores: np.ndarray, draw: BootstrapDraw, thresholds: np.ndarray | None = None
) -> ReplicatedMetric:
    """A metric of METRICS for every draw, seed and class.

    `labels` (records, classes) 0/1, `scores` (seeds, records, classes), `thresholds` (seeds, classes), or (seeds,
    records, classes) where they differ between folds; needed for "f1".

    Raises ValueError for an unknown metric, shapes that do not fit, or F1 without thresholds.
    """
    functions: dict[str, Callable[..., np.ndarray]] = {
        "auroc": weighted_auroc,
        "average_precision": weighted_average_precision,
        "f1": weighted_f1,
    }
    if metric not in functions:
        raise ValueError(f"metric {metric!r} is unknown; expected one of {', '.join(METRICS)}")
    rows, seeds = draw.record_weights.shape[1], draw.seed_weights.shape[1]
    if scores.shape != (seeds, *labels.shape) or len(labels) != rows:
        raise ValueError(
            f"got scores {scores.shape} and labels {labels.shape} for a draw of {seeds} seeds and {rows} records; "
            "expected (seeds, records, classes) and (records, classes)"
        )
    if metric == "f1":
        if thresholds is None or thresholds.shape not in ((seeds, labels.shape[1]), scores.shape):
            raise ValueError(
                "F1 needs thresholds of shape (seeds, classes) or (seeds, records, classes), chosen on validation"
            )
        cuts = thresholds if thresholds.ndim == 3 else thresholds[:, None, :]
        scores = (scores >= cuts).astype(np.float64)
    values = np.empty((len(draw.record_weights), seeds, labels.shape[1]))
    step = max(1, CHUNK // rows)
    for start in range(0, len(values), step):
        weights = draw.record_weights[start : start + step]
        for seed in range(seeds):
            for column in range(labels.shape[1]):
                row = functions[metric](labels[:, column], scores[seed, :, column], weights)
                values[start : start + step, seed, column] = row
    return ReplicatedMetric(metric, values)


def macro_average(values: np.ndarray, draw: BootstrapDraw) -> np.ndarray:
    """The mean over classes, then over the seeds drawn, of (1 + replicates, seeds, classes): (1 + replicates,).

    A class that a draw leaves undefined (NaN) is left out of that draw's mean.
    """
    known = (~np.isnan(values)).sum(axis=2).astype(np.float64)
    return (divide(np.nansum(values, axis=2), known) * draw.seed_weights).sum(axis=1)


def paired_difference(
    arm: ReplicatedMetric,
    reference: ReplicatedMetric,
    draw: BootstrapDraw,
    class_names: Sequence[str],
    group: Sequence[str] | None = None,
    confidence: float = 0.95,
    unjudged: Sequence[str] = (),
) -> PairedDifference:
    """The macro average of `arm` minus that of `reference` over the classes in `group` (None: all of `class_names`).

    Classes that are `unjudged` are left out, and a class that a draw leaves without positives is left out of that
    draw's averages, in both arms. Without any class that is left, estimate and interval are NaN. Raises ValueError for
    two metrics or an unknown class.
    """
    wanted = tuple(class_names if group is None else group)
    unknown = sorted(set(wanted) - set(class_names))
    if arm.metric != reference.metric or arm.values.shape != reference.values.shape or unknown:
        raise ValueError(
            f"cannot subtract {reference.metric} {reference.values.shape} from {arm.metric} {arm.values.shape} over "
            f"{list(wanted)}; expected the same metric and draw, and classes among {list(class_names)}"
        )
    columns = [column for column, name in enumerate(class_names) if name in wanted]
    few = np.isin([class_names[column] for column in columns], unjudged)
    differences = arm.values[:, :, columns] - reference.values[:, :, columns]
    known = ~np.isnan(differences[0]).any(axis=0) & ~few
    skipped = tuple(class_names[column] for column, good in zip(columns, known, strict=True) if not good)
    kept = differences[:, :, known]
    drawn = macro_average(kept, draw)
    sample = drawn[1:][np.isfinite(drawn[1:])]
    low, high = percentile_interval(sample, confidence)
    return PairedDifference(
        metric=arm.metric,
        estimate=float(drawn[0]),
        low=low,
        high=high,
        p=two_sided_p(sample),
        standard_error=float(sample.std(ddof=1)) if len(sample) > 1 else math.nan,
        confidence=confidence,
        replicates=len(sample),
        seeds=draw.seed_weights.shape[1],
        patients=draw.patients,
        classes=int(known.sum()),
        skipped=skipped,
    )
