"""An assessment as one self-contained page, in the style of a run's report: N beside every figure."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from vqecg.downstream.assessment.results import SYNTHETIC, TRAINING, Assessment
from vqecg.downstream.assessment.utility import MACRO, TRTR, TRTS, TSTR
from vqecg.evaluation.privacy.released_set import EVERY
from vqecg.reports.assessment.sections import (
    adherence_section,
    bounds,
    distance_section,
    memorisation_section,
    percent,
    utility_section,
    with_nan,
)
from vqecg.reports.assessment.signals import signal_section
from vqecg.reports.html import key_figures, paragraph, records_of, settings_list
from vqecg.reports.names import class_line
from vqecg.reports.notices import data_notices
from vqecg.reports.numbers import count, interval, number
from vqecg.reports.page import Answer, Page, Section

TITLE = "Synthetic ECGs against real ones"
# the lines under which the sections are folded
FOLDS = {
    "summary": "All of it in a few figures",
    "utility": "What classifiers learn from synthetic ECGs, and read in them, class by class",
    "distance": "How near the synthetic ECGs are to real ones as a whole",
    "signals": "Amplitudes, spectra, rhythm and waves beside those of real ECGs",
    "adherence": "Whether the synthetic ECGs show what their labels say",
    "memorisation": "Whether they repeat training records, or betray whose ECGs were learned from",
    "method": "How it was measured, and what it does not show",
}
ONE_SEED = "One seed: the intervals know nothing of chance in training."
SEEN = 2.8 / 1.96  # half an interval of 95 % -> a difference seen with a power of 80 %
LIMITS = (
    "Synthetic records are trained on and measured; they are in no validation or test part, and nothing was chosen "
    "by them here. Figures of one data set and one split say nothing of another."
)


def write_assessment_page(assessment: Assessment, path: Path, date: str) -> None:
    """Writes the page, whole or not at all; the same assessment and date give the same bytes."""
    assessment_page(assessment, date).write(path)


def assessment_page(assessment: Assessment, date: str) -> Page:
    """The answer first; folded under it summary, utility, distances, signals, adherence, memorisation and method."""
    about = assessment.about
    compared = (
        f"{about['synthetic_records']:,} synthetic records against {about['test_records']:,} real test records, "
        f"{about['training_records']:,} real training records"
    )
    parts = {
        "summary": ("Summary", key_figures(figures_of(assessment))),
        "utility": ("Utility", utility_section(assessment)),
        "distance": ("Distance from real records", distance_section(assessment)),
        "signals": ("Signals and physiology", signal_section(assessment)),
        "adherence": ("Label adherence", adherence_section(assessment)),
        "memorisation": ("Memorisation", memorisation_section(assessment)),
        "method": ("Method and limits", method_section(about)),
    }
    return Page(
        TITLE,
        date,
        tuple(Section(key, title, content, folded=FOLDS[key]) for key, (title, content) in parts.items()),
        about=(compared, about["real"]),
        lead=class_line(about["class_names"]),
        answer=answer_of(assessment),
        notices=(*data_notices(about["real"]), *([ONE_SEED] if len(about["settings"]["seeds"]) == 1 else [])),
        navigation=False,
    )


def answer_of(assessment: Assessment) -> Answer:
    """The worth of the synthetic ECGs as the only teacher, beside real ones; the first family of classifiers."""
    ratios = assessment.ratios[(assessment.ratios["metric"] == "auroc") & (assessment.ratios["design"] == TSTR)]
    judged = [row for row in records_of(ratios) if math.isfinite(row.ratio)]
    if not judged:
        return Answer("Training on the synthetic ECGs alone could not be judged: too few test records")
    first, *others = (ratio_words(assessment, row) for row in judged)
    half = (judged[0].ratio_high - judged[0].ratio_low) / 2
    seen = (
        f"What could have been seen: a ratio of the two that differs from 1 by about {number(SEEN * half)}, four times "
        "in five."
    )
    meaning = (
        "AUROC is the chance that a classifier gives an ECG with the class a higher score than one without it, here "
        "averaged over the classes: 1 is perfect, 0.5 is guessing. Both classifiers read the same real test records."
    )
    ratio = (
        f"The ratio of the two is {number(judged[0].ratio)}, {number(judged[0].ratio_low)} to "
        f"{number(judged[0].ratio_high)}."
    )
    return Answer(first, (seen, ratio, meaning, *(f"{words}." for words in others)))


def ratio_words(assessment: Assessment, row: Any) -> str:
    """One family's AUROC after training on synthetic and on real ECGs, and what its ratio says."""
    scores = assessment.utility[
        (assessment.utility["class_name"] == MACRO)
        & (assessment.utility["metric"] == "auroc")
        & (assessment.utility["family"] == row.family)
    ].set_index("design")["value"]
    verb = "is not measurably different from" if row.ratio_low <= 1 <= row.ratio_high else "is worse than"
    verb = "is better than" if row.ratio_low > 1 else verb
    return (
        f"Training on the synthetic ECGs alone {verb} training on real ones: AUROC {number(scores[TSTR])} against "
        f"{number(scores[TRTR])}"
        + ("" if assessment.about["settings"]["families"][0] == row.family else f" ({row.family})")
    )


def figures_of(assessment: Assessment) -> list[tuple[str, str, str]]:
    """The assessment in a few figures: (name, value, remark)."""
    figures: list[tuple[str, str, str]] = []
    ratios = assessment.ratios[assessment.ratios["metric"] == "auroc"]
    for row in records_of(ratios[ratios["design"] == TSTR]):
        within = f"{number(row.ratio_low)} to {number(row.ratio_high)}"
        figures.append((f"TSTR / TRTR, macro AUROC, {row.family}", number(row.ratio), within))
    for row in records_of(ratios[ratios["design"] == TRTS]):
        within = interval(row.difference_low, row.difference_high)
        figures.append((f"TRTS minus TRTR, macro AUROC, {row.family}", number(row.difference, signed=True), within))
    whole = assessment.distances[assessment.distances["against"] == "test records"].set_index(["space", "compared"])
    for space in dict.fromkeys(assessment.distances["space"]):
        synthetic, real = whole.loc[(space, SYNTHETIC)], whole.loc[(space, TRAINING)]
        remark = f"real training records: {number(real['coverage'])}; N {count(synthetic['real'])}"
        figures.append((f"Coverage of real test records, {space}", number(synthetic["coverage"]), remark))
    for nearness in assessment.memorisation["nearness"]:
        if nearness["label"] == EVERY and nearness["space"] == "waveform":
            remark = f"nearer than half of the held-out 1st percentile; N {count(nearness['synthetic'])}"
            figures.append(("Near copies of training records", percent(nearness["near_copies"], 1), remark))
    of_all = [row for row in with_nan(assessment.memorisation["released"]) if row["label"] == EVERY]
    worst = max(of_all, key=lambda row: row["auc"])
    remark = f"{bounds(worst)}; by {worst['attack']}, {worst['space']}; 0.5 is not at all"
    figures.append(("Membership from the synthetic records alone, AUC", number(worst["auc"]), remark))
    for membership in with_nan(assessment.memorisation["membership"]):
        if not membership["matched"]:
            remark = f"{bounds(membership)}; 0.5 is not at all"
            figures.append(("Membership from the prior's likelihood, AUC", number(membership["auc"]), remark))
    return figures


UNCHECKED = "not checked against what the generator was trained on"


def method_section(about: Mapping[str, Any]) -> Markup:
    """Classifiers, intervals, origin of the wave intervals, and limits."""
    settings = about["settings"]
    levels = about["ceiling_levels"]
    ceiling = f"reconstructions from {levels} levels of codes, as many as the prior writes, without its detail model"
    facts = {
        "Policy": about["policy"],
        "Training records": " ".join(about.get("remarks", [UNCHECKED]))
        or "those that the generator says it learned from",
        "Classifiers": f"{', '.join(settings['families'])}; seeds {', '.join(map(str, settings['seeds']))}; "
        f"{settings['training']['fit']['steps']} steps",
        "Intervals": f"{settings['replicates']} bootstrap draws of patients and seeds",
        "PR, QRS, QT, axis": f"from {about['intervals_from']}",
        "Ceiling": "not measured" if levels is None else ceiling,
    }
    return settings_list(facts) + paragraph(LIMITS)
