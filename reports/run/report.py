"""The report of a run: one self-contained page, no script, no link to elsewhere, figures inline, prints well."""

from pathlib import Path

from markupsafe import Markup

from vqecg.reports.comparison.answer import answer_of
from vqecg.reports.comparison.method import method_section
from vqecg.reports.comparison.page import FOLDS as COMPARISON_FOLDS
from vqecg.reports.comparison.sections import comparison_section, metric_name, verdict_section
from vqecg.reports.html import key_figures
from vqecg.reports.names import class_line
from vqecg.reports.notices import data_notices, preset_notices
from vqecg.reports.numbers import count, interval, number
from vqecg.reports.page import Answer, Page, Section
from vqecg.reports.run.report_data import ReportData
from vqecg.reports.run.sections import MACRO, cost_section, data_section, prior_section, tokenizer_section

NO_COMPARISON = Answer("No answer: no comparison was run")
# the lines under which the sections are folded
FOLDS = COMPARISON_FOLDS | {
    "data": "Which records taught, chose and tested, and how many have each label",
    "tokenizer": "How well ECGs survive the way into codes and back, with examples on paper",
    "prior": "Synthetic ECGs on paper, and what classifiers say of them",
    "cost": "Time and memory of every step",
}


def write_report(report: ReportData, path: Path) -> None:
    """Writes the report as one HTML file; the same report gives the same bytes. Raises OSError if it cannot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    report_page(report).write(path)


def report_page(report: ReportData) -> Page:
    """The answer first, then what could have been seen; summary, data, models, comparison, cost and method folded."""
    answer = NO_COMPARISON if report.comparison is None else answer_of(report.comparison)
    classes = () if report.comparison is None else report.comparison.group_classes.values()
    cautions = () if report.comparison is None else report.comparison.cautions
    return Page(
        title=report.title,
        date=report.date,
        version=report.version,
        answer=answer,
        notices=(*data_notices(report.data_description), *preset_notices(report.preset), *cautions),
        lead=class_line(name for group in classes for name in group),
        about=(report.data_description, f"{report.date}, vqecg {report.version}"),
        folded_title="Command and settings that made this report",
        folded=(*([report.command] if report.command else []), report.settings),
        navigation=False,
        sections=(
            Section("summary", "Summary", summary_section(report), folded=FOLDS["summary"]),
            Section("data", "Data", data_section(report.data), folded=FOLDS["data"]),
            Section("tokenizer", "Tokenizer", tokenizer_section(report.tokenizer), folded=FOLDS["tokenizer"]),
            Section("prior", "Prior and synthetic ECGs", prior_section(report.prior), folded=FOLDS["prior"]),
            Section("comparison", "Comparison", comparison_section(report.comparison), folded=FOLDS["comparison"]),
            Section("cost", "Cost", cost_section(report.cost), folded=FOLDS["cost"]),
            Section("method", "Method and limits", method_of(report), folded=FOLDS["method"]),
        ),
    )


def summary_section(report: ReportData) -> Markup:
    """The run in a few figures, then gains, harms and verdicts."""
    return key_figures(figures_of(report)) + verdict_section(report.comparison)


def method_of(report: ReportData) -> Markup:
    """The section on method and limits of the run."""
    return method_section(report.method, report.comparison)


def figures_of(report: ReportData) -> list[tuple[str, str, str]]:
    """The run in a few figures (name, value, remark); a figure whose section was not run is left out."""
    figures: list[tuple[str, str, str]] = []
    if report.tokenizer is not None and len(report.tokenizer.levels):
        last = report.tokenizer.levels.iloc[-1]
        rate = f"at {count(last['bit_rate'])} bit/s"
        figures.append(("Reconstruction error (PRD, median)", f"{number(last['prd_median'], 1)} %", rate))
    if report.prior is not None and report.prior.tstr is not None:
        macro = report.prior.tstr[report.prior.tstr["class_name"] == MACRO]
        if len(macro):
            real = f"trained on real records: {number(macro['real'].iloc[0])}"
            figures.append(("Macro AUROC, trained on synthetic alone", number(macro["synthetic"].iloc[0]), real))
    if report.comparison is not None:
        lines = report.comparison.differences
        main = lines[
            (lines["arm"] == report.comparison.main_arm) & (lines["metric"] == report.comparison.primary_metric)
        ]
        if len(main):
            line = main.iloc[0]
            name = f"{metric_name(line['metric'])} with synthetic added, {line['group']}"
            bounds = f"against {line['against']}: {interval(line['low'], line['high'])}"
            figures.append((name, number(line["estimate"], signed=True), bounds))
    return figures
