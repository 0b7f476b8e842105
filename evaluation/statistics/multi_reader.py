"""Differences between two arms by a multi-reader multi-case analysis: seeds read, patients are cases, arms modalities.

A difference measured on some patients, by some trained networks, varies with both. Obuchowski and Rockette (1995) split
its variance: the patients' part comes from covariances between readers, estimated by a jackknife over patients (records
of one patient leave together; within folds where scores are pooled), the readers' part from the mean square MS of the
readers' differences. Denominator degrees of freedom are those of Hillis (2007). With D_s the difference of seed s, and
Var, Cov1 (same reader, two modalities), Cov2 (two readers, one modality), Cov3 (two readers, two modalities) of the
paper,

    mean variance of D_s over patients      = 2 (Var - Cov1)
    mean covariance of D_s and D_t          = 2 (Cov2 - Cov3)
    variance of the mean over n seeds (OR)  = MS / n + max(2 (Cov2 - Cov3), 0)

A reader of one arm is another network than that of the same seed in the other arm; they share initial weights and the
order of data, which Cov1 - Cov3 says of them, and nothing has to be assumed of it.

MS has n - 1 degrees of freedom, which makes that test weak with five seeds. But the part of MS that patients explain,
2 (Var - Cov1 - Cov2 + Cov3), is known well: it is how networks err on records of their own. So the readers' part is
here the surplus of MS over it, never below 0; without a surplus this is the fixed-reader analysis:

    variance of the mean = jackknife variance of the mean of all D_s + max(MS - 2 (Var - Cov1 - Cov2 + Cov3), 0) / n

Where MS is above what patients explain this is Obuchowski and Rockette's variance. Degrees of freedom are combined as
by Satterthwaite (1946): the number of patients for the jackknife (where few patients have the class it overstates the
variance, more than their number would ask for), and for the readers, as Hillis has it, MS^2 / (n - 1) for the variance
of n times their part. From five seeds on that is surplus * MS / (n - 1), which keeps errors of an exact normal model
below .08 whatever networks' quality, and has .98 of the power of the best such test. With two seeds none is so sharp
and valid: .13. With one seed readers are fixed: the interval is of these two networks.

Where the records labelled, the generator and the additions are drawn several times, seeds are nested in draws: draws
are the readers, with the seeds averaged in each, and what the seeds of a draw differ by is the least surplus.

benchmarks/evaluation/multi_reader.py measures errors, power and coverage.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from vqecg.evaluation.statistics.class_columns import group_columns
from vqecg.evaluation.statistics.jackknife import JackknifedMetric
from vqecg.evaluation.statistics.significance import smallest_detectable

ENOUGH_DEGREES = 4  # of freedom of a mean square, from which on its surplus alone counts as uncertain


@dataclass(frozen=True, eq=False)
class ReaderDesign:
    """The patient of each record, the fold of each patient, the draw of each reader."""

    patient_of: np.ndarray  # (records,) int64, numbers of patients from 0
    fold_of: np.ndarray  # (patients,) int64, numbers of folds from 0; all 0 where no scores are pooled
    draw_of: np.ndarray  # (readers,) int64, numbers of draws from 0

    @property
    def patients(self) -> int:
        """The number of patients."""
        return len(self.fold_of)

    @property
    def degrees_of_patients(self) -> int:
        """Degrees of freedom of a variance over patients, drawn within their fold."""
        return self.patients - len(np.unique(self.fold_of))

    @property
    def draws(self) -> int:
        """The number of draws of records, generator and additions."""
        return int(self.draw_of.max()) + 1

    @property
    def seeds(self) -> int:
        """Trained networks of an arm in each draw."""
        return len(self.draw_of) // self.draws


def reader_design(
    patient_of: np.ndarray, readers: int, folds: np.ndarray | None = None, draws: int = 1
) -> ReaderDesign:
    """The design of `readers` networks per arm, those of the first of `draws` draws first.

    `patient_of` (records,) numbers of patients from 0, `folds` (records,) names where scores are pooled over folds.
    Raises ValueError for readers that are not as many in every draw.
    """
    if draws < 1 or readers < 1 or readers % draws:
        raise ValueError(f"got {readers} readers in {draws} draws; expected as many, and at least one, in every draw")
    fold_of = np.zeros(int(patient_of.max()) + 1, np.int64)
    if folds is not None:
        fold_of[patient_of] = np.unique(folds, return_inverse=True)[1]
    return ReaderDesign(patient_of, fold_of, np.repeat(np.arange(draws), readers // draws))


@dataclass(frozen=True)
class Spread:
    """The variance of a mean difference over readers, and how well it is known."""

    of_patients: float  # variance over patients, the readers as they are
    of_readers: float  # that of training, or of draws, that patients do not explain; 0 for one reader
    degrees_of_freedom: float  # of the sum

    @property
    def variance(self) -> float:
        """The sum."""
        return self.of_patients + self.of_readers


@dataclass(frozen=True)
class ReaderDifference:
    """A macro-averaged metric of one arm minus that of another, with its t interval and p-value."""

    metric: str  # of jackknife.METRICS
    estimate: float  # difference on the whole test part, mean over readers
    low: float  # lower end of the interval
    high: float  # upper end
    p: float  # two-sided, of no difference; at most 1 - confidence exactly when the interval is clear of 0
    standard_error: float
    degrees_of_freedom: float  # of the t distribution behind low, high and p
    share_of_readers: float  # of the variance that training, or draws, add to that of patients
    confidence: float  # of the interval, e.g. 0.95
    seeds: int  # trained classifiers per arm in each draw
    draws: int  # of the records, the generator and the additions
    patients: int  # in the test part
    classes: int  # in the macro average
    skipped: tuple[str, ...] = ()  # classes left out: undefined, or undefined without some patient

    def smallest_detectable(self, power: float = 0.8, tests: int = 1) -> float:
        """The true difference that this design finds with probability `power`; `tests` is what p is corrected for."""
        return smallest_detectable(self.standard_error, self.confidence, power, tests, self.degrees_of_freedom)


def reader_difference(
    arm: JackknifedMetric,
    reference: JackknifedMetric,
    design: ReaderDesign,
    class_names: Sequence[str],
    group: Sequence[str] | None = None,
    confidence: float = 0.95,
    unjudged: Sequence[str] = (),
) -> ReaderDifference:
    """The macro average of `arm` minus that of `reference` over the classes in `group` (None: all of `class_names`).

    Classes that are `unjudged`, undefined, or undefined without some patient are left out. Without any class that is
    left, and for a single patient in a fold, estimate and interval are NaN. Raises ValueError for two metrics, shapes
    that differ, or an unknown class.
    """
    columns, few = group_columns(class_names, group, unjudged)
    if arm.metric != reference.metric or arm.left_out.shape != reference.left_out.shape:
        raise ValueError(
            f"cannot subtract {reference.metric} {reference.left_out.shape} from {arm.metric} {arm.left_out.shape}"
            "; expected the same metric, patients, readers and classes"
        )
    whole = arm.values[:, columns] - reference.values[:, columns]
    left = arm.left_out[:, :, columns] - reference.left_out[:, :, columns]
    known = ~(np.isnan(whole).any(axis=0) | np.isnan(left).any(axis=(0, 1)) | few)
    estimate, error, degrees, share = math.nan, math.nan, math.nan, math.nan
    if known.any() and np.bincount(design.fold_of).min() > 1:
        differences = whole[:, known].mean(axis=1)
        spread = spread_of_mean(differences, left[:, :, known].mean(axis=2), design)
        estimate, error, degrees = float(differences.mean()), math.sqrt(spread.variance), spread.degrees_of_freedom
        share = spread.of_readers / spread.variance if spread.variance > 0 else 0.0
    low, high, p = t_interval(estimate, error, degrees, confidence)
    return ReaderDifference(
        metric=arm.metric,
        estimate=estimate,
        low=low,
        high=high,
        p=p,
        standard_error=error,
        degrees_of_freedom=degrees,
        share_of_readers=share,
        confidence=confidence,
        seeds=design.seeds,
        draws=design.draws,
        patients=design.patients,
        classes=int(known.sum()),
        skipped=tuple(class_names[column] for column, good in zip(columns, known, strict=True) if not good),
    )


def spread_of_mean(differences: np.ndarray, left_out: np.ndarray, design: ReaderDesign) -> Spread:
    """The variance of the mean of `differences` (readers,); `left_out` (patients, readers) are those without a patient.

    Readers are seeds, or draws with the seeds in each; see above.
    """
    of_patients = patient_variance(left_out, design.fold_of)
    shape = (design.draws, design.seeds)
    by_draw, left_by_draw = differences.reshape(shape), left_out.reshape(len(left_out), *shape)
    surpluses = [Surplus.between(by_draw[draw], left_by_draw[:, draw], design) for draw in range(design.draws)]
    surplus = Surplus.pooled(surpluses)
    if design.draws > 1:
        of_draws = Surplus.between(by_draw.mean(axis=1), left_by_draw.mean(axis=2), design)
        surplus = max(of_draws, surplus, key=lambda one: one.of_mean)
    variance = of_patients + surplus.of_mean
    uncertain = of_patients**2 / design.degrees_of_patients + surplus.variance
    return Spread(of_patients, surplus.of_mean, variance**2 / uncertain if uncertain > 0 else math.inf)


@dataclass(frozen=True)
class Surplus:
    """The mean square of readers beyond what patients explain."""

    mean_square: float
    explained: float  # 2 (Var - Cov1 - Cov2 + Cov3), how readers differ on the records of each patient
    degrees: int  # of freedom of the mean square; 0 for a single reader
    readers: int  # averaged

    @classmethod
    def between(cls, differences: np.ndarray, left_out: np.ndarray, design: ReaderDesign) -> "Surplus":
        """That of `differences` (readers,) by `left_out` (patients, readers)."""
        readers = len(differences)
        if readers == 1:
            return cls(0.0, 0.0, 0, 1)
        apart = left_out - left_out.mean(axis=1, keepdims=True)
        explained = sum(patient_variance(column[:, None], design.fold_of) for column in apart.T) / (readers - 1)
        return cls(float(differences.var(ddof=1)), explained, readers - 1, readers)

    @classmethod
    def pooled(cls, alike: Sequence["Surplus"]) -> "Surplus":
        """Those of several sets of readers as one, of as many readers each."""
        square, explained = (np.mean([getattr(one, name) for one in alike]) for name in ("mean_square", "explained"))
        return cls(
            float(square), float(explained), sum(one.degrees for one in alike), sum(one.readers for one in alike)
        )

    @property
    def of_mean(self) -> float:
        """The part of the variance of the mean that patients do not explain."""
        return max(self.mean_square - self.explained, 0.0) / self.readers

    @property
    def variance(self) -> float:
        """Uncertainty of `of_mean`: half the square of its standard error, as Satterthwaite counts."""
        if not self.of_mean:
            return 0.0
        square = self.mean_square / self.readers
        return square * (self.of_mean if self.degrees >= ENOUGH_DEGREES else square) / self.degrees


def patient_variance(left_out: np.ndarray, fold_of: np.ndarray) -> float:
    """The jackknife variance over patients, drawn within folds, of the mean of `left_out` (patients, readers)."""
    mean, counts = left_out.mean(axis=1), np.bincount(fold_of)
    deviations = mean - (np.bincount(fold_of, weights=mean) / counts)[fold_of]
    return float((deviations**2 * ((counts - 1) / counts)[fold_of]).sum())


def obuchowski_rockette(differences: np.ndarray, left_out: np.ndarray, design: ReaderDesign) -> Spread:
    """The variance as Obuchowski and Rockette have it, with Hillis' degrees of freedom, to set beside `spread_of_mean`.

    Raises ValueError for fewer than two readers, or several draws.
    """
    readers = len(differences)
    if readers < 2 or design.draws > 1:
        raise ValueError(f"got {readers} readers in {design.draws} draws; expected two or more in one")
    surplus = Surplus.between(differences, left_out, design)
    covariance = patient_variance(left_out, design.fold_of) - surplus.explained / readers
    of_readers, of_patients = surplus.mean_square / readers, max(covariance, 0.0)
    degrees = (of_readers + of_patients) ** 2 * (readers - 1) / of_readers**2 if of_readers > 0 else math.inf
    return Spread(of_patients, of_readers, degrees)


def t_interval(estimate: float, error: float, degrees: float, confidence: float) -> tuple[float, float, float]:
    """Lower and upper end and the two-sided p-value by Student's t; NaN for an estimate that is NaN.

    Without any variance both ends are the estimate, and p is 1 for no difference and 0 for one.
    """
    if math.isnan(estimate):
        return math.nan, math.nan, math.nan
    if error == 0:
        return estimate, estimate, float(estimate == 0)
    half = float(student.ppf((1 + confidence) / 2, degrees)) * error
    return estimate - half, estimate + half, float(2 * student.sf(abs(estimate) / error, degrees))
