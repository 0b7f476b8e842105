"""All cells of a grid of comparisons on one page."""

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from vqecg.downstream.augmentation.plan import slug
from vqecg.downstream.comparison.results import Comparison
from vqecg.reports.comparison.answer import NOT_JUDGED, VERBS, answer_of, outcome_of, smallest_of
from vqecg.reports.comparison.classes import chip, metric_name, p_text
from vqecg.reports.comparison.section_data import ComparisonSection
from vqecg.reports.html import join, paragraph, table
from vqecg.reports.names import class_line
from vqecg.reports.notices import data_notices
from vqecg.reports.numbers import interval, number
from vqecg.reports.page import Answer, Page, Section

# the outcome of a cell's main arm -> the words for it
OUTCOMES = VERBS | {NOT_JUDGED: "could not be judged"}
TITLE = "What added records do for a classifier: all cells"


def write_grid_page(cells: Mapping[str, Comparison], path: Path, described: str, date: str) -> None:
    """Writes the page, whole or not at all: a section per cell, its class groups by its primary metric."""
    grid_page(cells, described, date).write(path)


def grid_page(cells: Mapping[str, Comparison], described: str, date: str) -> Page:
    """The answers of all cells in one, then a section per cell, folded under its answer."""
    answers = {name: answer_of(ComparisonSection.of(comparison)) for name, comparison in cells.items()}
    sections = tuple(
        Section(
            "",
            name,
            cell_section(comparison),
            link=f"cells/{slug(name)}/comparison.html",
            folded=f"{answers[name].headline}.",
        )
        for name, comparison in cells.items()
    )
    return Page(
        TITLE,
        date,
        sections,
        about=(described,),
        lead=class_line(name for comparison in cells.values() for name in comparison.class_names),
        answer=answer_of_all(cells, answers),
        notices=data_notices(described),
        navigation=False,
    )


def answer_of_all(cells: Mapping[str, Comparison], answers: Mapping[str, Answer]) -> Answer:
    """The number of cells whose main arm helped, did harm, or neither; of a single cell its own answer."""
    if len(cells) == 1:
        (answer,) = answers.values()
        return Answer(answer.headline, (*answer.lines, _chance(cells)))
    parts = [ComparisonSection.of(comparison) for comparison in cells.values()]
    outcomes = Counter(map(outcome_of, parts))
    counts = [f"{words} in {outcomes[outcome]}" for outcome, words in OUTCOMES.items() if outcomes[outcome]]
    first, *others = counts
    headline = f"The main arm {first} of {len(cells)} comparisons{''.join(f', {words}' for words in others)}"
    limits = zip(cells, map(smallest_of, parts), strict=True)
    seen = "; ".join(f"{number(limit)} or more in {name}" for name, limit in limits if math.isfinite(limit))
    lines = (f"What could have been seen, four times in five: a true gain of {seen}.",) if seen else ()
    return Answer(headline, (*lines, _chance(cells)))


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
