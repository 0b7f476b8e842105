"""The pieces of a page: elements, tables, lists and inline figures, as Markup.

Every text is escaped, here and in the templates; only a string that is Markup already is taken as it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from vqecg.records.ecg_paper import figure_svg

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    keep_trailing_newline=True,
    undefined=StrictUndefined,
)
WIDE = 9  # columns; a table of more is set in smaller type


def join(parts: Iterable[object], between: str = "") -> Markup:
    """The parts, escaped, one after the other."""
    return escape(between).join(escape(part) for part in parts)


def element(tag: str, content: object, name: str = "") -> Markup:
    """`<tag class="name">content</tag>`."""
    opening = Markup('<{} class="{}">').format(tag, name) if name else Markup("<{}>").format(tag)
    return opening + escape(content) + Markup("</{}>").format(tag)


def paragraph(text: object, name: str = "") -> Markup:
    """One paragraph."""
    return element("p", text, name)


def not_run(part: str) -> Markup:
    """The line that stands where a part of the report is missing."""
    return paragraph(f"{part}: not run.", "missing")


def settings_list(settings: Mapping[str, str]) -> Markup:
    """Names and values in two columns."""
    return _piece("settings_list", settings=settings)


def key_figures(figures: Sequence[tuple[str, str, str]]) -> Markup:
    """The most important figures in large type: (name, value, remark) each. Nothing without any."""
    return _piece("key_figures", figures=figures) if figures else Markup("")


def folded(title: str, content: Markup) -> Markup:
    """Content folded away under its title."""
    return _piece("folded", title=title, content=content)


def table(
    heads: Sequence[object],
    rows: Iterable[Sequence[object] | str],
    caption: object = "",
    texts: int = 1,
    over: Sequence[tuple[str, int]] = (),
    strong: Sequence[object] = (),
) -> Markup:
    """A table with aligned numerals.

    Args:
        heads: the column heads.
        rows: cells of a row as text, or one text, which heads the rows below it.
        caption: the text above the table.
        texts: the number of columns at the left that hold text; the others hold numbers.
        over: a line above the heads: text and the number of columns it spans.
        strong: first cells of the rows to set apart.
    """
    starts = set(accumulate(span for _, span in over[:-1])) if over else set()
    classes = [
        " ".join(name for name, applies in (("number", i >= texts), ("start", i in starts)) if applies)
        for i in range(len(heads))
    ]
    wide = len(heads) > WIDE
    content = {"heads": heads, "rows": rows, "caption": caption, "over": over, "strong": strong}
    return _piece("table", **content, classes=classes, wide=wide)


def inline_figure(figure: Figure, caption: object, key: str, description: str, name: str = "") -> Markup:
    """A matplotlib figure as inline SVG under its caption; `key`, unique in the page, keeps the SVG's ids apart."""
    svg = figure_svg(figure)
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    wanted = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda m: f' id="{key}-{m[1]}"' if m[1] in wanted else "", svg)
    svg = re.sub(r"(url\(#|href=\"#)", rf"\g<1>{key}-", svg)
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{escape(description)}"', 1)
    svg = re.sub(r">\s+<", "><", svg)
    return _piece("figure", svg=Markup(svg.strip()), caption=caption, name=name)


def records_of(frame: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table, their cells as attributes, whose kinds only the table knows."""
    return iter(frame.itertuples(index=False))


def _piece(macro: str, /, **values: object) -> Markup:
    """A macro of templates/pieces.html with its arguments."""
    return Markup(getattr(TEMPLATES.get_template("pieces.html").module, macro)(**values))
