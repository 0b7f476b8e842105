"""The pieces of a report's page: escaped text, tables, inline figures, and the formats of its numbers.

Every text passes through `escape`; only a string that is already `Html` is taken as it is.
"""

import html
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from vqecg.reports.ecg_paper import figure_svg

MISSING = "–"


class Html(str):
    """Text that is HTML already and is not escaped again; what is added to it is escaped unless it is Html too."""

    def __add__(self, other: str) -> "Html":
        return Html(str.__add__(self, escape(other)))


def escape(value: object) -> Html:
    """`value` as HTML text; `Html` is returned as it is."""
    return value if isinstance(value, Html) else Html(html.escape(str(value)))


def join(parts: Iterable[object], between: str = "") -> Html:
    """The parts, escaped, one after the other."""
    return Html(between.join(escape(part) for part in parts))


def element(tag: str, content: object, name: str = "") -> Html:
    """`<tag class="name">content</tag>`."""
    return Html(f"{_open(tag, name)}{escape(content)}</{tag}>")


def paragraph(text: object, name: str = "") -> Html:
    """One paragraph."""
    return element("p", text, name)


def not_run(what: str) -> Html:
    """The line that stands where a part of the report is missing."""
    return paragraph(f"{what}: not run.", "missing")


def settings_list(settings: Mapping[str, str]) -> Html:
    """Names and values in two columns."""
    return element("dl", join(element("dt", k) + element("dd", v) for k, v in settings.items()), "settings")


def table(
    heads: Sequence[object],
    rows: Iterable[Sequence[object] | str],
    caption: object = "",
    texts: int = 1,
    over: Sequence[tuple[str, int]] = (),
    strong: Sequence[object] = (),
) -> Html:
    """A table with aligned numerals.

    Args:
        heads: the column heads.
        rows: cells of a row as text, or one text, which heads the rows below it.
        texts: how many columns at the left hold text; the others hold numbers.
        over: a line above the heads: text and how many columns it spans.
        strong: first cells of the rows to set apart.
    """
    starts = set(accumulate(n for _, n in over[:-1])) if over else set()

    def cells(tag: str, row: Sequence[object]) -> str:
        names = [("number " if i >= texts else "") + ("start" if i in starts else "") for i in range(len(row))]
        tags = [tag if i else "th" for i in range(len(row))]
        return "".join(element(*cell) for cell in zip(tags, row, (name.strip() for name in names), strict=True))

    lines = ""
    if over:
        spans = "".join(f'<th class="start" colspan="{n}">{escape(text)}</th>' for text, n in over)
        lines += f'<tr class="over">{spans}</tr>'
    lines += f"<tr>{cells('th', heads)}</tr>"
    body = ""
    for row in rows:
        if isinstance(row, str):
            body += f'<tr class="group"><th colspan="{len(heads)}">{escape(row)}</th></tr>'
        else:
            body += f"{_open('tr', 'strong' if row[0] in strong else '')}{cells('td', row)}</tr>"
    # a paragraph, because a <caption> would be as narrow as its table
    head = paragraph(caption, "caption") if caption else ""
    inner = f"<thead>{lines}</thead><tbody>{body}</tbody>"
    return Html(f'<div class="scroll">{head}{_open("table", "wide" if len(heads) > 9 else "")}{inner}</table></div>\n')


def inline_figure(figure: Figure, caption: object, key: str, description: str, name: str = "") -> Html:
    """A matplotlib figure as inline SVG under its caption; `key`, unique in the page, keeps the SVG's ids apart."""
    svg = figure_svg(figure)
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    wanted = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda m: f' id="{key}-{m[1]}"' if m[1] in wanted else "", svg)
    svg = re.sub(r"(url\(#|href=\"#)", rf"\g<1>{key}-", svg)
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(description)}"', 1)
    svg = re.sub(r">\s+<", "><", svg)
    head = element("figcaption", caption) if caption else ""
    return Html(f"{_open('figure', name)}{head}{svg.strip()}</figure>\n")


def records_of(frame: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table, their cells as attributes, whose kinds only the table knows."""
    return iter(frame.itertuples(index=False))


def number(value: Any, digits: int = 3, signed: bool = False) -> str:
    """A number with that many decimals and a true minus sign; a dash for NaN.

    With `signed`, what rounds to zero keeps its sign, so that an interval shows on which side of zero it ends.
    """
    if not math.isfinite(value):
        return MISSING
    return f"{value:{'+' if signed else 'z'}.{digits}f}".replace("-", "−")


def count(value: Any) -> str:
    """A whole number with thousands separated; a dash for NaN."""
    return f"{value:,.0f}" if math.isfinite(value) else MISSING


def significant(value: Any, digits: int = 3) -> str:
    """A number with that many significant digits, never in powers of ten between 0.0001 and a million."""
    if not math.isfinite(value):
        return MISSING
    if value == 0 or not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits}g}".replace("-", "−")
    return number(value, max(0, digits - 1 - math.floor(math.log10(abs(value)))))


def interval(low: float, high: float, digits: int = 3) -> str:
    """ "−0.006 to +0.010" """
    return f"{number(low, digits, signed=True)} to {number(high, digits, signed=True)}"


def duration(seconds: Any) -> str:
    """Seconds in the unit that a reader would choose."""
    if not math.isfinite(seconds):
        return MISSING
    if seconds < 90:
        return f"{significant(seconds, 2)} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _open(tag: str, name: str) -> str:
    return f'<{tag} class="{html.escape(name)}">' if name else f"<{tag}>"
