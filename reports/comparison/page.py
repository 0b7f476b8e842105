"""A comparison as one self-contained page, in the style of a run's report."""

from pathlib import Path

import yaml

from vqecg.downstream.comparison.results import Comparison
from vqecg.reports.comparison.answer import answer_of
from vqecg.reports.comparison.method import method_section, stopping_rule
from vqecg.reports.comparison.section_data import ComparisonSection
from vqecg.reports.comparison.sections import comparison_section, verdict_section
from vqecg.reports.names import class_line
from vqecg.reports.notices import data_notices
from vqecg.reports.page import Page, Section

TITLE = "What added records do for a classifier"
# the lines under which the sections are folded
FOLDS = {
    "summary": "Gains and harms side by side, and the verdict on every group of classes",
    "comparison": "Every arm, every score, and every class with its interval",
    "method": "How it was measured, and what it does not show",
}


def write_comparison_page(comparison: Comparison, path: Path, described: str, date: str) -> None:
    """Writes the page, whole or not at all; the same comparison, texts and date give the same bytes."""
    comparison_page(comparison, described, date).write(path)


def comparison_page(comparison: Comparison, described: str, date: str) -> Page:
    """The answer first; folded under it gain and harm, then every arm, group and class, then method and limits."""
    section = ComparisonSection.of(comparison)
    each = f" in each of {comparison.draws} draws" if comparison.draws > 1 else ""
    seeds = ", ".join(map(str, comparison.seeds))
    method = (
        f"{len(comparison.seeds)} classifiers per arm{each} (seeds {seeds}); those of a seed start from the same "
        f"weights and train by the same rule in every arm: {stopping_rule(comparison)}.",
    )
    tested = f"Tested on {comparison.test_records:,} real records of {comparison.test_patients:,} patients"
    return Page(
        title=TITLE,
        date=date,
        answer=answer_of(section),
        notices=(*data_notices(described), *comparison.cautions),
        lead=class_line(comparison.class_names),
        navigation=False,
        about=(described, f"{tested}. {date}, vqecg {Page.version}"),
        folded_title="Settings of the classifiers",
        folded=(yaml.safe_dump(dict(comparison.settings), sort_keys=False),),
        sections=(
            Section("summary", "Summary", verdict_section(section), folded=FOLDS["summary"]),
            Section("comparison", "Comparison", comparison_section(section), folded=FOLDS["comparison"]),
            Section("method", "Method and limits", method_section(method, section), folded=FOLDS["method"]),
        ),
    )
