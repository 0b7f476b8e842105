"""A comparison as one self-contained HTML file, in the style of the run's report."""

import html
from importlib.metadata import version
from pathlib import Path

import yaml

from vqecg.downstream.comparison.results import Comparison
from vqecg.records.files.atomic import write_text
from vqecg.reports.comparison.sections import comparison_section, verdict_section
from vqecg.reports.html import Html, element, escape, join, paragraph
from vqecg.reports.run.report_data import ComparisonSection, ReportData
from vqecg.reports.run.sections import method_section
from vqecg.reports.style import PAGE, STYLE

TITLE = "What added records do for a classifier"


def section_of(comparison: Comparison) -> ComparisonSection:
    """A comparison as a section of a report: its own tables, and what it was tested on in words."""
    method = "paired bootstrap over patients and training seeds"
    tested_on = "the real test part"
    if comparison.folds:
        method += ", patients drawn within their fold"
        tested_on = f"pooled out-of-fold scores of the folds {', '.join(comparison.folds)}"
        tested_on += " (ranks within the fold)" if comparison.normalised else ""
    return ComparisonSection(
        main_arm=comparison.analysis.main_arm,
        primary_metric=comparison.analysis.primary_metric,
        arms=comparison.arms,
        scores=comparison.scores,
        differences=comparison.differences,
        group_classes=comparison.group_classes,
        threshold_policy=comparison.threshold_policy,
        confidence=comparison.analysis.confidence,
        interval_method=method,
        tested_on=tested_on,
        cautions=comparison.cautions,
        class_differences=comparison.class_differences,
        per_class=comparison.per_class,
    )


def write_comparison_page(comparison: Comparison, path: Path, described: str, date: str) -> None:
    """Writes the page, whole or not at all; the same comparison, texts and date give the same bytes."""
    write_text(path, render_comparison_page(comparison, described, date))


def render_comparison_page(comparison: Comparison, data_description: str, date: str) -> str:
    """The whole page as text: gain and harm first, then every arm, group and class, then method and limits."""
    section, settings = section_of(comparison), yaml.safe_dump(dict(comparison.settings), sort_keys=False)
    method = (
        f"{len(comparison.seeds)} classifiers an arm (seeds {', '.join(map(str, comparison.seeds))}); those of a seed "
        "start from the same weights and take the same number of steps in every arm.",
    )
    about = ReportData(TITLE, date, data_description, version("vqecg"), "", settings, comparison=section, method=method)
    sections = (
        ("summary", "Summary", verdict_section(section)),
        ("comparison", "Comparison", comparison_section(section)),
        ("method", "Method and limits", method_section(about)),
    )
    tested = f"Tested on {comparison.test_records:,} real records of {comparison.test_patients:,} patients"
    links = join(Html(f'<a href="#{key}">{escape(name)}</a>') for key, name, _ in sections)
    body = [
        element("h1", TITLE),
        paragraph(data_description, "about"),
        paragraph(f"{tested}. {date}, vqecg {about.version}", "about"),
        element("details", element("summary", "Settings of the classifiers") + element("pre", settings)),
        element("nav", links),
        *(Html(f'<h2 id="{key}">{escape(name)}</h2>\n{content}') for key, name, content in sections),
        element("footer", f"vqecg {about.version}, {date}. Research use, not for diagnosis."),
    ]
    return PAGE.substitute(title=html.escape(TITLE), style=STYLE, body=join(body, "\n"))
