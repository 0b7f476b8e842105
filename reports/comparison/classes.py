"""Gain and harm at the top of a report, equally loud, and the section on single classes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from vqecg.evaluation.statistics.bootstrap import GAIN, HARM
from vqecg.reports.alt_texts import forest_text
from vqecg.reports.comparison.section_data import ComparisonSection
from vqecg.reports.figures import forest
from vqecg.reports.html import element, folded, inline_figure, join, not_run, table
from vqecg.reports.numbers import MISSING, count, interval, number

METRIC_NAMES = {"auroc": "AUROC", "average_precision": "AP", "f1": "F1"}
SIGNS = {GAIN: "▲ ", HARM: "▼ "}
BOOTSTRAP, BOOTSTRAP_P, BEFORE = "Bootstrap", "p (bootstrap)", "Verdict before"
LONG_TABLE = 40  # rows; a longer table is folded away


def metric_name(metric: str) -> str:
    """A metric as readers write it."""
    return METRIC_NAMES.get(metric, metric)


def chip(verdict: str) -> Markup:
    """A verdict as a coloured word with a sign, so that it reads without colour too."""
    return element("span", SIGNS.get(verdict, "") + verdict, f"chip {verdict if verdict in SIGNS else 'none'}")


def p_text(p: Any) -> str:
    """A p-value with three decimals; a dash for NaN."""
    return "<0.001" if p < 0.001 else number(p)


def other_heads(lines: pd.DataFrame) -> list[str]:
    """The columns beside the judgement in a table of differences: the bootstrap's and an earlier version's, if any."""
    heads = [BOOTSTRAP, BOOTSTRAP_P] if "bootstrap_low" in lines else []
    return heads + ([BEFORE] if (lines.get("earlier_verdict", pd.Series(dtype=str)) != "").any() else [])


def other_cells(line: Mapping[Any, Any], heads: Sequence[str]) -> list[object]:
    """The cells of one row in those columns."""
    cells: dict[str, Callable[[], object]] = {
        BOOTSTRAP: lambda: interval(line["bootstrap_low"], line["bootstrap_high"]),
        BOOTSTRAP_P: lambda: p_text(line["bootstrap_p"]),
        BEFORE: lambda: line["earlier_verdict"] or MISSING,
    }
    return [cells[head]() for head in heads]


def gain_and_harm(comparison: ComparisonSection) -> Markup:
    """Two boxes of one size: gains and harms of the main arm, by group and by class."""
    groups = of_main_arm(comparison, comparison.differences)
    classes = of_main_arm(comparison, comparison.class_differences)
    boxes = [verdict_box(groups, classes, GAIN), verdict_box(groups, classes, HARM)]
    return element("div", join(boxes), "verdicts")


def of_main_arm(comparison: ComparisonSection, differences: pd.DataFrame | None) -> pd.DataFrame:
    """The rows of the main arm and the primary metric; none of a table that is missing."""
    if differences is None:
        return pd.DataFrame({"verdict": []})
    metric, arm = comparison.primary_metric, comparison.main_arm
    return differences[(differences["metric"] == metric) & (differences["arm"] == arm)]


def verdict_box(groups: pd.DataFrame, classes: pd.DataFrame, wanted: str) -> Markup:
    """Everything with the verdict `wanted`; without any, the smallest effect that the design would have found."""
    items = []
    for lines, name, p, remark in ((groups, "group", "p", ""), (classes, "class_name", "p_holm", " after Holm")):
        for line in lines[lines["verdict"] == wanted].to_dict("records"):
            bounds = f"{number(line['estimate'], signed=True)} ({interval(line['low'], line['high'])})"
            about = f" against {line['against']}: {bounds}, p {p_text(line[p])}{remark}"
            items.append(element("li", element("b", line[name]) + about))
    head = element("h3", f"{SIGNS[wanted]}{wanted.capitalize()}")
    if items:
        return element("div", head + element("ul", join(items)), wanted)
    limits = groups.groupby("group", sort=False)["smallest_detectable"].max().dropna()
    text = "None detected." if len(limits) or not len(groups) else "None could be judged."
    if len(limits):
        missed = ", ".join(f"{number(limit)} ({group})" for group, limit in limits.items())
        text += f" A true {wanted} smaller than {missed} would have been missed in one run of five, or more."
    return element("div", head + element("p", text), "quiet")


def class_section(comparison: ComparisonSection) -> Markup:
    """The main arm's difference in every class as figure and table, and the verdicts on all arms."""
    if comparison.class_differences is None:
        return not_run("Differences of every class")
    content = element("h3", f"Every class: {comparison.main_arm}")
    lines = of_main_arm(comparison, comparison.class_differences)
    name = metric_name(comparison.primary_metric)
    drawn = lines.assign(arm=lines["class_name"])
    content += inline_figure(
        forest(drawn, list(lines["against"].drop_duplicates()), name),
        f"Differences in {name} of every class with {100 * comparison.confidence:g} % interval. Right of zero "
        f"{comparison.main_arm} is better, left of it worse. The intervals are those of single classes; the colour "
        "tells the verdict after Holm's correction, so an interval just clear of zero may be grey.",
        "forest-classes",
        forest_text(drawn, name),
    )
    content += class_table(comparison, comparison.primary_metric)
    others = [m for m in comparison.class_differences["metric"].drop_duplicates() if m != comparison.primary_metric]
    for metric in others:
        content += folded(f"Differences of every class in {metric_name(metric)}", class_table(comparison, metric))
    if comparison.class_differences["arm"].nunique() > 1:
        content += class_matrix(comparison)
    return content


def class_table(comparison: ComparisonSection, metric: str) -> Markup:
    """The main arm against both references, a block per group, rows by class."""
    lines = comparison.class_differences
    if lines is None:
        return Markup("")
    lines = lines[(lines["metric"] == metric) & (lines["arm"] == comparison.main_arm)]
    beside = other_heads(lines)
    rows: list[list[object] | str] = []
    for group, block in lines.groupby("group", sort=False):
        rows.append(str(group))
        for name, class_lines in block.groupby("class_name", sort=False):
            for i, line in enumerate(class_lines.to_dict("records")):
                first = [name, count(line["test_positives"])] if i == 0 else ["", ""]
                figures = [number(line["estimate"], signed=True), interval(line["low"], line["high"])]
                detectable = number(line["smallest_detectable"])
                verdict = [line["against"], chip(line["verdict"])]
                rows.append(
                    [*first, *verdict, *figures, p_text(line["p_holm"]), detectable, *other_cells(line, beside)]
                )
    tests = count(lines["tests"].max())
    caption = (
        f"{comparison.main_arm}, {metric_name(metric)} on {comparison.tested_on}. The p-value is adjusted by Holm over "
        f"{tests} classes and decides the verdict. Detectable: the smallest true difference found four times in five "
        "at Holm's strictest step. The bootstrap's p-value is of the class alone."
    )
    bounds = f"{100 * comparison.confidence:g} % interval"
    heads = [
        "Class",
        Markup("Positives<br>in test"),
        "Against",
        "Verdict",
        "Difference",
        bounds,
        "p (Holm)",
        "Detectable",
        *beside,
    ]
    numbers = table(heads, rows, caption, texts=4)
    if len(rows) > LONG_TABLE and metric == comparison.primary_metric:
        return folded(f"Differences in {metric_name(metric)} as numbers", numbers)
    return numbers


def class_matrix(comparison: ComparisonSection) -> Markup:
    """Verdicts on every class for all arms, a table per reference; harm and gain by sign and colour."""
    lines = comparison.class_differences
    if lines is None:
        return Markup("")
    lines = lines[lines["metric"] == comparison.primary_metric]
    content = element("h3", "Every class: all arms")
    for against, block in lines.groupby("against", sort=False):
        arms = list(block["arm"].drop_duplicates())
        verdicts = block.set_index(["class_name", "arm"])["verdict"].to_dict()
        rows: list[list[object] | str] = []
        for group, group_lines in block.groupby("group", sort=False):
            rows.append(str(group))
            for name in group_lines["class_name"].drop_duplicates():
                rows.append([name, *(mark(verdicts.get((name, arm), "")) for arm in arms)])
        heads = ["Class", *(join(arm.split(" "), Markup("<br>")) for arm in arms)]
        caption = (
            f"Verdicts by {metric_name(comparison.primary_metric)} against {against}, after Holm over the classes of "
            "each arm. They are not corrected for the number of arms: conclude on an arm named before the run. "
            f"{MISSING}: no detectable difference."
        )
        content += table(heads, rows, caption, texts=1 + len(arms))
    return content


def mark(verdict: str) -> Markup:
    """A verdict in a crowded table: gain and harm as chips, the rest as a dash."""
    return chip(verdict) if verdict in SIGNS else element("span", MISSING, "none")
