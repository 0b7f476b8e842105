"""The report of a run: one self-contained page, no script, no link to elsewhere, figures inline, prints well."""

from pathlib import Path

from vqecg.reports.comparison.method import method_section
from vqecg.reports.comparison.sections import comparison_section, metric_name, verdict_section
from vqecg.reports.html import key_figures
from vqecg.reports.numbers import count, interval, number
from vqecg.reports.page import Page, Section
from vqecg.reports.run.report_data import ReportData
from vqecg.reports.run.sections import MACRO, cost_section, data_section, prior_section, tokenizer_section


def write_report(report: ReportData, path: Path) -> None:
    """Writes the report as one HTML file; the same report gives the same bytes. Raises OSError if it cannot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    report_page(report).write(path)


def report_page(report: ReportData) -> Page:
    """Summary first, then data, models, comparison, cost and method."""
    return Page(
        title=report.title,
        date=report.date,
        version=report.version,
        about=(report.data_description, f"{report.date}, vqecg {report.version}"),
        folded_title="Command and settings that made this report",
        folded=(*([report.command] if report.command else []), report.settings),
        sections=(
            Section("summary", "Summary", key_figures(figures_of(report)) + verdict_section(report.comparison)),
            Section("data", "Data", data_section(report.data)),
            Section("tokenizer", "Tokenizer", tokenizer_section(report.tokenizer)),
            Section("prior", "Prior and synthetic ECGs", prior_section(report.prior)),
            Section("comparison", "Comparison", comparison_section(report.comparison)),
            Section("cost", "Cost", cost_section(report.cost)),
            Section("method", "Method and limits", method_section(report.method, report.comparison)),
        ),
    )


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
