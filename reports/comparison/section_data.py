"""The content of a comparison's sections as plain data, for its own page and for the report of a run.

Tables are pandas DataFrames with the columns named here (more are allowed and not shown), one row per fact, in the
order to be shown. AUROC, average precision and F1 are fractions of 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vqecg.downstream.comparison.results import Comparison
from vqecg.downstream.comparison.tables import BROKEN
from vqecg.evaluation.statistics.bootstrap import VERDICTS
from vqecg.reports.columns import check_columns


@dataclass(frozen=True)
class ComparisonSection:
    """Classifiers trained with and without added records, measured on real test records."""

    main_arm: str  # the arm named in the settings, the subject of the summary
    primary_metric: str  # the metric named in the settings, on which the verdicts rest, e.g. "auroc"
    arms: pd.DataFrame  # arm, description, real_records, synthetic_records (in training); the reference arms first
    # arm, group ("all classes", "rare classes", ...), metric ("auroc", "average_precision", "f1"), mean, std (over
    # seeds), seeds
    scores: pd.DataFrame
    # arm, against (an arm), group, metric, estimate (arm minus against, macro over the group's classes; NaN if
    # undefined), low, high (interval), p, verdict (one of bootstrap.VERDICTS, not corrected: the groups are named
    # before the run), smallest_detectable (with 80 % power), seeds; where there are such, bootstrap_low,
    # bootstrap_high and bootstrap_p (a second opinion), and earlier_verdict (of an earlier version)
    differences: pd.DataFrame
    group_classes: Mapping[str, tuple[str, ...]]  # group -> its classes
    threshold_policy: str  # the origin of F1's thresholds, e.g. "per class, best F1 on the validation fold"
    confidence: float = 0.95  # of the intervals low to high
    interval_method: str = "multi-reader analysis, seeds as readers and patients as cases"  # the origin of low and high
    tested_on: str = "the real test part"  # e.g. "pooled out-of-fold scores of folds 1 to 9"
    cautions: tuple[str, ...] = ()  # reasons not to conclude, in sentences
    other_verdicts: tuple[str, ...] = ()  # where the bootstrap, or an earlier version, says otherwise
    # arm, against, group, class_name, test_positives, metric, estimate, low, high, p_holm (over the classes of an arm,
    # a reference and a metric), tests (their number), verdict (by p_holm), smallest_detectable
    class_differences: pd.DataFrame | None = None
    # class_name, test_positives, arm, auroc, average_precision, f1: means over seeds
    per_class: pd.DataFrame | None = None
    candidates: Sequence[Mapping[str, Any]] = ()  # of the tuning, see `Comparison.candidates`

    def __post_init__(self) -> None:
        keys = ["arm", "against", "group", "metric"]
        figures = ["estimate", "low", "high", "verdict", "smallest_detectable"]
        per_class = ["class_name", "test_positives", "arm", "auroc", "average_precision", "f1"]
        tables: dict[str, list[str]] = {
            "arms": ["arm", "description", "real_records", "synthetic_records"],
            "scores": ["arm", "group", "metric", "mean", "std", "seeds"],
            "differences": [*keys, *figures, "p", "seeds"],
            "class_differences": [*keys, "class_name", "test_positives", *figures, "p_holm", "tests"],
            "per_class": per_class,
        }
        check_columns(self, tables)
        given = [table["verdict"] for table in (self.differences, self.class_differences) if table is not None]
        unknown = sorted(set().union(*given) - set(VERDICTS))
        if unknown:
            raise ValueError(f"verdicts {unknown} are unknown, expected one of {list(VERDICTS)}")
        if self.main_arm not in set(self.arms["arm"]):
            raise ValueError(f"main_arm is {self.main_arm!r}, expected one of the arms {list(self.arms['arm'])}")

    @property
    def draws(self) -> int:
        """The number of draws of training records, generator and additions."""
        return int(self.differences["draws"].max()) if "draws" in self.differences else 1

    @property
    def broken(self) -> bool:
        """True where added records with the labels of others show a gain: no verdict may be believed."""
        return any(BROKEN in caution for caution in self.cautions)

    @classmethod
    def of(cls, comparison: Comparison) -> "ComparisonSection":
        """The tables of a comparison, with the test part and the intervals in words."""
        method, tested_on = cls.interval_method, cls.tested_on
        if comparison.folds:
            method += ", patients within their fold"
            tested_on = f"pooled out-of-fold scores of the folds {', '.join(comparison.folds)}"
            tested_on += " (ranks within the fold)" if comparison.normalised else ""
        return cls(
            main_arm=comparison.analysis.main_arm,
            primary_metric=comparison.analysis.primary_metric,
            arms=comparison.arms,
            scores=comparison.scores,
            differences=comparison.differences,
            group_classes=comparison.group_classes,
            threshold_policy=comparison.threshold_policy,
            confidence=comparison.analysis.confidence,
            interval_method=method,
            tested_on=tested_on,
            cautions=comparison.cautions,
            other_verdicts=comparison.other_verdicts,
            class_differences=comparison.class_differences,
            per_class=comparison.per_class,
            candidates=comparison.candidates,
        )
