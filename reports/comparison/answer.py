"""The answer of a comparison in plain words: what the main arm did, and what could have been seen."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vqecg.downstream.augmentation.plan import DUPLICATION, REAL_ONLY
from vqecg.downstream.classifiers.mixture import SHARE
from vqecg.downstream.comparison.arms.kinds import FILLING
from vqecg.downstream.comparison.arms.registry import find_arm, is_arm
from vqecg.downstream.comparison.tables import ALL_CLASSES
from vqecg.evaluation.statistics.bootstrap import GAIN, HARM, NO_DIFFERENCE
from vqecg.reports.comparison.classes import metric_name, of_main_arm
from vqecg.reports.comparison.section_data import ComparisonSection
from vqecg.reports.names import named
from vqecg.reports.numbers import count, interval, number
from vqecg.reports.page import Answer

VERBS = {GAIN: "helped", HARM: "did harm", NO_DIFFERENCE: "did not measurably help"}
METRICS_IN_WORDS = {
    "auroc": "AUROC is the chance that a classifier gives an ECG with the class a higher score than one without it: "
    "1 is perfect, 0.5 is guessing.",
    "average_precision": "AP, average precision, is the share of ECGs that truly have the class among those that a "
    "classifier puts first, averaged over all thresholds: 1 is perfect.",
    "f1": "F1 weighs the ECGs that were missed against those that were called wrongly: 1 is perfect.",
}
SHARES = {0.5: "half", 1 / 3: "a third", 0.25: "a quarter", 0.2: "a fifth", 0.1: "a tenth"}
NOT_JUDGED = "not judged"
NONE_USED = "using no "
NOUGHT = 5e-4  # differences below it are shown as 0.000


def answer_of(comparison: ComparisonSection) -> Answer:
    """The difference of the main arm to real records alone over all classes, by the primary metric."""
    if comparison.broken:
        return Answer(
            "No answer: the control failed, so that nothing here can be believed",
            ("Records with the labels of others, which carry no information, seemed to help too.",),
        )
    lines, doing = of_main_arm(comparison, comparison.differences).to_dict("records"), subject(comparison)
    if not lines:
        return Answer(f"{doing} could not be judged: no difference was measured")
    line = main_line(lines)
    if not math.isfinite(line["estimate"]):
        return Answer(
            f"{doing} could not be judged: too few test records have, or lack, the classes",
            (f"It would have been compared with {reference(line)} on {comparison.tested_on}.",),
        )
    metric = metric_name(comparison.primary_metric)
    others = [row for row in lines if row is not line]
    if is_nothing(line):
        nothing = "What could have been seen: nothing. These test records cannot tell the arms apart."
        return Answer(
            f"{doing} changed nothing: classifiers with and without it read the test records alike",
            (nothing, comparing(comparison, line, metric), *beside(comparison, line, others)),
        )
    figures = f"{number(line['estimate'], signed=True)} {metric}, {interval(line['low'], line['high'])}"
    return Answer(
        f"{doing} {VERBS[line['verdict']]}: {figures}",
        (seen(line, metric), explanation(comparison, line, metric), *beside(comparison, line, others)),
    )


def main_line(lines: Sequence[Mapping[Any, Any]]) -> Mapping[Any, Any]:
    """The difference that the answer is about: to real records alone, over all classes, where there is one."""
    return min(lines, key=lambda row: (row["against"] != REAL_ONLY, row["group"] != ALL_CLASSES))


def outcome_of(comparison: ComparisonSection) -> str:
    """The verdict that the answer gives, or NOT_JUDGED."""
    lines = of_main_arm(comparison, comparison.differences).to_dict("records")
    if comparison.broken or not lines or not math.isfinite(main_line(lines)["estimate"]):
        return NOT_JUDGED
    return str(main_line(lines)["verdict"])


def smallest_of(comparison: ComparisonSection) -> float:
    """The smallest true gain that the answer's difference would have shown four times in five; NaN for none."""
    lines = of_main_arm(comparison, comparison.differences).to_dict("records")
    return float(main_line(lines)["smallest_detectable"]) if lines else math.nan


def is_nothing(line: Mapping[Any, Any]) -> bool:
    """True where difference, interval and smallest detectable difference are all nought: AUROCs of 1, say."""
    return all(abs(line[name]) < NOUGHT for name in ("estimate", "low", "high", "smallest_detectable"))


def subject(comparison: ComparisonSection) -> str:
    """The main arm as the subject of a sentence: "Adding 437 generated ECGs"."""
    name = comparison.main_arm
    if not is_arm(name):  # of an extension that is not there
        return f"The arm {name}"
    shares = shares_of(comparison)
    words = find_arm(name).in_words.replace("{added}", count(added_records(comparison)))
    words = words.replace(FILLING, NONE_USED) if shares == [0] else words.replace("{share}", share_words(shares))
    if words.startswith(NONE_USED):
        words += ", which the validation records chose,"
    return words[:1].upper() + words[1:]


def added_records(comparison: ComparisonSection) -> int:
    """The records that the main arm trains on and real records alone do not, copies included."""
    arms = {row["arm"]: row for row in comparison.arms.to_dict("records")}
    arm = arms[comparison.main_arm]
    real = int(arm["real_records"])
    copies = real - int(arms[REAL_ONLY]["real_records"]) if REAL_ONLY in arms else 0
    return int(arm["synthetic_records"]) + max(0, copies)


def shares_of(comparison: ComparisonSection) -> list[float]:
    """The shares of a batch that are a stream, chosen on validation (several where folds are pooled) or as named."""
    chosen = [
        row["share"]
        for row in comparison.candidates
        if row["arm"] == comparison.main_arm and row["chosen"] and row["share"] is not None
    ]
    return sorted(set(chosen or [find_arm(comparison.main_arm).training.get(SHARE, 0.0)]))


def share_words(shares: Sequence[float]) -> str:
    """A share, or several, in words: "half", "0 % to 50 %"."""
    if len(shares) > 1:
        return f"{shares[0]:.0%} to {shares[-1]:.0%}".replace("%", " %")
    return next((words for share, words in SHARES.items() if math.isclose(share, shares[0])), f"{shares[0] * 100:g} %")


def seen(line: Mapping[Any, Any], metric: str) -> str:
    """The smallest gain that would have been seen."""
    smallest = float(line["smallest_detectable"])
    if not math.isfinite(smallest):
        return "How small a gain could have been seen cannot be said."
    text = f"What could have been seen: a true gain of {number(smallest)} {metric} or more, four times in five."
    return text if line["verdict"] != NO_DIFFERENCE else f"{text} A smaller one, or a smaller harm, may be there."


def explanation(comparison: ComparisonSection, line: Mapping[Any, Any], metric: str) -> str:
    """Sentences that explain the figures in the headline: the difference, its interval, the metric."""
    return (
        f"The figures are the difference in macro {metric} to {reference(line)}, over {line['group']}, and its "
        f"{100 * comparison.confidence:g} % interval, on {comparison.tested_on}. "
        f"{METRICS_IN_WORDS[comparison.primary_metric]}"
    )


def comparing(comparison: ComparisonSection, line: Mapping[Any, Any], metric: str) -> str:
    """Sentences that name what was compared, where there is no figure to explain."""
    return (
        f"Compared with {reference(line)}, by macro {metric} over {line['group']}, on {comparison.tested_on}. "
        f"{METRICS_IN_WORDS[comparison.primary_metric]}"
    )


def reference(line: Mapping[Any, Any]) -> str:
    """The arm compared with, in words."""
    known = {REAL_ONLY: "training on real records alone", DUPLICATION: "as many copies of real records"}
    return known.get(line["against"], f"the arm {line['against']}")


def beside(
    comparison: ComparisonSection, line: Mapping[Any, Any], others: Sequence[Mapping[Any, Any]]
) -> tuple[str, ...]:
    """The same against other references, and gain and harm in groups and single classes; none is kept silent."""
    texts = [
        f"Against {reference(row)}, it {VERBS[row['verdict']]}: {number(row['estimate'], signed=True)}, "
        f"{interval(row['low'], row['high'])}."
        for row in others
        if row["group"] == line["group"] and not is_nothing(row) and math.isfinite(row["estimate"])
    ]
    groups = [row for row in others if row["against"] == line["against"]]
    classes = [
        row | {"group": named(row["class_name"])}
        for row in of_main_arm(comparison, comparison.class_differences).to_dict("records")
        if row["against"] == line["against"]
    ]
    for verdict, words in ((GAIN, "Gain"), (HARM, "Harm")):
        where = [row["group"] for row in (*groups, *classes) if row["verdict"] == verdict]
        texts += [f"{words}, against {reference(line)}, in: {', '.join(where)}."] if where else []
    return tuple(texts)
