"""Cells that hold the labels of a record: names with separators, lists, or dicts with a likelihood for each name.

A column of dicts has one of three meanings, which its values decide. Truth (true and false): those that are true are
labels. Numbers of which none is over 1 and some are 1: 1 is present, 0 is absent. Other numbers: likelihoods in percent
as in PTB-XL's scp_codes, where 0 means an unknown likelihood, and the label is present.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vqecg.records.datasets.csv_labels.spellings import clean_label, is_no_label
from vqecg.records.datasets.csv_labels.structures import LONGEST, begins_structure, read_structure

EXPECTED = (
    'names separated by ; , or |, a list with every name in quotes such as ["AF", "LBBB"], or a dict such as '
    "{'AF': 100.0} (percent) or {'AF': true}"
)
_SEPARATORS = ";,|"
_QUOTED_PIECE = re.compile(r"""\s*[bBuU]?(?:"((?:[^"]|"")*)"|'([^']*)')\s*""")


@dataclass(frozen=True)
class LabelCell:
    """The content of one cell: names in their order, or a value for each name of a dict (None: unknown)."""

    names: tuple[str, ...] = ()
    values: tuple[tuple[str, float | bool | None], ...] = ()
    form: str = "nothing"  # names, list or dict
    separators: str = ""  # those that stood between the names


def read_cell(text: str) -> LabelCell:
    """The labels in one cell. ValueError: it is not of one of the forms in EXPECTED, or has a name that cannot be."""
    if len(text) > LONGEST:
        raise ValueError(f"a cell of {len(text):,} characters, expected at most {LONGEST:,} for labels")
    if is_no_label(text):
        return LabelCell()
    if begins_structure(text):
        try:
            content = read_structure(text.strip())
        except ValueError as error:
            raise ValueError(f"{shortened(text)} is no list or dict of labels: {error}; expected {EXPECTED}") from error
        return _of_dict(content, text) if isinstance(content, dict) else _of_list(content, text)
    if re.fullmatch(r"[-+]?0,\d+", text.strip()):
        raise ValueError(f"{shortened(text)} is a number with a decimal comma, expected {EXPECTED}")
    pieces, separators = _split(text)
    if "," in separators and len(set(separators)) > 1:
        raise ValueError(
            f"{shortened(text)} has both , and {separators.strip(',')[0]} between names; expected one kind in a cell, "
            "with quotes round a name that has a comma in it"
        )
    codes = [piece for piece in pieces if re.fullmatch(r"\s*\d{6,18}(\s+\d{6,18})+\s*", piece)]
    if codes:
        raise ValueError(f"{shortened(codes[0])} are several codes with blanks between them; expected {EXPECTED}")
    names = [clean_label(piece) for piece in pieces]
    return LabelCell(tuple(dict.fromkeys(filter(None, names))), form="names", separators=separators)


def likelihoods(cells: Sequence[LabelCell], lines: Sequence[int]) -> tuple[list[dict[str, float]], str]:
    """The labels of every record, with likelihoods in percent (0: unknown), and how dicts among them were read.

    `lines` has the line of each cell, for messages. Raises ValueError for a value that does not go with the others.
    """
    every = [value for cell in cells for _, value in cell.values if value is not None]
    truth = any(isinstance(value, bool) for value in every)
    highest = max(every, default=0.0)
    as_flags = truth or highest == 1
    for line, cell in zip(lines, cells, strict=True):
        for name, value in cell.values:
            if value is None and not as_flags:
                raise ValueError(f"line {line}: {name!r} has no value; expected a likelihood in percent, 0 if unknown")
            if value is not None and as_flags and value not in (0, 1):
                expected = "true or false as in other cells" if truth else "0 or 1 as in other cells, or percent in all"
                raise ValueError(f"line {line}: {name!r} has the value {value:g}; expected {expected}")
    if 0 < highest < 1:
        raise ValueError(f"no value is over {highest:g}; expected likelihoods in percent, such as {100 * highest:g}")
    rows = [
        dict.fromkeys(cell.names, 0.0)
        | {name: 0.0 if as_flags else float(value or 0) for name, value in cell.values if value or not as_flags}
        for cell in cells
    ]
    if not every:
        return rows, ""
    if truth:
        return rows, "dicts of true (a label) and false (none)"
    if as_flags:
        return rows, "dicts of 1 (a label) and 0 (none), as no value is over 1 percent"
    return rows, "dicts of likelihoods in percent, where 0 is an unknown likelihood of a label that is present"


def form_text(cells: Sequence[LabelCell], dicts: str = "dicts") -> str:
    """The forms of the cells of a column, for people: "names separated by ;", "lists", and `dicts` for dicts."""
    forms = Counter(cell.form for cell in cells if cell.form != "nothing")
    separators = sorted({mark for cell in cells for mark in cell.separators})
    texts = {
        "names": f"names separated by {' or '.join(separators)}" if separators else "one name in a cell",
        "list": "lists",
        "dict": dicts,
    }
    return " and ".join(texts[form] for form, _ in forms.most_common()) or "nothing in it"


def shortened(text: str) -> str:
    """The beginning of a cell in quotes."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _of_list(content: Any, text: str) -> LabelCell:
    """The labels in a list. ValueError: it holds something else than names, or codes that are whole numbers."""
    given = [item for item in _flat(content) if item is not None]
    numbers = [item for item in given if isinstance(item, (int, float))]  # True and False are numbers here
    if numbers and len(numbers) != len(given):
        raise ValueError(f"{shortened(text)} is a list of names and values, expected names alone or a dict")
    codes = all(isinstance(number, int) and not isinstance(number, bool) for number in numbers)
    if not codes or (len(numbers) > 1 and all(number in (0, 1) for number in numbers)):
        raise ValueError(
            f"{shortened(text)} is a list of numbers, expected names; write a vector of 0 and 1 as one column for "
            "every label"
        )
    names = [clean_label(_name(item)) for item in given]
    return LabelCell(tuple(dict.fromkeys(filter(None, names))), form="list")


def _of_dict(content: dict[Any, Any], text: str) -> LabelCell:
    """The values in a dict. ValueError: a value is no number from 0 to 100 and neither true nor false."""
    values: dict[str, float | bool | None] = {}
    for key, value in content.items():
        name = clean_label(_name(key))
        if not (value is None or (isinstance(value, (int, float)) and 0 <= value <= 100)):
            raise ValueError(
                f"{shortened(text)} has the value {shortened(str(value))} for {name!r}; expected a number from 0 to "
                "100 (percent), true or false"
            )
        if name in values:
            raise ValueError(f"{shortened(text)} names {name!r} twice, expected once")
        if name:
            values[name] = value
    return LabelCell(values=tuple(values.items()), form="dict")


def _flat(content: Any) -> list[Any]:
    """The items of lists within lists. ValueError: a dict is among them."""
    if isinstance(content, dict):
        raise ValueError(f"a dict within a list, expected names; {EXPECTED}")
    return [item for one in content for item in _flat(one)] if isinstance(content, list) else [content]


def _name(item: Any) -> str:
    """A name in a list or dict as text; a whole number is a name as well, such as a code of SNOMED CT.

    ValueError: it is neither.
    """
    if isinstance(item, bool) or not isinstance(item, (str, int)):
        raise ValueError(f"{item!r} where the name of a label was expected")
    return str(item)


def _split(text: str) -> tuple[list[str], str]:
    """The pieces of a cell between separators outside of quotes, and the separators that were there, each once."""
    pieces: list[str] = []
    separators, place = "", 0
    while place < len(text):
        quoted = _QUOTED_PIECE.match(text, place)
        if quoted and (quoted.end() == len(text) or text[quoted.end()] in _SEPARATORS):
            pieces.append((quoted[1] or quoted[2] or "").replace('""', '"'))
            end = quoted.end()
        elif text[place:].lstrip()[:1] in ('"', "'"):
            raise ValueError(f"{shortened(text)} has a quote that does not enclose a whole name; expected {EXPECTED}")
        else:
            end = next((at for at in range(place, len(text)) if text[at] in _SEPARATORS), len(text))
            pieces.append(text[place:end])
        separators += text[end : end + 1]
        place = end + 1
    return pieces, "".join(dict.fromkeys(separators))
