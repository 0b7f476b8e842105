"""An assessment as an experiment: its figures by name, for a file of docs/results."""

import math
from collections.abc import Iterator

from vqecg.downstream.assessment.results import Assessment
from vqecg.downstream.assessment.utility import MACRO
from vqecg.evaluation.privacy.released_set import EVERY
from vqecg.reports.html import records_of
from vqecg.reports.results import METRIC_TITLES, Experiment, Figure, Value, measured_now

DISTANCES = {"frechet": "Frechet", "kid": "KID"} | {
    name: name for name in ("precision", "recall", "density", "coverage")
}


def assessment_experiment(assessment: Assessment, name: str, command: str) -> Experiment:
    """Macro averages of classifiers, distances, label adherence, shares near to training records, and membership.

    What has no number is left out. Named like ("resnet, AUROC", "TSTR") or ("physiology, synthetic", "recall").
    """
    about = assessment.about
    figures = [*_utility(assessment), *_distances(assessment), *_adherence(assessment), *_memorisation(assessment)]
    title = f"{about['synthetic_records']:,} synthetic records against {about['real']}"
    counts = {part.replace("_", " "): about[part] for part in ("training_records", "test_records", "synthetic_records")}
    return measured_now(name, title, command, figures, seeds=about["settings"]["seeds"], counts=counts)


def _interval(value: float, low: float, high: float, signed: bool = False) -> Value | None:
    """A value with its interval, or None where one of the three is no number."""
    numbers = [float("nan") if number is None else float(number) for number in (value, low, high)]
    return Value(numbers[0], 3, "", numbers[1], numbers[2], signed) if all(map(math.isfinite, numbers)) else None


def _found(of: str, measure: str, value: Value | None) -> Iterator[Figure]:
    if value is not None:
        yield Figure(of, measure, value)


def _utility(assessment: Assessment) -> Iterator[Figure]:
    """Macro averages of every family and design, and designs against their reference."""
    scores = assessment.utility
    for row in records_of(scores[scores["class_name"] == MACRO]):
        of = f"{row.family}, {METRIC_TITLES[row.metric]}"
        yield from _found(of, row.design, _interval(row.value, row.low, row.high))
    for row in records_of(assessment.ratios):
        of = f"{row.family}, {METRIC_TITLES[row.metric]}"
        ratio = _interval(row.ratio, row.ratio_low, row.ratio_high)
        difference = _interval(row.difference, row.difference_low, row.difference_high, signed=True)
        yield from _found(of, f"{row.design} / {row.against}", ratio)
        yield from _found(of, f"{row.design} minus {row.against}", difference)


def _distances(assessment: Assessment) -> Iterator[Figure]:
    """Every set against all real test records."""
    table = assessment.distances
    for row in records_of(table[table["against"] == "test records"]):
        for field, title in DISTANCES.items():
            value = float(getattr(row, field))
            if math.isfinite(value):
                yield Figure(f"{row.space}, {row.compared}", title, Value(value, 3))


def _adherence(assessment: Assessment) -> Iterator[Figure]:
    """The share of records with a statement that show its sign, real ones once."""
    real = set()
    for row in records_of(assessment.adherence):
        of = f"{row.statement}: {row.rule}"
        if of not in real:
            real.add(of)
            yield from _found(of, "real records with it", _interval(row.real_rate, row.real_low, row.real_high))
        yield from _found(of, row.compared, _interval(row.synthetic_rate, row.synthetic_low, row.synthetic_high))


def _memorisation(assessment: Assessment) -> Iterator[Figure]:
    """Near copies in every space, and membership inference from the synthetic records and by the prior's likelihood."""
    for row in assessment.memorisation["nearness"]:
        if row["label"] == EVERY and row["near_copies"] is not None:
            share = 100 * float(row["near_copies"])
            yield Figure(f"{row['space']}, synthetic", "near copies of training records", Value(share, 1, "%"))
    for row in assessment.memorisation["released"]:
        of = f"{row['attack']}, {row['space']}" + ("" if row["label"] == EVERY else f", {row['label']}")
        yield from _found(of, "AUC of membership inference", _interval(row["auc"], row["low"], row["high"]))
    for row in assessment.memorisation["membership"]:
        of = "transformer's likelihood" + (", same labels only" if row["matched"] else "")
        yield from _found(of, "AUC of membership inference", _interval(row["auc"], row["low"], row["high"]))
