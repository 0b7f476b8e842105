"""Lists and dicts that were written into a cell as text: by str() in Python, as JSON, or by numpy.

A grammar of brackets, quoted text, numbers and the words true, false and none; nothing is evaluated.
"""

import ast
import json
import re
import warnings
from collections.abc import Iterator
from typing import Any

LONGEST, DEEPEST = 20_000, 6  # characters of a cell, brackets within brackets

# a bracket that opens a list, set or dict; a tuple only before a quote or a bracket, as in ('AF',): "(AFIB" is a label
_WRAPPERS = (
    r"(?:(?:np|numpy|collections)\.)?(?:array|str_|float\d+|int\d+|frozenset|set|list|tuple|dict|OrderedDict|Counter"
    r"|dict_keys)"
)
_BEGINS = re.compile(rf"[\[{{]|\(\s*(?:[bu]?['\"]|[\[({{)])|{_WRAPPERS}\(")
_TOKEN = re.compile(
    rf"""\s*(?:
        (?P<wrapper>{_WRAPPERS})\s*(?=\()
      | ,\s*dtype\s*=\s*(?P<dtype>'[^']*'|"[^"]*"|[\w.<>|]+)
      | (?P<text>[bBuU]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))
      | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
      | (?P<word>(?i:np\.True_|np\.False_|true|false|none|null|nan)\b)
      | (?P<mark>[\[\](){{}},:])
    )""",
    re.VERBOSE,
)
_WORDS = {"true": True, "false": False, "np.true_": True, "np.false_": False}
_CLOSING = {"[": "]", "(": ")", "{": "}"}


def begins_structure(text: str) -> bool:
    """True for text that begins as a list, tuple, set, dict or array does."""
    return _BEGINS.match(text.strip()) is not None


def read_structure(text: str) -> Any:
    """The list (of tuples, sets and arrays too) or dict that text stands for, of text, numbers, bool and None.

    Raises ValueError for text that is none, is cut off, or is nested deeper than DEEPEST. Text longer than LONGEST is
    left to the caller to refuse.
    """
    tokens = list(_tokens(text))
    value, after = _value(tokens, 0, DEEPEST)
    if after != len(tokens):
        raise ValueError(f"{tokens[after][1]!r} after the end of the list")
    return value


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """The kind and the text of one token after the other; types of numpy arrays are left out."""
    place, end = 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            rest = text[place:].strip()
            raise ValueError(f"{rest[:30]!r} is neither quoted text nor a number nor true, false or None")
        place = match.end()
        kind = match.lastgroup or ""
        if kind != "dtype":
            yield kind, match[kind]


def _value(tokens: list[tuple[str, str]], place: int, depth: int) -> tuple[Any, int]:
    """The value that begins at a token, and the place after it."""
    if place >= len(tokens):
        raise ValueError("the list is cut off")
    kind, text = tokens[place]
    if kind == "wrapper":
        value, after = _value(tokens, place + 1, depth)
        return (value[0] if isinstance(value, list) and len(value) == 1 else value), after
    if kind == "text":
        return _quoted(text), place + 1
    if kind == "number":
        return (int(text) if text.lstrip("+-").isdigit() else float(text)), place + 1
    if kind == "word":
        return _WORDS.get(text.lower()), place + 1
    if text in _CLOSING:
        if depth == 0:
            raise ValueError(f"brackets within brackets more than {DEEPEST} deep")
        return _items(tokens, place + 1, _CLOSING[text], depth - 1)
    raise ValueError(f"{text!r} where a name was expected")


def _items(tokens: list[tuple[str, str]], place: int, closing: str, depth: int) -> tuple[Any, int]:
    """The list or dict whose first item begins at a token, and the place after its closing bracket."""
    items: list[Any] = []
    pairs: dict[Any, Any] = {}
    while place < len(tokens) and tokens[place] != ("mark", closing):
        value, place = _value(tokens, place, depth)
        if tokens[place : place + 1] == [("mark", ":")]:
            if isinstance(value, (list, dict)) or value in pairs:
                raise ValueError(f"{value!r} twice, expected every name once" if value in pairs else "a list as a name")
            pairs[value], place = _value(tokens, place + 1, depth)
        else:
            items.append(value)
        if tokens[place : place + 1] == [("mark", ",")]:
            place += 1
        elif pairs and tokens[place : place + 1] != [("mark", closing)]:
            raise ValueError("a comma is missing, or the list is cut off")
    if place >= len(tokens):
        raise ValueError("the list is cut off")
    if items and pairs:
        raise ValueError("names with and without a value in one list")
    return (pairs if pairs else items), place + 1


def _quoted(text: str) -> str:
    """The text in quotes, escapes resolved as JSON or Python does. ValueError: an escape that neither has."""
    bare = text.lstrip("bBuU")
    try:
        return str(json.loads(bare))
    except ValueError:
        pass  # single quotes, or an escape of Python
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an escape that is none is a SyntaxError then
            return str(ast.literal_eval(bare))
    except (ValueError, SyntaxError) as error:
        raise ValueError(f"{text[:30]!r} is no quoted text") from error
