"""The sections on a comparison: verdicts, scores and differences with and without synthetic records."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from vqecg.reports.alt_texts import forest_text
from vqecg.reports.comparison.classes import (
    chip,
    class_section,
    gain_and_harm,
    metric_name,
    other_cells,
    other_heads,
    p_text,
)
from vqecg.reports.comparison.section_data import ComparisonSection
from vqecg.reports.figures import forest
from vqecg.reports.html import element, folded, inline_figure, join, not_run, paragraph, table
from vqecg.reports.numbers import MISSING, count, interval, number

MOST_ARMS = 4  # side by side for all metrics in one table of classes


def verdict_section(comparison: ComparisonSection | None) -> Markup:
    """Gain and harm of the main arm side by side, every class group in a sentence, then the verdicts on all arms."""
    if comparison is None:
        return not_run("Comparison of classifiers trained with and without synthetic records")
    primary = comparison.differences[comparison.differences["metric"] == comparison.primary_metric]
    metric = metric_name(comparison.primary_metric)
    rows = []
    for group, lines in primary[primary["arm"] == comparison.main_arm].groupby("group", sort=False):
        for i, line in enumerate(lines.to_dict("records")):
            words = [group if i == 0 else "", line["against"], chip(line["verdict"]), _sentence(line, metric)]
            rows.append([*words, p_text(line["p"]), number(line["smallest_detectable"])])
    table_of_groups = table(
        ["Class group", "Against", "Verdict", "In words", "p", "Detectable"],
        rows,
        f"The main arm by the settings, {comparison.main_arm}, judged by {metric} on {comparison.tested_on}. "
        "Detectable: the smallest true difference that this design finds four times in five; a verdict of no "
        "detectable difference does not exclude smaller ones.",
        texts=4,
    )
    cautions = join(paragraph(caution, "missing") for caution in comparison.cautions)  # before all that they question
    content = cautions + gain_and_harm(comparison) + table_of_groups
    content += join(paragraph(sentence) for sentence in comparison.other_verdicts)
    if primary["arm"].nunique() > 1:
        content += _verdict_matrix(primary, metric)
    return content + paragraph(_chance(comparison, len(primary)), "caption")


def comparison_section(comparison: ComparisonSection | None) -> Markup:
    """Arms, scores, differences of groups as forest plots and tables, and every class."""
    if comparison is None:
        return not_run("Comparison")
    arms = [
        [arm.arm, arm.description, count(arm.real_records), count(arm.synthetic_records)]
        for arm in comparison.arms.itertuples()
    ]
    content = table(["Arm", "Trained on", "Real", "Synthetic"], arms, "The arms and their training records.", texts=2)
    content += _candidates(comparison)
    groups = [[group, str(len(names)), ", ".join(names)] for group, names in comparison.group_classes.items()]
    content += table(["Class group", "Classes", ""], groups, "The class groups, by the settings.", texts=3)
    content += _scores(comparison)
    for metric in comparison.differences["metric"].drop_duplicates():
        content += _differences(comparison, metric)
    content += class_section(comparison)
    if comparison.per_class is None:
        return content + not_run("Scores of every class")
    return content + element("h3", "Scores of every class") + _per_class(comparison.per_class, comparison)


def _candidates(comparison: ComparisonSection) -> Markup:
    """The choice for each arm on the validation part, and the candidates, a block per arm; nothing without."""
    if not comparison.candidates:
        return Markup("")
    heads = ["Arm", "Chosen", "Steps", "Share", "Synthetic", "Validation"]
    chosen, rows = [], list[list[object] | str]()
    for row in comparison.candidates:
        arm = f"{row['arm']}, tested on {row['folds']}" if row.get("folds") else row["arm"]
        share, records = (MISSING if row[name] is None else f"{row[name]:g}" for name in ("share", "records"))
        score = escape(number(row["score"])) + (
            "" if row["std"] is None else " " + element("span", f"± {number(row['std'])}", "soft")
        )
        line: list[object] = [arm, "yes" if row["chosen"] else "", count(row["steps"]), share, records, score]
        rows.append(line)
        chosen += [line] if row["chosen"] else []
    metric, seeds = metric_name(comparison.candidates[0]["metric"]), comparison.candidates[0]["seeds"]
    caption = (
        f"Chosen for every arm alike by macro {metric} on the validation part, mean ± standard deviation over {seeds} "
        f"{'seed' if seeds == 1 else 'seeds'} that the comparison does not use. A share of 0: on validation nothing "
        "synthetic is best."
    )
    return table(heads, chosen, caption, texts=2) + folded("All candidates", table(heads, rows, texts=2))


def _chance(comparison: ComparisonSection, tried: int) -> str:
    """The number of verdicts that chance alone would give among so many differences."""
    name = metric_name(comparison.primary_metric)
    expected = (1 - comparison.confidence) * tried
    classes = ""
    if comparison.class_differences is not None:
        classes = " Verdicts on single classes are after Holm's correction over the classes of an arm and a reference."
    return (
        f"{tried} differences of class groups in {name}, not corrected for their number: were there no effect at all, "
        f"about {expected:.1f} of them would still be called a gain or a harm. A verdict on the main arm counts if "
        f"arm, groups and metric had been named before any score was seen, which no program can know.{classes}"
    )


def _interval_name(comparison: ComparisonSection) -> str:
    return f"{100 * comparison.confidence:g} % interval"


def _sentence(line: dict, metric: str) -> str:
    estimate = float(line["estimate"])
    if not math.isfinite(estimate):
        return f"The difference in {metric} to {line['against']} is undefined: too few positives in test."
    size, bounds = number(abs(estimate)), interval(line["low"], line["high"])
    direction = "higher" if estimate > 0 else "lower"
    if line["verdict"] == "no detectable difference":
        return f"{metric} was {size} {direction} than with {line['against']}; anything from {bounds} fits the data."
    return f"{metric} was {size} {direction} than with {line['against']} (interval {bounds})."


def _verdict_matrix(primary: pd.DataFrame, metric: str) -> Markup:
    """Rows arms and references, columns class groups."""
    groups = list(primary["group"].drop_duplicates())
    rows = []
    for (arm, against), lines in primary.groupby(["arm", "against"], sort=False):
        verdicts = dict(zip(lines["group"], lines["verdict"], strict=True))
        cells = [chip(verdicts[group]) if group in verdicts else MISSING for group in groups]
        rows.append([arm, against, *cells])
    return table(["Arm", "Against", *groups], rows, f"All arms, by {metric}.", texts=2 + len(groups))


def _scores(comparison: ComparisonSection) -> Markup:
    """Arms by metrics, mean and standard deviation over seeds, a block per class group."""
    metrics = list(comparison.scores["metric"].drop_duplicates())
    scores = comparison.scores.set_index(["group", "arm", "metric"])
    rows: list[list[object] | str] = []
    for group, lines in comparison.scores.groupby("group", sort=False):
        rows.append(str(group))
        for arm in lines["arm"].drop_duplicates():
            cells: list[object] = [arm]
            for metric in metrics:
                key: Any = (group, arm, metric)
                cells.append(_mean_and_spread(scores.loc[key]) if key in scores.index else MISSING)
            rows.append(cells)
    seeds = comparison.scores["seeds"]
    times = count(seeds.min()) if seeds.min() == seeds.max() else f"{count(seeds.min())} to {count(seeds.max())}"
    times += " seed" if times == "1" else " seeds"
    heads = ["Arm", *(f"Macro {metric_name(metric)}" for metric in metrics)]
    caption = (
        f"Scores on {comparison.tested_on}: mean ± standard deviation over {times}. It shows the chance in training, "
        f"not in the choice of patients. AUROC: area under the ROC curve; AP: average "
        f"precision. F1 with thresholds: {comparison.threshold_policy}."
    )
    return table(heads, rows, caption)


def _mean_and_spread(score: pd.Series) -> Markup:
    spread = " " + element("span", f"± {number(score['std'])}", "soft") if score["seeds"] > 1 else ""
    return escape(number(score["mean"])) + spread


def _differences(comparison: ComparisonSection, metric: str) -> Markup:
    """One metric's forest plot and, folded for all but the primary metric, its table."""
    lines = comparison.differences[comparison.differences["metric"] == metric]
    references = list(lines["against"].drop_duplicates())
    name = metric_name(metric)
    policy = f" Thresholds: {comparison.threshold_policy}." if metric == "f1" else ""
    plot = inline_figure(
        forest(lines, references, name),
        f"Differences in macro {name} on {comparison.tested_on} with {_interval_name(comparison)} "
        f"({comparison.interval_method}). Right of zero the arm is better, left of it worse; grey: no detectable "
        f"difference.{policy}",
        f"forest-{metric}",
        forest_text(lines, name),
    )
    rows: list[list[object] | str] = []
    beside = other_heads(lines)
    for group, block in lines.groupby("group", sort=False):
        rows.append(str(group))
        for line in block.to_dict("records"):
            difference = number(line["estimate"], signed=True)
            bounds = interval(line["low"], line["high"])
            figures = [difference, bounds, p_text(line["p"]), number(line["smallest_detectable"]), count(line["seeds"])]
            rows.append([line["arm"], line["against"], chip(line["verdict"]), *figures, *other_cells(line, beside)])
    heads = ["Arm", "Against", "Verdict", "Difference", _interval_name(comparison), "p", "Detectable", "Seeds"]
    heads += beside
    numbers = table(heads, rows, texts=3)
    if metric != comparison.primary_metric:
        numbers = folded(f"Differences in {name} as numbers", numbers)
    return element("h3", f"Differences in {name}") + plot + numbers


def _per_class(per_class: pd.DataFrame, comparison: ComparisonSection) -> Markup:
    """Classes down, metrics and arms across; with many arms a table per metric, all but the primary one folded."""
    metrics = ("auroc", "average_precision", "f1")
    arms = list(per_class["arm"].drop_duplicates())
    caption = (
        f"Means over seeds. F1 with thresholds: {comparison.threshold_policy}. A class with few positives in test says "
        "little on its own."
    )
    if len(arms) <= MOST_ARMS:
        return _per_class_table(per_class, metrics, arms, caption)
    content = paragraph(caption, "caption")
    for metric in sorted(metrics, key=lambda metric: metric != comparison.primary_metric):
        scores = _per_class_table(per_class, (metric,), arms, "")
        if metric != comparison.primary_metric:
            scores = folded(f"{metric_name(metric)} of every class", scores)
        content += scores
    return content


def _per_class_table(per_class: pd.DataFrame, metrics: Sequence[str], arms: Sequence[str], caption: str) -> Markup:
    """Rows by class, columns by arm under a head per metric."""
    rows = []
    for name, lines in per_class.groupby("class_name", sort=False):
        by_arm = lines.set_index("arm")
        cells = [number(by_arm[metric].get(arm, float("nan"))) for metric in metrics for arm in arms]
        rows.append([name, count(lines["test_positives"].iloc[0]), *cells])
    over = [("", 2), *((metric_name(metric), len(arms)) for metric in metrics)]
    short = [join(arm.split(" "), Markup("<br>")) if len(arms) > 2 else escape(arm) for arm in arms]
    return table(["Class", Markup("Positives<br>in test"), *(short * len(metrics))], rows, caption, over=over)
