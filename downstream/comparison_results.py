"""From the test scores of every arm and seed to differences, intervals and plain verdicts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from vqecg.downstream.arms import DUPLICATION, REAL_ONLY
from vqecg.downstream.metrics import plain
from vqecg.downstream.statistics import (
    METRICS,
    BootstrapDraw,
    PairedDifference,
    ReplicatedMetric,
    draw_bootstrap,
    paired_difference,
    replicate_metric,
    verdict,
)

ALL_CLASSES, SCARCE_CLASSES, COMMON_CLASSES = "all classes", "scarce classes", "common classes"
TABLES = ("arms", "scores", "differences", "per_class")


@dataclass(frozen=True)
class Analysis:
    """How test scores are turned into verdicts. Named before the run, so that nobody picks what looks best."""

    main_arm: str = "prior samples"  # the arm that the conclusion is about
    primary_metric: str = "auroc"  # auroc, average_precision or f1: the metric that the conclusion rests on
    confidence: float = 0.95  # of the intervals
    replicates: int = 1000  # bootstrap draws of patients and seeds
    bootstrap_seed: int = 0  # of these draws

    def __post_init__(self) -> None:
        if self.primary_metric not in METRICS:
            raise ValueError(f"primary_metric is {self.primary_metric!r}; expected one of {', '.join(METRICS)}")
        if not 0 < self.confidence < 1 or self.replicates < 1:
            raise ValueError(
                f"got confidence {self.confidence} and {self.replicates} replicates; "
                "expected a confidence between 0 and 1 and at least one replicate"
            )


@dataclass(frozen=True, eq=False)
class ArmScores:
    """What the classifiers of one arm say of the real test part, one classifier a seed."""

    name: str
    note: str  # what was added, in words
    real_records: int  # in training, copies included
    synthetic_records: int  # in training
    scores: np.ndarray  # (seeds, test records, classes) in 0..1
    thresholds: np.ndarray  # (seeds, classes), from the validation part


@dataclass(frozen=True, eq=False)
class Comparison:
    """What the added records did for the classifier on real test records. All metrics are fractions of 1."""

    class_names: tuple[str, ...]
    group_classes: Mapping[str, tuple[str, ...]]  # group named before the run -> its classes
    seeds: tuple[int, ...]  # of the classifiers
    test_records: int
    test_patients: int
    threshold_policy: str  # where F1's thresholds come from
    analysis: Analysis
    settings: Mapping[str, Any]  # of the classifier
    arms: pd.DataFrame  # arm, description, real_records, synthetic_records; "real only" and "duplication" first
    scores: pd.DataFrame  # arm, group, metric, mean, std (over seeds, NaN for one), seeds
    # arm, against, group, metric, estimate (arm minus against), low, high, verdict, seeds, smallest_detectable (with
    # 80 % power), classes (in the average), skipped (names of classes left out), patients, replicates, confidence
    differences: pd.DataFrame
    per_class: pd.DataFrame  # class_name, test_positives, arm, and METRICS as means over seeds

    def difference(self, arm: str, against: str, group: str, metric: str) -> pd.Series:
        """One row of `differences`. Raises ValueError when there is none."""
        table = self.differences
        keys = {"arm": arm, "against": against, "group": group, "metric": metric}
        found = table[np.logical_and.reduce([table[name] == value for name, value in keys.items()])]
        if found.empty:
            raise ValueError(f"no difference for {keys}; there are the arms {sorted(set(table['arm']))}")
        return found.iloc[0]

    def conclusion(self) -> str:
        """A sentence for the main arm, each group and each reference, by the primary metric."""
        table, analysis = self.differences, self.analysis
        rows = table[(table["arm"] == analysis.main_arm) & (table["metric"] == analysis.primary_metric)]
        lines = [
            f"{row.arm} against {row.against}, {row.group}: {row.verdict} (macro {row.metric} {row.estimate:+.4f}, "
            f"{row.confidence:.0%} interval {row.low:+.4f} to {row.high:+.4f}; {row.seeds} seeds, {row.patients} "
            f"patients; a true difference below {row.smallest_detectable:.4f} would likely be missed)"
            for row in rows.itertuples()
        ]
        if len(self.seeds) == 1:
            lines.append("One seed: the intervals know nothing of chance in training. Train three or more to conclude.")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; tables as lists of rows, NaN as None."""
        content = {part.name: getattr(self, part.name) for part in fields(self)}
        content |= {name: content[name].to_dict("records") for name in TABLES} | {"analysis": asdict(self.analysis)}
        return plain(content)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Comparison":
        """The reverse of `to_dict`."""
        content = dict(values)
        for name in TABLES:
            # None stands for NaN, which only columns of numbers have
            content[name] = pd.DataFrame(content[name]).replace({None: math.nan}).infer_objects()
        content["class_names"], content["seeds"] = tuple(values["class_names"]), tuple(values["seeds"])
        content["group_classes"] = {name: tuple(classes) for name, classes in values["group_classes"].items()}
        content["analysis"] = Analysis(**values["analysis"])
        return cls(**content)


def class_groups(class_names: Sequence[str], target_classes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """All classes, the scarce ones that were filled up, and the rest, if any. ValueError for an unknown target."""
    unknown = sorted(set(target_classes) - set(class_names))
    if unknown or not target_classes:
        raise ValueError(f"target classes {list(target_classes)} are not all among the classes {list(class_names)}")
    common = tuple(name for name in class_names if name not in target_classes)
    groups = {ALL_CLASSES: tuple(class_names), SCARCE_CLASSES: tuple(n for n in class_names if n in target_classes)}
    return groups | ({COMMON_CLASSES: common} if common else {})


def analyse(
    arms: Sequence[ArmScores],
    labels: np.ndarray,
    patient_ids: Sequence[str],
    class_names: Sequence[str],
    target_classes: Sequence[str],
    seeds: Sequence[int],
    threshold_policy: str,
    settings: Mapping[str, Any],
    analysis: Analysis,
) -> Comparison:
    """Compares every arm with "real only" and with "duplication" on the test part, on one bootstrap draw.

    `labels` (test records, classes) 0/1; `patient_ids` one a test record. Raises ValueError when one of the two
    references or the main arm is missing.
    """
    names = [arm.name for arm in arms]
    for needed in (REAL_ONLY, DUPLICATION, analysis.main_arm):
        if needed not in names:
            raise ValueError(f"there is no arm {needed!r} among {names}; a comparison needs it")
    groups = class_groups(class_names, target_classes)
    draw = draw_bootstrap(patient_ids, len(seeds), analysis.replicates, analysis.bootstrap_seed)
    replicated = {
        (arm.name, metric): replicate_metric(metric, labels, arm.scores, draw, arm.thresholds)
        for arm in arms
        for metric in METRICS
    }
    return Comparison(
        class_names=tuple(class_names),
        group_classes=groups,
        seeds=tuple(seeds),
        test_records=len(labels),
        test_patients=draw.patients,
        threshold_policy=threshold_policy,
        analysis=analysis,
        settings=plain(settings),
        arms=pd.DataFrame([arm_row(arm) for arm in arms]),
        scores=score_table(replicated, groups, class_names),
        differences=difference_table(replicated, draw, groups, class_names, analysis.confidence),
        per_class=class_table(replicated, labels, class_names),
    )


def arm_row(arm: ArmScores) -> dict[str, Any]:
    """A row of `Comparison.arms`."""
    return {
        "arm": arm.name,
        "description": arm.note,
        "real_records": arm.real_records,
        "synthetic_records": arm.synthetic_records,
    }


def difference_table(
    replicated: Mapping[tuple[str, str], ReplicatedMetric],
    draw: BootstrapDraw,
    groups: Mapping[str, Sequence[str]],
    class_names: Sequence[str],
    confidence: float,
) -> pd.DataFrame:
    """`Comparison.differences`: every arm against "real only", and all but the references against "duplication"."""
    rows = []
    for against in (REAL_ONLY, DUPLICATION):
        for arm, metric in replicated:
            if arm in (REAL_ONLY, against):
                continue
            for group, classes in groups.items():
                difference = paired_difference(
                    replicated[arm, metric], replicated[against, metric], draw, class_names, classes, confidence
                )
                rows.append({"arm": arm, "against": against, "group": group, **difference_row(difference)})
    return pd.DataFrame(rows)


def difference_row(difference: PairedDifference) -> dict[str, Any]:
    """The columns of `Comparison.differences` that come from one difference."""
    return asdict(difference) | {
        "skipped": ", ".join(difference.skipped),
        "verdict": verdict(difference),
        "smallest_detectable": difference.smallest_detectable(),
    }


def score_table(
    replicated: Mapping[tuple[str, str], ReplicatedMetric],
    groups: Mapping[str, Sequence[str]],
    class_names: Sequence[str],
) -> pd.DataFrame:
    """`Comparison.scores`: macro averages over the classes of each group that the test part defines."""
    rows = []
    for (arm, metric), values in replicated.items():
        for group, classes in groups.items():
            columns = [column for column, name in enumerate(class_names) if name in classes]
            sample = values.values[0][:, columns]
            known = ~np.isnan(sample).any(axis=0)
            macro = sample[:, known].mean(axis=1) if known.any() else np.full(len(sample), math.nan)
            std = float(macro.std(ddof=1)) if len(macro) > 1 else math.nan
            row = {"arm": arm, "group": group, "metric": metric, "mean": float(macro.mean()), "std": std}
            rows.append(row | {"seeds": len(macro)})
    return pd.DataFrame(rows)


def class_table(
    replicated: Mapping[tuple[str, str], ReplicatedMetric], labels: np.ndarray, class_names: Sequence[str]
) -> pd.DataFrame:
    """`Comparison.per_class`."""
    arms = dict.fromkeys(arm for arm, _ in replicated)
    return pd.DataFrame(
        {
            "class_name": name,
            "test_positives": int(labels[:, column].sum()),
            "arm": arm,
            **{metric: float(replicated[arm, metric].values[0][:, column].mean()) for metric in METRICS},
        }
        for column, name in enumerate(class_names)
        for arm in arms
    )
