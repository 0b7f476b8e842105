"""An assessment as one self-contained HTML file, in the style of the run's report: N beside every figure."""

import html
from importlib.metadata import version
from pathlib import Path
from typing import Any

from vqecg.downstream.assessment.assessment import SYNTHETIC, TRAINING, Assessment
from vqecg.downstream.assessment.utility import TRTS, TSTR
from vqecg.records.files.atomic import write_text
from vqecg.reports.assessment.sections import (
    adherence_section,
    bounds,
    distance_section,
    known,
    memorisation_section,
    percent,
    utility_section,
)
from vqecg.reports.assessment.signals import signal_section
from vqecg.reports.html import (
    Html,
    count,
    element,
    escape,
    interval,
    join,
    number,
    paragraph,
    records_of,
    settings_list,
)
from vqecg.reports.style import PAGE, STYLE


def write_page(found: Assessment, path: Path, date: str) -> None:
    """Writes the page, whole or not at all; the same assessment and date give the same bytes."""
    write_text(path, render_page(found, date))


def render_page(found: Assessment, date: str) -> str:
    """The whole page as text."""
    about = found.about
    sections = (
        ("summary", "Summary", summary_section(found)),
        ("utility", "Utility", utility_section(found)),
        ("distance", "Distance from real records", distance_section(found)),
        ("signals", "Signals and physiology", signal_section(found)),
        ("adherence", "Label adherence", adherence_section(found)),
        ("memorisation", "Memorisation", memorisation_section(found)),
        ("method", "Method and limits", method_section(about)),
    )
    title = "Synthetic ECGs against real ones"
    links = join(Html(f'<a href="#{key}">{escape(name)}</a>') for key, name, _ in sections)
    compared = (
        f"{about['synthetic_records']:,} synthetic records against {about['test_records']:,} real test records, "
        f"{about['training_records']:,} real training records"
    )
    body = [
        element("h1", title),
        paragraph(compared, "about"),
        paragraph(about["real"], "about"),
        element("nav", links),
    ]
    body += [Html(f'<h2 id="{key}">{escape(name)}</h2>\n{content}') for key, name, content in sections]
    body.append(element("footer", f"vqecg {version('vqecg')}, {date}. Research use, not for diagnosis."))
    return PAGE.substitute(title=html.escape(title), style=STYLE, body=join(body, "\n"))


def summary_section(found: Assessment) -> Html:
    """The assessment in a few figures."""
    figures: list[tuple[str, str, str]] = []
    ratios = found.ratios[found.ratios["metric"] == "auroc"]
    for row in records_of(ratios[ratios["design"] == TSTR]):
        within = f"{number(row.ratio_low)} to {number(row.ratio_high)}"
        figures.append((f"TSTR / TRTR, macro AUROC, {row.family}", number(row.ratio), within))
    for row in records_of(ratios[ratios["design"] == TRTS]):
        within = interval(row.difference_low, row.difference_high)
        figures.append((f"TRTS minus TRTR, macro AUROC, {row.family}", number(row.difference, signed=True), within))
    whole = found.distances[found.distances["against"] == "test records"].set_index(["space", "compared"])
    for space in dict.fromkeys(found.distances["space"]):
        made, real = whole.loc[(space, SYNTHETIC)], whole.loc[(space, TRAINING)]
        remark = f"real training records: {number(real['coverage'])}; N {count(made['real'])}"
        figures.append((f"Coverage of real test records, {space}", number(made["coverage"]), remark))
    for near in found.memorisation["nearness"]:
        if near["label"] == "all" and near["space"] == "waveform":
            remark = f"nearer than half of the held-out 1st percentile; N {count(near['synthetic'])}"
            figures.append(("Near copies of training records", percent(near["near_copies"], 1), remark))
    for known_by in known(found.memorisation["membership"]):
        if not known_by["matched"]:
            remark = f"{bounds(known_by)}; 0.5 is not at all"
            figures.append(("Membership inference, AUC", number(known_by["auc"]), remark))
    cells = [
        element("div", element("dt", name) + element("dd", join([value, element("small", remark)])))
        for name, value, remark in figures
    ]
    return element("dl", join(cells), "keys")


def method_section(about: Any) -> Html:
    """How the figures were made."""
    utility, classifier = about["settings"]["utility"], about["settings"]["classifier"]
    facts = {
        "Policy": about["policy"],
        "Classifiers": f"{', '.join(utility['families'])}; seeds {', '.join(map(str, utility['seeds']))}; "
        f"{classifier.get('fit', classifier)['steps']} steps",
        "Intervals": f"{utility['replicates']} bootstrap draws of patients and seeds",
        "PR, QRS, QT, axis": f"from {about['intervals_from']}",
        "Ceiling": "not measured"
        if about["ceiling_levels"] is None
        else f"reconstructions from {about['ceiling_levels']} levels of codes, as many as the prior writes, without "
        "its detail model",
    }
    limits = (
        "Synthetic records are trained on and measured; they are in no validation or test part, and nothing was chosen "
        "by them here. Figures of one data set and one split say nothing of another."
    )
    return settings_list(facts) + paragraph(limits)
