"""The kinds of values that options take, in plain words: N for whole numbers, NUMBER, TEXT, PATH, and none."""

import types
import typing
from pathlib import Path
from typing import Any

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

METAVARS: dict[Any, str] = {int: "N", float: "NUMBER", str: "TEXT", Path: "PATH"}
NONE = ("none", "None")  # what is typed for the absence of a value


def plain_values() -> ConstructorRegistry:
    """The rules by which tyro reads these kinds of values, and names them in its help."""
    registry = ConstructorRegistry()
    registry.primitive_rule(read_as)
    return registry


def read_as(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """The rule for a kind of value, or one that may be none; tyro's own rules are for all others."""
    kind: Any = without_none(info.type)
    if kind not in METAVARS:
        return None
    optional = kind is not info.type
    held = (int, float) if kind is float else kind
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=METAVARS[kind],
        instance_from_str=lambda words: None if optional and words[0] in NONE else kind(words[0]),
        is_instance=lambda value: isinstance(value, held) or (optional and value is None),
        str_from_instance=lambda value: [NONE[0] if value is None else str(value)],
    )


def metavar(kind: Any) -> str:
    """The kind of value of an option in a word, such as "N" or "PATH ..."."""
    kind = without_none(kind)
    if typing.get_origin(kind) is tuple:
        return f"{metavar(typing.get_args(kind)[0])} ..."
    return METAVARS.get(without_metadata(kind), "VALUE")


def without_none(kind: Any) -> Any:
    """The kind of value where there is one, of `kind | None`."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        others = [one for one in typing.get_args(kind) if one is not type(None)]
        return without_metadata(others[0]) if len(others) == 1 else kind
    return kind


def without_metadata(kind: Any) -> Any:
    """An annotation without its metadata."""
    return typing.get_args(kind)[0] if typing.get_origin(kind) is typing.Annotated else kind
