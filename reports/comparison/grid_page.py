"""All cells of a grid of comparisons on one page."""

from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from vqecg.downstream.augmentation.plan import slug
from vqecg.downstream.comparison.results import Comparison
from vqecg.reports.comparison.classes import chip, metric_name, p_text
from vqecg.reports.html import join, paragraph, table
from vqecg.reports.numbers import interval, number
from vqecg.reports.page import Page, Section

TITLE = "What added records do for a classifier: all cells"


def write_grid_page(cells: Mapping[str, Comparison], path: Path, described: str, date: str) -> None:
    """Writes the page, whole or not at all: a section per cell, its class groups by its primary metric."""
    sections = (
        Section("", name, cell_section(comparison), link=f"cells/{slug(name)}/comparison.html")
        for name, comparison in cells.items()
    )
    page = Page(TITLE, date, tuple(sections), about=(described,), lead=(_chance(cells),), navigation=False)
    page.write(path)


def _chance(cells: Mapping[str, Comparison]) -> str:
    """The number of verdicts that chance alone would give among so many lines."""
    lines, expected = 0, 0.0
    for comparison in cells.values():
        shown = int((comparison.differences["metric"] == comparison.analysis.primary_metric).sum())
        lines, expected = lines + shown, expected + (1 - comparison.analysis.confidence) * shown
    return (
        f"Below are {lines} differences, not corrected for the number of lines and cells: were there no effect in any, "
        f"about {expected:.1f} would still be called a gain or a harm. Conclude on what was named before any score was "
        "seen."
    )


def cell_section(comparison: Comparison) -> Markup:
    """One cell: cautions, then all arms against both references by class group."""
    metric = comparison.analysis.primary_metric
    rows: list[list[object] | str] = []
    lines = comparison.differences[comparison.differences["metric"] == metric]
    for group, block in lines.groupby("group", sort=False):
        rows.append(str(group))
        for line in block.to_dict("records"):
            figures = [number(line["estimate"], signed=True), interval(line["low"], line["high"]), p_text(line["p"])]
            rows.append([line["arm"], line["against"], chip(line["verdict"]), *figures])
    heads = ["Arm", "Against", "Verdict", "Difference", f"{comparison.analysis.confidence:.0%} interval", "p"]
    scarce = ", ".join(comparison.group_classes.get("scarce classes", ()))
    each = f" in each of {comparison.draws} draws" if comparison.draws > 1 else ""
    caption = (
        f"Differences in macro {metric_name(metric)}, {len(comparison.seeds)} seeds{each}, {comparison.test_records:,} "
        f"test records of {comparison.test_patients:,} patients; filled up: {scarce}."
    )
    cautions = join(paragraph(caution, "missing") for caution in comparison.cautions)
    return cautions + table(heads, rows, caption, texts=3)
