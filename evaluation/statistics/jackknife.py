"""AUROC, average precision and F1 with each patient left out in turn, exactly and without a loop over patients.

The leave-one-out values are those that a metric has on all records but the patient's (Efron 1982). Scores are ranked
once: a record that leaves takes its own comparisons with it and moves the counts of the records below it by one.
"""

from dataclasses import dataclass

import numpy as np

from vqecg.evaluation.statistics.weighted_metrics import METRICS, divide, leading_sums


@dataclass(frozen=True, eq=False)
class JackknifedMetric:
    """One metric of one arm, on all patients and without each; NaN where a class is undefined."""

    metric: str  # of METRICS
    values: np.ndarray  # (readers, classes), on all patients
    left_out: np.ndarray  # (patients, readers, classes), without that patient


def jackknife_metric(
    metric: str, labels: np.ndarray, scores: np.ndarray, patient_of: np.ndarray, thresholds: np.ndarray | None = None
) -> JackknifedMetric:
    """A metric of METRICS for every reader and class, on all patients and without each of them.

    `labels` (records, classes) 0/1, `scores` (readers, records, classes), `patient_of` (records,) numbers of patients
    from 0, `thresholds` (readers, classes) or (readers, records, classes), needed for "f1".

    Raises ValueError for an unknown metric, shapes that do not fit, labels or scores that are NaN, or F1 without
    thresholds.
    """
    if metric not in METRICS:
        raise ValueError(f"metric {metric!r} is unknown; expected one of {', '.join(METRICS)}")
    if scores.ndim != 3 or scores.shape[1:] != labels.shape or patient_of.shape != labels.shape[:1]:
        raise ValueError(
            f"got scores {scores.shape}, labels {labels.shape} and patients {patient_of.shape}; expected (readers, "
            "records, classes), (records, classes) and (records,)"
        )
    if np.isnan(labels).any() or np.isnan(scores).any():
        raise ValueError(
            f"{np.isnan(labels).sum()} labels and {np.isnan(scores).sum()} scores are unknown (NaN); expected none: an "
            "unknown label is not an absent one, so judge on records whose labels are known"
        )
    if metric == "f1":
        if thresholds is None or thresholds.shape not in ((len(scores), labels.shape[1]), scores.shape):
            raise ValueError(
                "F1 needs thresholds of shape (readers, classes) or (readers, records, classes), chosen on validation"
            )
        scores = scores >= (thresholds if thresholds.ndim == 3 else thresholds[:, None, :])
    readers, _, classes = scores.shape
    left_out = np.empty((int(patient_of.max()) + 1, readers, classes))
    values = np.empty((readers, classes))
    for column in range(classes):
        of_class = PatientLabels(labels[:, column] > 0.5, patient_of)
        for reader in range(readers):
            values[reader, column], left_out[:, reader, column] = FUNCTIONS[metric](of_class, scores[reader, :, column])
    return JackknifedMetric(metric, values, left_out)


class PatientLabels:
    """One class's labels with the patients behind them: all that does not depend on a reader's scores."""

    def __init__(self, positive: np.ndarray, patient_of: np.ndarray) -> None:
        self.positive, self.patient_of = positive, patient_of
        self.records_of = np.bincount(patient_of)
        self.positives = int(positive.sum())
        self.negatives = len(positive) - self.positives
        self.positives_left = self.positives - self.sums(positive)
        self.negatives_left = self.negatives - self.sums(~positive)
        self.pairs = self.mixed_pairs()

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sum of `values` (records,) over each patient's records: (patients,)."""
        return np.bincount(self.patient_of, weights=values, minlength=len(self.records_of))

    def mixed_pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows of a positive and of a negative record of one patient, each pair once: two of (pairs,) int64."""
        mixed = (self.sums(self.positive) > 0) & (self.sums(~self.positive) > 0)
        inside = mixed[self.patient_of]
        ones, others = (np.flatnonzero(inside & kind) for kind in (self.positive, ~self.positive))
        first, second = np.nonzero(self.patient_of[ones][:, None] == self.patient_of[others][None, :])
        return ones[first], others[second]


def auroc_left_out(labels: PatientLabels, scores: np.ndarray) -> tuple[float, np.ndarray]:
    """AUROC, ties counted half, on all patients and without each: float, (patients,).

    Of the pairs of a positive and a negative record those that a patient's records are in leave; a pair of two records
    of that patient is in both counts.
    """
    positive = labels.positive
    ones, others = np.sort(scores[positive]), np.sort(scores[~positive])
    wins = np.empty(len(scores))  # pairs won that each record is in
    wins[positive] = half_ranks(others, scores[positive])
    wins[~positive] = len(ones) - half_ranks(ones, scores[~positive])
    total = wins[positive].sum()
    first, second = labels.pairs
    twice = np.zeros(len(scores))
    np.add.at(twice, first, half_wins(scores[first], scores[second]))
    left = total - labels.sums(wins) + labels.sums(twice)
    pairs = np.array([labels.positives * labels.negatives], float)
    return float(divide(np.array([total]), pairs)[0]), divide(left, labels.positives_left * labels.negatives_left)


def half_ranks(ordered: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The number of `ordered` scores below each of `scores`, equal ones counted half."""
    return (np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")) / 2


def half_wins(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """1 where a score is above the other, 0.5 where it is equal, else 0."""
    return (scores > others) + 0.5 * (scores == others)


def average_precision_left_out(labels: PatientLabels, scores: np.ndarray) -> tuple[float, np.ndarray]:
    """Average precision on all patients and without each: float, (patients,).

    A record that leaves lowers, by one, the counts behind the precision at every positive record of the same or a lower
    score. For patients of one record sums over those are taken once; patients of several, who are few, have a row each.
    """
    ones, every = np.sort(scores[labels.positive]), np.sort(scores)
    hits = len(ones) - np.searchsorted(ones, ones, "left")  # positive records of at least that score
    named = len(every) - np.searchsorted(every, ones, "left")  # all such records
    upto = np.searchsorted(ones, scores, "right")  # positive records in whose counts each record is
    place = np.searchsorted(ones, scores, "left")  # of a positive record among them
    several = labels.records_of > 1
    alone = ~several[labels.patient_of]
    left = np.empty(len(several))
    left[labels.patient_of[alone]] = one_record_left_out(hits, named, labels.positive[alone], upto[alone], place[alone])
    if several.any():
        left[several] = records_left_out(hits, named, labels, upto, place)
    whole = (hits / named).sum() / labels.positives if labels.positives and labels.negatives else np.nan
    return float(whole), np.where(labels.negatives_left > 0, divide(left, labels.positives_left), np.nan)


def one_record_left_out(
    hits: np.ndarray, named: np.ndarray, positive: np.ndarray, upto: np.ndarray, place: np.ndarray
) -> np.ndarray:
    """The sum of precisions at all positive records without each one of (records,)."""
    fewer = np.maximum(named - 1, 1)
    whole, lower, both_lower = (
        leading_sums(term[None])[0] for term in (hits / named, hits / fewer, (hits - 1) / fewer)
    )
    sums = whole[-1] - whole[upto] + np.where(positive, both_lower[upto], lower[upto])
    sums[positive] -= ((hits - 1) / fewer)[place[positive]]  # its own precision leaves too
    return sums


def records_left_out(
    hits: np.ndarray, named: np.ndarray, labels: PatientLabels, upto: np.ndarray, place: np.ndarray
) -> np.ndarray:
    """The sum of precisions at all positive records without each patient of several records, in order of number."""
    several = labels.records_of > 1
    row_of, rows = np.cumsum(several) - 1, np.flatnonzero(several[labels.patient_of])
    patients, places = int(several.sum()), len(hits) + 1
    row, positive = row_of[labels.patient_of[rows]], labels.positive[rows]
    cells = row * places + upto[rows]
    positives_leaving, leaving = (
        # a record counts at every positive record before its place
        np.bincount(cells, kind, patients * places).reshape(patients, places)[:, :0:-1].cumsum(axis=1)[:, ::-1]
        for kind in (positive, np.ones(len(rows)))
    )
    precisions = divide(hits - positives_leaving, named - leaving, undefined=0.0)
    left_out = precisions[row[positive], place[rows[positive]]]
    return precisions.sum(axis=1) - np.bincount(row[positive], left_out, patients)


def f1_left_out(labels: PatientLabels, predicted: np.ndarray) -> tuple[float, np.ndarray]:
    """F1 of `predicted` (records,) bool on all patients and without each: float, (patients,)."""
    hits, named = (predicted & labels.positive), labels.positive.astype(float) + predicted
    whole = 2 * hits.sum() / named.sum() if labels.positives and labels.negatives else np.nan
    left = divide(2 * (hits.sum() - labels.sums(hits)), named.sum() - labels.sums(named))
    defined = (labels.positives_left > 0) & (labels.negatives_left > 0)
    return float(whole), np.where(defined, left, np.nan)


FUNCTIONS = {"auroc": auroc_left_out, "average_precision": average_precision_left_out, "f1": f1_left_out}
