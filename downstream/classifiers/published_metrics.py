"""Metrics and protocols of others, so that a published table can be put beside ours (`vqecg train-classifier` does).

CPSC2018: the score of the China Physiological Signal Challenge 2018, as its organisers' scoring script computes it
(score_py3.py by Wang, Liu and Liu; the formulas are in its header). PTB-XL: macro AUROC, Fmax and the bootstrap of
Strodthoff et al. 2021 ("Deep learning for ECG analysis: benchmarks and insights from PTB-XL"), as their repository
helme/ecg_ptbxl_benchmarking computes them in code/utils/utils.py at commit ff776de1 (evaluate_experiment, F_max,
get_appropriate_bootstrap_samples; later commits, 17492acc among them, have no F_max). Challenge 2020 and 2021:
challenge_metric.py.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from vqecg.downstream.classifiers.challenge_metric import YEARS, challenge_score, scored_classes
from vqecg.downstream.classifiers.metrics import ClassificationMetrics, check_scores
from vqecg.records.labels import CPSC2018_CLASSES

# rows of the score's four sub-scores -> columns of CPSC2018_CLASSES
CPSC2018_GROUPS = {"F_AF": (1,), "F_Block": (2, 3, 4), "F_PC": (5, 6), "F_ST": (7, 8)}
MOST_LABELS = 3  # a record of CPSC2018 has one to three
FMAX_THRESHOLDS = np.arange(0.0, 1.01, 0.01)  # those of F_max in ecg_ptbxl_benchmarking


@dataclass(frozen=True, eq=False)
class CPSC2018Score:
    """The official score of one answer per record; F1 are fractions of 1, NaN for a class never meant nor answered."""

    confusion: np.ndarray  # (9, 9) int64: rows the label that counts, columns the answer, both as CPSC2018_CLASSES
    f1: tuple[float, ...]  # of each class, in the order of CPSC2018_CLASSES
    mean_f1: float  # the challenge's score: their mean; NaN if one is, as in the script
    sub_scores: dict[str, float]  # F_AF, F_Block, F_PC, F_ST

    def table(self, multi_label: ClassificationMetrics | None = None) -> pd.DataFrame:
        """class_name and f1 (official), one row per class, then the mean; `multi_label` adds its F1 beside it.

        Raises ValueError when `multi_label` is of other classes.
        """
        names = [*CPSC2018_CLASSES, "mean"]
        table = pd.DataFrame({"class_name": names, "f1": [*self.f1, self.mean_f1]})
        if multi_label is None:
            return table
        if multi_label.class_names != CPSC2018_CLASSES:
            raise ValueError(f"got metrics of {list(multi_label.class_names)}; expected {list(CPSC2018_CLASSES)}")
        return table.assign(multi_label_f1=[*multi_label.per_class["f1"], multi_label.macro["f1"]])

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {value:.3f}" for name, value in self.sub_scores.items())
        return f"CPSC2018 score (mean F1 of one answer a record) {self.mean_f1:.3f}; {parts}"


def cpsc2018_score(
    labels: np.ndarray, scores: np.ndarray, first_labels: Sequence[int] | np.ndarray | None = None
) -> CPSC2018Score:
    """The score of the answer "the class with the greatest score", one per record, right if it is among the labels.

    A wrong answer counts against the record's first label, a right one for the class answered. `labels` (records, 9)
    0/1 and `scores` (records, 9) have the columns of CPSC2018_CLASSES. `first_labels` (records,) are the columns of the
    first labels in REFERENCE.csv; None takes the first in the order of the classes, which can move wrong answers of
    records with several labels from one class to another.

    Raises ValueError for shapes that do not fit, and for a record without a label, with more than three, or whose
    first label is not among its labels.
    """
    truth, _ = check_scores(labels, scores, 0.5, CPSC2018_CLASSES)
    counts = truth.sum(axis=1)
    if counts.min() < 1 or counts.max() > MOST_LABELS:
        raise ValueError(
            f"records have {counts.min()} to {counts.max()} of the nine labels; the CPSC2018 score needs 1 to "
            f"{MOST_LABELS}: leave the others out"
        )
    first = truth.argmax(axis=1) if first_labels is None else np.asarray(first_labels)
    records = np.arange(len(truth))
    if first.shape != (len(truth),) or not np.isin(first, range(9)).all() or not truth[records, first].all():
        raise ValueError("first_labels must name, for every record, the column of one of its own labels")
    answers = np.asarray(scores).argmax(axis=1)
    confusion = np.zeros((9, 9), np.int64)
    np.add.at(confusion, (np.where(truth[records, answers], answers, first), answers), 1)
    f1 = tuple(group_f1(confusion, (column,)) for column in range(9))
    sub_scores = {name: group_f1(confusion, columns) for name, columns in CPSC2018_GROUPS.items()}
    return CPSC2018Score(confusion, f1, float(np.mean(f1)), sub_scores)


def group_f1(confusion: np.ndarray, columns: Sequence[int]) -> float:
    """Twice the hits of these classes over their row sums and column sums; a mix-up within the group is no hit."""
    group = list(columns)
    total = confusion[group].sum() + confusion[:, group].sum()
    return float(2 * confusion[group, group].sum() / total) if total else math.nan


def fmax(labels: np.ndarray, scores: np.ndarray, thresholds: np.ndarray = FMAX_THRESHOLDS) -> float:
    """Record-centred Fmax: the greatest F over thresholds, of mean precision and mean recall of the records.

    One threshold for all classes; precision is averaged over the records with a class predicted (score >= threshold),
    recall over all. `labels` (records, classes) 0/1, `scores` (records, classes) in 0..1. The threshold is chosen on
    the very records it is measured on, so Fmax flatters: for comparison with published tables only.

    Raises ValueError for a record without a label, whose recall is undefined.
    """
    labels, scores = np.asarray(labels) > 0.5, np.asarray(scores)
    if labels.shape != scores.shape or labels.ndim != 2 or not len(labels) or not labels.any(axis=1).all():
        raise ValueError(
            f"got labels {labels.shape} and scores {scores.shape}, {int((~labels.any(axis=-1)).sum())} records without "
            "a label; expected (records, classes) for both, at least one record, and a label in each"
        )
    best = 0.0
    for threshold in thresholds:
        predicted = scores >= threshold
        hits, answers = (labels & predicted).sum(axis=1), predicted.sum(axis=1)
        answered = answers > 0
        if hits.any():
            precision, recall = (hits[answered] / answers[answered]).mean(), (hits / labels.sum(axis=1)).mean()
            best = max(best, float(2 * precision * recall / (precision + recall)))
    return best


@dataclass(frozen=True)
class BenchmarkScore:
    """One figure in the manner of the PTB-XL benchmark."""

    metric: str  # macro_auroc or fmax
    point: float  # on the whole test part
    mean: float  # over the resamples
    lower: float  # 5th percentile over the resamples
    upper: float  # 95th percentile

    def __str__(self) -> str:
        """As their tables print it: 0.925(07), the greater distance to a percentile in thousandths."""
        spread = max(self.upper - self.point, self.point - self.lower)
        return f"{self.point:.3f}({int(spread * 1000):02d})"


@dataclass(frozen=True)
class Benchmark:
    """Scores of one classifier by the protocol of the PTB-XL benchmark."""

    scores: tuple[BenchmarkScore, ...]  # macro_auroc, fmax
    records: int  # measured on
    left_out: int  # records without a label of the task, which the benchmark drops
    replicates: int  # resamples with every class present
    drawn: int  # resamples drawn until there were so many


def ptbxl_benchmark(labels: np.ndarray, scores: np.ndarray, seed: int, replicates: int = 100) -> Benchmark:
    """Macro AUROC and Fmax with the bootstrap of ecg_ptbxl_benchmarking.

    Records without a label are dropped, as there. Records, not patients, are drawn with replacement; a resample in
    which a class has no positive is drawn again; the interval is the 5th to the 95th percentile of 100 resamples, so
    it is a 90 % one, and it knows nothing of training seeds. Its ends are quantiles interpolated between draws,
    as theirs are, not the order statistics of `evaluation.statistics`, by which two classifiers are to be compared.

    Raises ValueError where a class has no positive or no negative record, or is so rare that 1,000 times as many
    resamples do not hold it.
    """
    truth, scores = np.asarray(labels) > 0.5, np.asarray(scores)
    check_scores(labels, scores, 0.5, [str(column) for column in range(truth.shape[-1])])
    labelled = truth.any(axis=1)
    truth, scores = truth[labelled], scores[labelled]
    if not len(truth) or not truth.any(axis=0).all() or truth.all(axis=0).any():
        raise ValueError("a class has no positive or no negative record; the benchmark needs both of every class")
    generator = np.random.default_rng(seed)
    points: list[tuple[float, float]] = []
    drawn = 0
    while len(points) < replicates:
        if drawn >= 1000 * replicates:
            raise ValueError(f"{len(points)} of {drawn:,} resamples hold every class; the rarest has too few records")
        rows = generator.integers(0, len(truth), len(truth))
        drawn += 1
        if truth[rows].any(axis=0).all() and not truth[rows].all(axis=0).any():
            points.append(benchmark_point(truth[rows], scores[rows]))
    point, resampled = benchmark_point(truth, scores), np.array(points)
    lower, upper = np.quantile(resampled, (0.05, 0.95), axis=0)
    return Benchmark(
        tuple(
            BenchmarkScore(name, point[i], float(resampled[:, i].mean()), float(lower[i]), float(upper[i]))
            for i, name in enumerate(("macro_auroc", "fmax"))
        ),
        records=len(truth),
        left_out=int((~labelled).sum()),
        replicates=replicates,
        drawn=drawn,
    )


def published_scores(
    labels: np.ndarray,
    scores: np.ndarray,
    task: str,
    multi_label: ClassificationMetrics,
    seed: int,
    first_labels: np.ndarray | None = None,
) -> dict[str, str]:
    """The results of the protocols above for one classifier, by name and in words; where one cannot be followed, why.

    `labels` and `scores` are (records, classes) of the test part, `task` the name of the label task, `multi_label` our
    own metrics of the same scores, whose thresholds give the answers that accuracy and the Challenge's score need.
    CPSC2018's score is there for its nine classes alone (`first_labels` as it has them), the Challenge's for tasks that
    share two classes with it or more.
    """
    scored = {"PTB-XL benchmark": tried(lambda: benchmark_line(ptbxl_benchmark(labels, scores, seed)))}
    scored["accuracy"] = accuracy_line(multi_label)
    answers, names = scores >= np.array(multi_label.thresholds), multi_label.class_names
    for year in YEARS:
        if len(scored_classes(names, year)) > 1:
            scored[f"Challenge {year}"] = tried(partial(challenge_line, labels, answers, names, year))
    if task == "cpsc2018":
        scored["CPSC2018"] = tried(lambda: cpsc2018_lines(cpsc2018_score(labels, scores, first_labels), multi_label))
    return scored


def tried(protocol: Callable[[], str]) -> str:
    """The result of a protocol, or the reason why it cannot be followed on these records."""
    try:
        return protocol()
    except ValueError as error:
        return f"not defined here: {error}"


def challenge_line(labels: np.ndarray, answers: np.ndarray, class_names: Sequence[str], year: int) -> str:
    """The Challenge's score of a year and the classes of ours that it counts."""
    return str(challenge_score(labels, answers, class_names, year))


def accuracy_line(multi_label: ClassificationMetrics) -> str:
    """Accuracy by both definitions in use: right answers over records and classes, and records right in every class.

    The first, (TP + TN) / (TP + TN + FP + FN) averaged over classes, is what tables of single classes call accuracy; a
    classifier that never finds a rare class has nearly 1. The second is the Challenge's accuracy, or subset accuracy.
    """
    return f"{1 - multi_label.hamming_loss:.3f} of answers, {multi_label.exact_match:.3f} of records in every class"


def benchmark_line(benchmark: Benchmark) -> str:
    """Both scores as their tables print them, and on what."""
    auroc, best = benchmark.scores
    without = f", {benchmark.left_out:,} without a label left out" if benchmark.left_out else ""
    return (
        f"macro AUROC {auroc}, Fmax {best} (thousandths to the 5th or 95th percentile of {benchmark.replicates} "
        f"resamples of {benchmark.records:,} records{without})"
    )


def cpsc2018_lines(score: CPSC2018Score, multi_label: ClassificationMetrics) -> str:
    """The score and the official F1 of each class beside ours, which allows several answers a record."""
    table = score.table(multi_label).to_string(index=False, float_format="{:.3f}".format)
    return f"{score}\n{table}"


def benchmark_point(truth: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Macro AUROC and Fmax of (records, classes) bool and scores."""
    return float(roc_auc_score(truth, scores, average="macro")), fmax(truth, scores)
