"""The options that the fields of a dataclass become: name, kind of value, default, and the comment that explains it.

The command line itself is tyro's (scripts/cli/arguments.py); this reads single options for short texts on them.
"""

import dataclasses
import inspect
import io
import tokenize
import typing
from dataclasses import dataclass
from functools import cache
from typing import Any

import tyro
from typing_extensions import Doc

from vqecg.records.registry import Choices
from vqecg.scripts.cli.values import metavar, without_metadata

LONG_LIST = 100  # letters of a list of choices, beyond which a short text does without it


@dataclass(frozen=True)
class Option:
    """One option of a command."""

    name: str  # as it is typed, without dashes in front: training.fit.steps, or the field of a positional one
    kind: Any  # the annotation without metadata
    default: Any  # tyro.MISSING if it is required
    text: str  # that explains it
    positional: bool

    @property
    def required(self) -> bool:
        """True where the command does not run without it."""
        return self.default is tyro.MISSING

    @property
    def invocation(self) -> str:
        """The words that are typed, such as `--count N` or `FOLDER`."""
        if self.positional:
            return self.name.upper()
        if self.kind is bool:
            return f"--no-{self.name}" if self.default is True else f"--{self.name}"
        return f"--{self.name} {metavar(self.kind)}"

    @property
    def default_text(self) -> str:
        """The default as it would be typed; "" for a switch, and where nothing is the default."""
        if self.required or self.kind is bool or self.default in (None, "", ()) or self.default != self.default:
            return ""  # the last of these is nan, which the text of the option explains
        values = self.default if isinstance(self.default, tuple) else (self.default,)
        return " ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)


def options_by_name(settings_class: Any, start: Any, prefix: str = "") -> dict[str, Option]:
    """All options of a dataclass by name, those of nested settings too, with the defaults of the instance `start`."""
    hints, options = typing.get_type_hints(settings_class, include_extras=True), dict[str, Option]()
    for field in dataclasses.fields(settings_class):
        hint, value = hints[field.name], getattr(start, field.name, tyro.MISSING)
        kind, marks = without_metadata(hint), getattr(hint, "__metadata__", ())
        renamed = [mark.name for mark in marks if getattr(mark, "name", None) is not None]
        name = f"{prefix}{(renamed[0] if renamed else field.name).replace('_', '-')}"
        if dataclasses.is_dataclass(kind):
            options |= options_by_name(kind, value, f"{name}." if not name.endswith(".") and name else prefix)
        else:
            text = documentation(marks) or comments(settings_class).get(field.name, "")
            options[name] = Option(name, kind, value, text, tyro.conf.Positional in marks)
    return options


def documentation(marks: tuple[Any, ...]) -> str:
    """The text that the metadata of an annotation holds, a long list of choices left out; "" for none."""
    for mark in marks:
        if isinstance(mark, Choices):
            listed = mark.documentation.removeprefix(mark.text)
            return mark.documentation if len(listed) <= LONG_LIST else f"{mark.text} (--help-all lists them)"
        text = mark.documentation if isinstance(mark, Doc) else getattr(mark, "help", None)
        if isinstance(text, str):
            return text
    return ""


@cache
def comments(settings_class: type) -> dict[str, str]:
    """The comment of each field of a dataclass, inherited ones among them: behind it, or on the lines above it."""
    texts: dict[str, str] = {}
    for part in reversed(settings_class.__mro__[:-1]):
        texts |= _comments_in(inspect.getsource(part), tuple(vars(part).get("__annotations__", ())))
    return texts


def _comments_in(source: str, fields: tuple[str, ...]) -> dict[str, str]:
    """The comments of these fields in the source of a class."""
    texts, above = dict[str, str](), list[str]()
    lines: dict[int, list[tokenize.TokenInfo]] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        lines.setdefault(token.start[0], []).append(token)
    for tokens in lines.values():
        words = [token for token in tokens if token.string.strip() and token.type != tokenize.COMMENT]
        notes = [token.string.lstrip("#").strip() for token in tokens if token.type == tokenize.COMMENT]
        if not words:
            above = [*above, *notes] if notes else []
            continue
        if len(words) > 1 and words[1].string == ":" and words[0].string in fields:
            text = " ".join(notes or above)
            texts |= {words[0].string: text} if text else {}
        above = []
    return texts
