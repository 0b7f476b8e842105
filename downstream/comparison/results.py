"""From the test scores of every arm and seed to differences, intervals and plain verdicts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd

from vqecg.downstream.augmentation.plan import DUPLICATION, REAL_ONLY
from vqecg.downstream.comparison.tables import (
    LEAST_PATIENTS,
    ArmMetrics,
    alarm_of,
    choice_line,
    class_difference_table,
    class_groups,
    class_lines,
    class_table,
    difference_table,
    disagreements,
    findings,
    group_line,
    one_row,
    score_table,
    unjudged_classes,
)
from vqecg.evaluation.statistics.bootstrap import GAIN, HARM, replicate_metric
from vqecg.evaluation.statistics.jackknife import jackknife_metric
from vqecg.evaluation.statistics.multi_reader import reader_design
from vqecg.evaluation.statistics.resampling import draw_bootstrap
from vqecg.evaluation.statistics.significance import needed_replicates
from vqecg.evaluation.statistics.weighted_metrics import METRICS
from vqecg.records.bounds import OMITTED_WHILE_DEFAULT, Checked, Count, InnerShare, Seed
from vqecg.training.checkpoint import json_values, rows_with_nan

__all__ = ["FORMAT", "Analysis", "ArmScores", "Comparison", "analyse", "class_groups"]

# of comparison.json; 1 had no p-values, 2 judged classes of one patient and pooled folds' raw scores, 3 judged by the
# bootstrap
FORMAT = 4
TABLES = ("arms", "scores", "differences", "class_differences", "per_class")


@dataclass(frozen=True)
class Analysis(Checked):
    """The way from test scores to verdicts. To be named before the run, so that nobody picks what looks best."""

    main_arm: str = "prior samples"  # the arm that the conclusion is about
    primary_metric: str = "auroc"  # auroc, average_precision or f1: the metric that the conclusion rests on
    confidence: InnerShare = 0.95  # of the intervals
    replicates: Count = 2999  # bootstrap draws of the second opinion; Holm over N classes at 95 % needs 40 N - 1
    bootstrap_seed: Seed = 0  # of the bootstrap's draws
    pool_raw_scores: bool = False  # scores of folds as they are; else as ranks in the fold, for classes even over folds
    against: tuple[str, ...] = field(default=(), metadata=OMITTED_WHILE_DEFAULT)  # further arms to compare all with

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.primary_metric not in METRICS:
            raise ValueError(f"primary_metric is {self.primary_metric!r}; expected one of {', '.join(METRICS)}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Analysis":
        """The inverse of asdict, from JSON; a file from before `against` has none."""
        return cls(**{**values, "against": tuple(values.get("against", ()))})


@dataclass(frozen=True, eq=False)
class ArmScores:
    """Scores of the classifiers of one arm on the real test part, one classifier per seed."""

    name: str
    note: str  # what was added, in words
    real_records: int  # in training, copies included
    synthetic_records: int  # in training
    scores: np.ndarray  # (seeds, test records, classes) in 0..1; of several draws the seeds of the first one first
    # (seeds, classes), from the validation part; (seeds, test records, classes) where each fold has its own
    thresholds: np.ndarray


@dataclass(frozen=True, eq=False)
class Comparison:
    """The effect of added records on the classifier, on real test records. All metrics are fractions of 1."""

    class_names: tuple[str, ...]
    group_classes: Mapping[str, tuple[str, ...]]  # group, by the settings -> its classes
    seeds: tuple[int, ...]  # of the classifiers
    test_records: int
    test_patients: int
    threshold_policy: str  # where F1's thresholds come from
    analysis: Analysis
    settings: Mapping[str, Any]  # of the classifier
    arms: pd.DataFrame  # arm, description, real_records, synthetic_records; "real only" and "duplication" first
    scores: pd.DataFrame  # arm, group, metric, mean, std (over seeds, NaN for one), seeds
    # arm, against, group, metric, estimate (arm minus against), low, high, p (two-sided), verdict, standard_error,
    # degrees_of_freedom, share_of_readers (of the variance: training's and draws'), smallest_detectable (with 80 %
    # power), classes (in the average), skipped (names of classes left out), seeds, draws, patients, confidence; the
    # second opinion: bootstrap_low, bootstrap_high, bootstrap_p, bootstrap_verdict, replicates; earlier_verdict, where
    # the same scores were judged by an earlier version. Groups come from the settings: verdicts are not corrected
    differences: pd.DataFrame
    # the same for single classes, without classes and skipped: class_name, test_positives, group (scarce or common),
    # p_holm (adjusted over the classes), tests (how many), verdict by p_holm, smallest_detectable at Holm's strictest
    # step. Holm is over the classes of one arm, reference and metric, not over arms: name the main arm before the run
    class_differences: pd.DataFrame
    per_class: pd.DataFrame  # class_name, test_positives, arm, and METRICS as means over seeds
    folds: tuple[str, ...] = ()  # whose out-of-fold scores are pooled ("1", or "1-2" together); empty: one test part
    normalised: bool = False  # pooled scores are ranks within their fold
    draws: int = 1  # of the training records, the generator and the additions, each with as many seeds
    unjudged: tuple[str, ...] = ()  # classes that too few test patients have or lack: in no average, without a verdict
    remarks: tuple[str, ...] = ()  # cautions that come from how it was set up, in sentences
    # of the tuning on the validation part, a row each: arm, steps, share and records of a stream (None without),
    # metric, score (mean over the seeds of tuning), std, seeds, chosen (bool); folds (tested on) and draw where pooled
    candidates: tuple[Mapping[str, Any], ...] = ()

    def difference(self, arm: str, against: str, group: str, metric: str) -> pd.Series:
        """One row of `differences`. Raises ValueError when there is none."""
        return one_row(self.differences, {"arm": arm, "against": against, "group": group, "metric": metric})

    def class_difference(self, arm: str, against: str, class_name: str, metric: str) -> pd.Series:
        """One row of `class_differences`. Raises ValueError when there is none."""
        return one_row(
            self.class_differences, {"arm": arm, "against": against, "class_name": class_name, "metric": metric}
        )

    @property
    def cautions(self) -> tuple[str, ...]:
        """Reasons not to conclude from this comparison, in sentences."""
        cautions = [*([self.alarm] if self.alarm else []), *self.remarks]
        if len(self.seeds) == self.draws == 1:
            cautions.append(
                "One seed: the intervals know nothing of chance in training. Train three or more to conclude."
            )
        if 2 in (self.draws, len(self.seeds) if self.draws == 1 else 0):
            cautions.append(
                f"Two {'draws' if self.draws > 1 else 'seeds'} hardly tell how much chance in them moves a difference: "
                "up to 13 % of intervals without one are clear of 0, not 5 %. Three or more hold what they say."
            )
        if self.unjudged:
            cautions.append(
                f"Fewer than {LEAST_PATIENTS} test patients have, or lack, {', '.join(self.unjudged)}: not judged, "
                "and in no average." + ("" if self.folds else " Pool folds (a plan with rotate) to judge them.")
            )
        needed = needed_replicates(int(self.class_differences["tests"].max()), self.analysis.confidence)
        drawn = self.class_differences["replicates"]
        fewest = int(drawn[drawn > 0].min()) if (drawn > 0).any() else 0
        if fewest < needed:
            # some draws leave a rare class without a positive, so that more are needed than count
            ask = math.ceil(needed * self.analysis.replicates / max(fewest, 1))
            cautions.append(
                f"{fewest:,} bootstrap draws are too few for Holm's correction: the second opinion can call no single "
                f"class a gain or a harm. Ask for {ask:,} or more."
            )
        return tuple(cautions)

    @property
    def alarm(self) -> str:
        """The meaning of a gain of the negative control over real records, as `alarm_of` says it; "" without one."""
        analysis = self.analysis
        return alarm_of(self.differences, self.class_differences, analysis.primary_metric, analysis.confidence)

    def conclusion(self) -> str:
        """By the primary metric: gain and harm of every arm, then for the main arm each group and class in figures."""
        metric, main = self.analysis.primary_metric, self.analysis.main_arm
        groups = self.differences[self.differences["metric"] == metric]
        classes = self.class_differences[self.class_differences["metric"] == metric]
        lines = []
        for arm in sorted(groups["arm"].drop_duplicates(), key=lambda arm: arm != main):
            tables = groups[groups["arm"] == arm], classes[classes["arm"] == arm]
            for wanted in (GAIN, HARM):
                lines.append(f"{wanted.upper()} from {arm}: {', '.join(findings(*tables, wanted)) or 'none detected'}")
        lines += [group_line(row) for _, row in groups[groups["arm"] == main].iterrows()]
        for against, rows in classes[classes["arm"] == main].groupby("against", sort=False):
            lines.append(f"{main} against {against}, single classes, Holm over {rows['tests'].max()}:")
            lines += class_lines(rows)
        lines += [choice_line(row) for row in self.candidates if row["chosen"]]
        alarm = [self.alarm] if self.alarm else []
        return "\n".join([*alarm, *lines, *self.other_verdicts, *self.cautions])

    @property
    def other_verdicts(self) -> tuple[str, ...]:
        """Disagreements about the main arm of the bootstrap, or of an earlier version on the same scores, in sentences.

        By the primary metric.
        """
        named = [
            (table[(table["arm"] == self.analysis.main_arm) & (table["metric"] == self.analysis.primary_metric)], kind)
            for table, kind in ((self.differences, "group"), (self.class_differences, "class_name"))
        ]
        sentences = []
        for column, says in (
            ("bootstrap_verdict", "The bootstrap, a second opinion that is cautious, says otherwise"),
            ("earlier_verdict", "An earlier version judged the same scores otherwise"),
        ):
            if lines := disagreements(named, column):
                sentences.append(f"{says}: {'; '.join(lines)}.")
        return tuple(sentences)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; tables as lists of rows, NaN as None."""
        content = {part.name: getattr(self, part.name) for part in fields(self)}
        content |= {name: content[name].to_dict("records") for name in TABLES} | {"analysis": asdict(self.analysis)}
        return json_values({"format": FORMAT} | content)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Comparison":
        """The reverse of `to_dict`. Raises ValueError for another format."""
        content = dict(values)
        version = content.pop("format", 1)
        if version != FORMAT:
            raise ValueError(
                f"the comparison has format {version}, expected {FORMAT}: give the same command again; the trained "
                "classifiers and their scores there are used as they are"
            )
        for name in TABLES:
            content[name] = pd.DataFrame(rows_with_nan(content[name]))
        for name in ("class_names", "seeds", "folds", "unjudged", "remarks", "candidates"):
            content[name] = tuple(values.get(name, ()))
        content["group_classes"] = {name: tuple(classes) for name, classes in values["group_classes"].items()}
        content["analysis"] = Analysis.from_dict(values["analysis"])
        return cls(**content)


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
    folds: np.ndarray | None = None,
    draws: int = 1,
) -> Comparison:
    """Compares every arm with "real only" and with "duplication" on the test part.

    `labels` (test records, classes) 0/1; `patient_ids` one per test record; `folds` (test records,) where out-of-fold
    scores are pooled: patients then vary within their fold. `seeds` are those of the first of `draws`.

    Raises ValueError when one of the two references or the main arm is missing.
    """
    names = [arm.name for arm in arms]
    for needed in (REAL_ONLY, DUPLICATION, analysis.main_arm, *analysis.against):
        if needed not in names:
            raise ValueError(f"there is no arm {needed!r} among {names}; a comparison needs it")
    groups, readers = class_groups(class_names, target_classes), draws * len(seeds)
    draw = draw_bootstrap(patient_ids, readers, analysis.replicates, analysis.bootstrap_seed, folds, draws)
    scored = [(arm, metric) for arm in arms for metric in METRICS]
    metrics = ArmMetrics(
        {(one.name, m): jackknife_metric(m, labels, one.scores, draw.patient_of, one.thresholds) for one, m in scored},
        {(one.name, m): replicate_metric(m, labels, one.scores, draw, one.thresholds) for one, m in scored},
        reader_design(draw.patient_of, readers, folds, draws),
        draw,
        tuple(class_names),
        analysis.confidence,
        unjudged_classes(labels, draw.patient_of, class_names),
        analysis.against,
    )
    return Comparison(
        class_names=tuple(class_names),
        group_classes=groups,
        seeds=tuple(seeds),
        test_records=len(labels),
        test_patients=draw.patients,
        threshold_policy=threshold_policy,
        analysis=analysis,
        settings=json_values(settings),
        arms=pd.DataFrame([arm_row(arm) for arm in arms]),
        scores=score_table(metrics, groups),
        differences=difference_table(metrics, groups),
        class_differences=class_difference_table(metrics, groups, labels),
        unjudged=metrics.unjudged,
        per_class=class_table(metrics, labels),
        draws=draws,
        folds=() if folds is None else tuple(dict.fromkeys(map(str, folds))),
    )


def arm_row(arm: ArmScores) -> dict[str, Any]:
    """A row of `Comparison.arms`."""
    return {
        "arm": arm.name,
        "description": arm.note,
        "real_records": arm.real_records,
        "synthetic_records": arm.synthetic_records,
    }
