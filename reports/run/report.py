"""One self-contained HTML file about a run: no script, no link to elsewhere, figures inline, prints well."""

import html
from pathlib import Path

from vqecg.records.files.atomic import write_text
from vqecg.reports.comparison.sections import comparison_section, metric_name, verdict_section
from vqecg.reports.html import (
    Html,
    count,
    element,
    escape,
    interval,
    join,
    number,
    paragraph,
)
from vqecg.reports.run.report_data import (
    ComparisonSection,
    CostSection,
    DataSection,
    ECGSheet,
    LearningCurve,
    PriorSection,
    ReportData,
    TokenizerSection,
)
from vqecg.reports.run.sections import (
    MACRO,
    cost_section,
    data_section,
    method_section,
    prior_section,
    tokenizer_section,
)
from vqecg.reports.style import PAGE, STYLE

__all__ = [
    "ComparisonSection",
    "CostSection",
    "DataSection",
    "ECGSheet",
    "LearningCurve",
    "PriorSection",
    "ReportData",
    "TokenizerSection",
    "render_report",
    "write_report",
]


def write_report(report: ReportData, path: Path) -> None:
    """Write the report as one HTML file; the same report gives the same bytes. Raises OSError if it cannot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, render_report(report))


def render_report(report: ReportData) -> str:
    """The whole page as text."""
    sections = (
        ("summary", "Summary", key_figures(report) + verdict_section(report.comparison)),
        ("data", "Data", data_section(report.data)),
        ("tokenizer", "Tokenizer", tokenizer_section(report.tokenizer)),
        ("prior", "Prior and synthetic ECGs", prior_section(report.prior)),
        ("comparison", "Comparison", comparison_section(report.comparison)),
        ("cost", "Cost", cost_section(report.cost)),
        ("method", "Method and limits", method_section(report)),
    )
    links = join(Html(f'<a href="#{key}">{escape(title)}</a>') for key, title, _ in sections)
    body = [_header(report), element("nav", links)]
    body += [Html(f'<h2 id="{key}">{escape(title)}</h2>\n{content}') for key, title, content in sections]
    body.append(element("footer", f"vqecg {report.version}, {report.date}. Research use, not for diagnosis."))
    return PAGE.substitute(title=html.escape(report.title), style=STYLE, body=join(body, "\n"))


def key_figures(report: ReportData) -> Html:
    """The run in a few figures; a figure whose section was not run is left out."""
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
    cells = [
        element("div", element("dt", name) + element("dd", join([value, element("small", remark)])))
        for name, value, remark in figures
    ]
    return element("dl", join(cells), "keys") if cells else Html("")


def _header(report: ReportData) -> Html:
    """Title, date, data, version, and folded away the command and settings."""
    about = paragraph(report.data_description, "about") + paragraph(f"{report.date}, vqecg {report.version}", "about")
    command = element("pre", report.command) if report.command else Html("")
    made = command + element("pre", report.settings)
    return Html(
        element("h1", report.title)
        + about
        + element("details", element("summary", "Command and settings that made this report") + made)
    )
