"""The one skeleton of all pages."""

from dataclasses import replace
from pathlib import Path

from markupsafe import Markup

from vqecg.reports.page import Page, Section

HOSTILE = "<script>alert('x')</script>"
PAGE = Page("Title", "1 May 2030", (Section("key", "Section", Markup("<p>text</p>")),), version="0")


def test_a_page_has_title_links_sections_and_foot() -> None:
    text = PAGE.render()
    assert text.startswith("<!doctype html>\n") and text.count("<h1>Title</h1>") == 1
    assert '<nav><a href="#key">Section</a></nav>' in text and '<h2 id="key">Section</h2>\n<p>text</p>' in text
    assert "<footer>vqecg 0, 1 May 2030. Research use, not for diagnosis.</footer>" in text
    assert "@media print" in text and "size: A4" in text and "http" not in text


def test_what_is_not_given_leaves_no_trace_and_a_section_may_lead_elsewhere() -> None:
    text = replace(PAGE, navigation=False, sections=(Section("", "Cell", Markup(""), link="cells/a.html"),)).render()
    assert "<nav" not in text and "<details" not in text and '<p class="about"' not in text
    assert '<h2><a href="cells/a.html">Cell</a></h2>' in text


def test_every_text_is_escaped() -> None:
    section = Section(HOSTILE, HOSTILE, Markup(""), link=HOSTILE)
    texts = {name: (HOSTILE,) for name in ("about", "lead", "folded")}
    text = Page(HOSTILE, HOSTILE, (section,), **texts, folded_title=HOSTILE, version=HOSTILE).render()
    assert "<script" not in text and text.count("&lt;script&gt;") == 13


def test_a_page_is_written_whole(tmp_path: Path) -> None:
    PAGE.write(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == PAGE.render()
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
