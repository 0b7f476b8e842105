"""Names of records, patients and labels that a terminal, a spreadsheet or a header would obey instead of showing."""

import re
import unicodedata

_OBEYED = ("Cc", "Cs", "Zl", "Zp")  # categories: controls (escape, tab, line ends, NUL), halves of pairs, line breaks
_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # of reading direction
_FORMULA = re.compile(r"\s*[=+@-]")
_NUMBER = re.compile(r"\s*[+-]?\d+([.,]\d+)?\s*")


def unfit(name: str) -> str:
    """The reason why a name cannot be used, in words; "" for one that can."""
    if any(unicodedata.category(letter) in _OBEYED or letter in _TURNS for letter in name):
        return f"{name[:80]!r} has a control character or a line break in it, expected a plain name"
    if _FORMULA.match(name) and not _NUMBER.fullmatch(name):
        return (
            f"{name[:80]!r} begins with {name.strip()[0]}, which a spreadsheet takes for a formula; expected a name "
            "that begins with a letter or a number"
        )
    return ""


def shown(text: str) -> str:
    """Text for people: at most 80 characters, and what is not printable as an escape."""
    return printable(text if len(text) <= 80 else text[:77] + "...")


def printable(text: str) -> str:
    """Text in which a terminal finds nothing to obey: escapes for all that is not printable, but for ends of lines."""
    return "".join(
        letter if letter in "\n\t" or (letter.isprintable() and letter not in _TURNS) else ascii(letter)[1:-1]
        for letter in text
    )


def markdown(text: str) -> str:
    """Text as Markdown shows it, with nothing in it that Markdown or HTML would obey."""
    return re.sub(r"([\\`*\[\]<>|~#])", r"\\\1", printable(text).replace("&", "&amp;"))


def spreadsheet_cell(text: str) -> str:
    """A cell for people, with an apostrophe before what a spreadsheet would take for a formula."""
    plain = printable(text).replace("\n", " ").replace("\t", " ")
    return f"'{plain}" if _FORMULA.match(plain) and not _NUMBER.fullmatch(plain) else plain
