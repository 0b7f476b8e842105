"""The rules of tests/page_rules.py, which conftest.py applies to every page that a test renders."""

import importlib.util
from pathlib import Path

import pytest
from markupsafe import Markup

from vqecg.records.paper.sheet import PAPER, TEXT
from vqecg.reports.figures import FIRST, INK, SECOND, SERIES, SOFT, VERDICT_COLORS
from vqecg.reports.html import table
from vqecg.reports.page import STYLE, Answer, Page, Section

_spec = importlib.util.spec_from_file_location("page_rules", Path(__file__).parents[1] / "page_rules.py")
assert _spec is not None and _spec.loader is not None
rules = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rules)

HEAD = '<!doctype html>\n<html lang="en"><head><title>t</title></head><body><main><h1>Title</h1>'
TEXT_CONTRAST, MARK_CONTRAST = 4.5, 3.0  # of WCAG 2.2, AA: 1.4.3 and 1.4.11


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("<h3>Deep</h3>", "h3 follows h1"),
        ("<h1>Again</h1>", "2 elements h1, expected one"),
        ("<h2> </h2>", "h2 without text"),
        ("<table><thead><tr><th>a</th></tr></thead></table>", "th 'a' without scope"),
        ("<table><tbody></tbody></table>", "table without head"),
        ("<svg></svg>", "svg without role and aria-label"),
        ('<svg role="img" aria-label=" "></svg>', "svg without role and aria-label"),
        ('<img src="x">', "img without alt"),
        ("<details><p>a</p></details>", "details does not begin with its summary"),
        ('<div class="scroll"></div>', "a part that scrolls is not reached by the keyboard"),
        ('<p tabindex="2">a</p>', "tabindex 2"),
        ('<a href="#none">a</a>', "link to '#none', which is not there"),
        ('<p id="a">a</p><p id="a">b</p>', "the id 'a' is there twice"),
    ],
)
def test_a_broken_rule_is_noticed(content: str, fault: str) -> None:
    assert rules.faults(f"{HEAD}{content}</main></body></html>") == [fault]
    assert rules.faults(f"{HEAD}</main></body></html>") == []
    assert "html has no lang" in rules.faults("<html><body></body></html>")


def test_pages_with_and_without_an_answer_keep_the_rules() -> None:
    numbers = table(["", "a"], ["group", ["", 1], ["x", 2]], "caption", over=[("", 1), ("N", 1)])
    sections = (
        Section("key", "Open", numbers),
        Section("more", "Folded", Markup("<h3>a</h3>"), folded="what is in it"),
    )
    for answer in (None, Answer("It helped: +0.010", ("What could have been seen: much.",))):
        texts = {"notices": ("Simulated.",), "folded_title": "Settings", "folded": ("a: 1",)}
        page = Page("Title", "1 May 2030", sections, answer=answer, **texts)
        assert rules.faults(page.render()) == []


def test_the_answer_is_the_first_line_and_what_could_have_been_seen_the_next() -> None:
    answer = Answer("It helped: +0.010", ("What could have been seen: much.",))
    folded = Section("key", "Folded", Markup("<p>a</p>"), folded="what is in it")
    page = Page("Title", "1 May 2030", (folded,), answer=answer, notices=("Simulated.",), navigation=False).render()
    order = ["<h1", "It helped", "could have been seen", "Simulated.", "Title</p>", "<details", "what is in it"]
    places = [page[page.index("<main>") :].index(words) for words in order]
    assert places == sorted(places)


def test_every_text_has_contrast_enough() -> None:
    colours = rules.colours_of(STYLE)
    assert len(colours) > 15
    weak = [pair for pair in colours if rules.contrast(pair[1], pair[2]) < TEXT_CONTRAST]
    assert weak == []
    grey_boxes = [(name, colour) for name, colour, _ in colours if rules.contrast(colour, "#f5f6f7") < TEXT_CONTRAST]
    assert grey_boxes == []


def test_figures_have_contrast_enough() -> None:
    texts = {INK, SOFT, SECOND, *VERDICT_COLORS.values()}
    assert [colour for colour in texts if rules.contrast(colour, "#ffffff") < TEXT_CONTRAST] == []
    assert [colour for colour in (FIRST, *SERIES) if rules.contrast(colour, "#ffffff") < MARK_CONTRAST] == []
    assert rules.contrast(TEXT, PAPER) >= TEXT_CONTRAST
    assert rules.contrast("#000", "#fff") == pytest.approx(21)
