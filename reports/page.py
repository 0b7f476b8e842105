"""One skeleton for every page: self-contained HTML without script, font or picture from elsewhere, prints on A4.

The skeleton is `templates/page.html`, its look `style.css`. Every text is escaped; only Markup is taken as it is.
"""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from markupsafe import Markup

from vqecg.records.files.atomic import write_text
from vqecg.reports.html import TEMPLATES

STYLE = Markup((Path(__file__).parent / "style.css").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Section:
    """A part of a page under its own heading."""

    key: str  # the id that links lead to; "" where nothing links to it
    title: str
    content: Markup
    link: str = ""  # a page beside this one that the title leads to
    folded: str = ""  # the line that the content is folded away under; "" = it is open


@dataclass(frozen=True)
class Answer:
    """The first lines of a page."""

    headline: str  # in large type
    lines: tuple[str, ...] = ()  # what could have been seen, then what the figures are


@dataclass(frozen=True)
class Page:
    """Everything on a page. `date` is passed in, so that the same content gives the same bytes."""

    title: str
    date: str  # as it is to be shown
    sections: tuple[Section, ...]
    about: tuple[str, ...] = ()  # lines under the title, in soft grey
    lead: tuple[str, ...] = ()  # paragraphs before the sections
    folded_title: str = ""  # of what is folded away under the title
    folded: tuple[str, ...] = ()  # texts in a fixed-width face
    navigation: bool = True  # a line of links to the sections
    answer: Answer | None = None  # the first lines; the title then stands below them
    notices: tuple[str, ...] = ()  # banners above all but the answer: simulated data, a trial, reasons not to conclude
    version: str = version("vqecg")

    def render(self) -> str:
        """The page as text."""
        return TEMPLATES.get_template("page.html").render(page=self, style=STYLE)

    def write(self, path: Path) -> None:
        """Writes the page, whole or not at all. Raises OSError if it cannot."""
        write_text(path, self.render())
