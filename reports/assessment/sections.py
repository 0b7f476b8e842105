"""The sections of an assessment's page: utility, distance, label adherence and memorisation."""

from typing import Any

import numpy as np
from markupsafe import Markup

from vqecg.downstream.assessment.results import CEILING_OF_TSTR, RECONSTRUCTIONS, SYNTHETIC, Assessment
from vqecg.downstream.assessment.utility import MACRO, TRTR, TRTS, TSTR
from vqecg.evaluation.privacy.released_set import EVERY
from vqecg.reports.alt_texts import paired_dots_text
from vqecg.reports.figures import paired_dots
from vqecg.reports.html import element, inline_figure, join, not_run, paragraph, records_of, table
from vqecg.reports.numbers import count, interval, number, significant

METRIC_NAMES = {"auroc": "AUROC", "average_precision": "average precision"}


def utility_section(assessment: Assessment) -> Markup:
    """Macro averages with intervals, ratios to TRTR, and AUROC per class."""
    about, parts = assessment.about, []
    macro = assessment.utility[assessment.utility["class_name"] == MACRO]
    rows = [
        [
            row.family,
            row.design,
            METRIC_NAMES[row.metric],
            count(row.trained_on),
            count(row.tested_on),
            number(row.value),
            f"{number(row.low)} to {number(row.high)}",
        ]
        for row in records_of(macro)
    ]
    seeds = about["settings"]["seeds"]
    how_many = "1 seed" if len(seeds) == 1 else f"{len(seeds)} seeds"
    confidence = about["settings"]["confidence"]
    caption = (
        "TRTR: trained on real, tested on real. TSTR: trained on synthetic, tested on real. TRTS: trained on real, "
        "tested on synthetic, judged by the labels asked for. Ceilings: the same with real records that went through "
        f"the tokenizer in place of synthetic ones. Macro averages, mean over {how_many}, {confidence:.0%} intervals."
    )
    heads = ["Classifier", "Design", "Metric", "Trained on, N", "Tested on, N", "Value", "Interval"]
    parts.append(table(heads, rows, caption, texts=3))
    if len(seeds) == 1:
        parts.append(paragraph("One seed: the intervals know nothing of chance in training.", "missing"))
    rows = [
        [
            row.family,
            row.design,
            METRIC_NAMES[row.metric],
            number(row.ratio),
            f"{number(row.ratio_low)} to {number(row.ratio_high)}",
            number(row.difference, signed=True),
            interval(row.difference_low, row.difference_high),
        ]
        for row in records_of(assessment.ratios)
    ]
    caption = (
        "Against TRTR of the same classifier. Designs tested on the same real records are paired by patient and seed; "
        "TRTS is paired by seed only, as its records are others."
    )
    heads = ["Classifier", "Design", "Metric", "Ratio", "Interval", "Difference", "Interval"]
    parts.append(table(heads, rows, caption, texts=3))
    for family in dict.fromkeys(assessment.utility["family"]):
        parts.append(class_pair(assessment, family))
    return join(parts)


def class_pair(assessment: Assessment, family: str) -> Markup:
    """Dots and a table of AUROC per class: TRTR, TSTR, and TRTS."""
    scores = assessment.utility[(assessment.utility["family"] == family) & (assessment.utility["metric"] == "auroc")]
    wide = scores.pivot(index="class_name", columns="design", values="value")
    positives = scores[scores["design"] == TRTR].set_index("class_name")["positives"]
    asked = scores[scores["design"] == TRTS].set_index("class_name")["positives"]
    names = [*assessment.about["class_names"], MACRO]
    designs = [name for name in (TRTR, TSTR, TRTS, CEILING_OF_TSTR) if name in wide.columns]
    rows = [
        [name, count(positives[name]), count(asked[name]), *(number(wide.loc[name, design]) for design in designs)]
        for name in names
    ]
    described = paired_dots_text(wide.loc[names].reset_index(), TRTR, TSTR, (TRTR, TSTR), f"{family},")
    dots = paired_dots(wide.loc[names].reset_index(), TRTR, TSTR, (TRTR, TSTR), f"{family}: tested on real")
    chart = inline_figure(dots, "", f"auroc-{family}", described)
    heads = ["Class", "Positives, real test", "Positives, synthetic", *designs]
    return element("h3", f"AUROC per class, {family}") + element(
        "div", chart + table(heads, rows, strong=[MACRO]), "pair"
    )


def distance_section(assessment: Assessment) -> Markup:
    """Distances in both spaces at equal N, with real against real beside them."""
    columns = ["frechet", "kid", "precision", "recall", "density", "coverage"]
    rows: list[Any] = []
    for (space, against), part in assessment.distances.groupby(["space", "against"], sort=False):
        rows.append(f"{space}, from {against}")
        for row in part.to_dict("records"):
            real = row["compared"] not in (SYNTHETIC, RECONSTRUCTIONS)
            name = f"real: {row['compared']}" if real else row["compared"]
            rows.append([name, count(row["real"]), *(significant(row[column]) for column in columns)])
    caption = (
        f"Classifier features: {assessment.about['features']}. Physiology: rhythm, waves and voltage, in robust "
        "standard deviations of real training records. N is the same on both sides and in all rows of a group, as most "
        "figures change with it. Training records are nearer to this classifier than held-out ones can be: it was "
        "trained on them. No generator can be asked to beat the real rows."
    )
    heads = ["Compared", "N", "Fréchet distance", "KID", "Precision", "Recall", "Density", "Coverage"]
    return table(heads, rows, caption)


def adherence_section(assessment: Assessment) -> Markup:
    """Rates beside those of real records with the same statement."""
    measured = assessment.adherence[assessment.adherence["note"] == ""]
    if measured.empty:
        return paragraph("No statement with a rule was asked for, or none could be measured.", "missing")
    rows: list[Any] = []
    for name, part in measured.groupby("compared", sort=False):
        rows.append(str(name))
        rows += [
            [
                row.statement,
                row.asked,
                count(row.real_n),
                percent(row.real_rate),
                percent(row.real_others_rate),
                count(row.synthetic_n),
                percent(row.synthetic_rate),
                number(row.difference, 0, signed=True),
            ]
            for row in records_of(part)
        ]
    caption = (
        "Share of records that show what their statement says: real training and test records with the statement and "
        "without it, and synthetic records generated with it. Difference in percentage points."
    )
    heads = ["Statement", "Rule", "Real, N", "Real", "Real, others", "Synthetic, N", "Synthetic", "Difference"]
    return table(heads, rows, caption, texts=2)


def memorisation_section(assessment: Assessment) -> Markup:
    """Nearest training records, repeated codes, membership inference."""
    memory = assessment.memorisation
    rows: list[Any] = [
        [
            row["space"],
            row["label"],
            count(row["synthetic"]),
            count(row["held_out"]),
            number(row["synthetic_median"]),
            number(row["held_out_median"]),
            number(row["synthetic_first_percentile"]),
            number(row["held_out_first_percentile"]),
            percent(row["below_held_out"], 1),
            percent(row["near_copies"], 1),
            percent(row["exact_copies"], 1),
        ]
        for row in with_nan(memory["nearness"])
    ]
    caption = (
        "Distance to the nearest training record, of synthetic and of held-out real records. Below: synthetic records "
        "nearer than the 1st percentile of held-out ones, 1 % if they are like those; near copies: nearer than half of "
        "it; exact copies: nearer than 0.01."
    )
    over = [("", 2), ("N", 2), ("Median", 2), ("1st percentile", 2), ("Synthetic records", 3)]
    heads = ["Space", "Label", *(["Synthetic", "Held out"] * 3), "Below", "Near copies", "Exact copies"]
    parts = [table(heads, rows, caption, texts=2, over=over)]
    rows = [
        [row["space"], count(row["synthetic"]), count(row["patients"]), number(row["share"]), bounds(row)]
        for row in with_nan(memory["nearer"])
    ]
    caption = "Share of synthetic records nearer to training than to held-out records, among as many patients of each."
    parts.append(table(["Space", "Synthetic, N", "Patients of each", "Share (0.5: none)", "Interval"], rows, caption))
    parts.append(released_table(memory["released"]))
    if memory["duplicates"]:
        repeated = memory["duplicates"]
        sentence = (
            f"Of {count(repeated['synthetic'])} synthetic records, {count(repeated['among_synthetic'])} repeat the "
            f"codes of another and {count(repeated['in_training'])} those of a training record."
        )
        parts.append(paragraph(sentence))
    if not memory["membership"]:
        return join([*parts, not_run("Membership inference (needs the generator)")])
    rows = [
        [
            "same labels" if row["matched"] else "any labels",
            count(row["members"]),
            count(row["others"]),
            number(row["auc"]),
            bounds(row),
        ]
        for row in with_nan(memory["membership"])
    ]
    caption = "Training records told from held-out ones by the prior's likelihood: an AUC of 0.5 is not at all."
    heads = ["Compared", "Training, N", "Held out, N", "AUC", "Interval"]
    return join([*parts, table(heads, rows, caption)])


def released_table(attacks: list[dict[str, Any]]) -> Markup:
    """Membership from the synthetic records alone: over all records, and the label with the highest AUC."""
    rows = []
    for row in with_nan([one for one in attacks if one["label"] == EVERY]):
        of_labels = [
            one for one in with_nan(attacks) if one["label"] != EVERY
            and (one["attack"], one["space"]) == (row["attack"], row["space"])
        ]  # fmt: skip
        worst = max(of_labels, key=lambda one: one["auc"], default=None)
        highest = "" if worst is None else f"{worst['label']} {number(worst['auc'])} ({bounds(worst)})"
        counts = [count(row["members"]), count(row["others"])]
        rows.append([row["attack"], row["space"], *counts, number(row["auc"]), bounds(row), highest])
    caption = (
        "Membership inference by someone who has only the synthetic records: by the nearest of them, or by how dense "
        "they are around a record, beside real records of other people. An AUC of 0.5 distinguishes nothing."
    )
    heads = ["Attack", "Space", "Training, N", "Held out, N", "AUC", "Interval", "Label with the highest AUC"]
    return table(heads, rows, caption, texts=2)


def with_nan(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows with NaN for None, as numbers come back from JSON."""
    return [{name: np.nan if value is None else value for name, value in row.items()} for row in rows]


def bounds(row: Any) -> str:
    """The interval of a row."""
    return f"{number(row['low'])} to {number(row['high'])}"


def percent(share: float, digits: int = 0) -> str:
    """A share as percent."""
    return f"{number(100 * share, digits)} %" if np.isfinite(share) else number(share)
