"""A comparison as an experiment: its scores and differences by name, for a file of docs/results."""

import math

from vqecg.downstream.comparison.results import Comparison
from vqecg.evaluation.statistics.bootstrap import NO_DIFFERENCE
from vqecg.reports.html import records_of
from vqecg.reports.results import METRIC_TITLES, Experiment, Figure, Value, measured_now

DECIMALS = 3


def comparison_experiment(comparison: Comparison, name: str, command: str) -> Experiment:
    """Scores of all arms and differences from both references, of groups and of single classes.

    A measure is named like "AP of scarce classes, against real only"; undefined differences are left out. Intervals are
    those of the comparison; the verdict on a class is after Holm's correction.

    Raises ValueError where no class is judged.
    """
    classes = comparison.class_differences.drop(columns="group").rename(columns={"class_name": "group"})
    rows = [*records_of(comparison.differences), *records_of(classes)]
    figures = [
        Figure(row.arm, f"{METRIC_TITLES[row.metric]} of {row.group}", Value(row.mean, DECIMALS))
        for row in records_of(comparison.scores)
        if math.isfinite(row.mean)
    ]
    figures += [
        Figure(row.arm, f"{METRIC_TITLES[row.metric]} of {row.group}, against {row.against}", difference(row))
        for row in rows
        if math.isfinite(row.estimate)
    ]
    if not figures:
        raise ValueError(f"{name}: no class is judged, so there are no figures; test on more records, or pool folds")
    added = comparison.arms.set_index("arm")["synthetic_records"]
    counts = {"test records": comparison.test_records, "test patients": comparison.test_patients}
    counts |= {f"synthetic records of {arm}": int(count) for arm, count in added.items() if count}
    title = f"{len(comparison.arms)} arms, scarce: {', '.join(comparison.group_classes['scarce classes'])}"
    return measured_now(
        name,
        title,
        command,
        list({(figure.of, figure.measure): figure for figure in figures}.values()),
        seeds=comparison.seeds,
        counts=counts,
        notes=(f"F1 at thresholds by {comparison.threshold_policy}.", *comparison.cautions),
        verdict=comparison.conclusion(),
    )


def difference(row: object) -> Value:
    """One row of a comparison's tables of differences."""
    estimate, low, high, verdict = (getattr(row, name) for name in ("estimate", "low", "high", "verdict"))
    return Value(estimate, DECIMALS, "", low, high, signed=True, verdict="" if verdict == NO_DIFFERENCE else verdict)
