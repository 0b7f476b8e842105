"""The command line, made from dataclasses: a field, its unit and its help are written once, in the dataclass.

Defaults come from the dataclass, then from the preset (--preset) and the recipe of the classifier that is named, then
from a YAML file (--config), then from the words of the command line.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import tyro
import yaml

T = TypeVar("T")


def parse(arguments_class: type[T], program: str, description: str, words: Sequence[str]) -> T:
    """Reads the command line into `arguments_class`.

    A class with a static method `preset_defaults(name)` gets the defaults that it returns, by field name; if it says by
    which option its classifier is named (`model_option`), the method is told that name too. Raises ValueError for a
    preset, a classifier or a YAML file that cannot be used, and SystemExit (by tyro) for wrong words or --help.
    """
    words = list(words)
    config = take_option(words, "--config")
    values = read_yaml(Path(config)) if config else {}
    defaults: dict[str, Any] = {}
    preset_defaults = getattr(arguments_class, "preset_defaults", None)
    if preset_defaults is not None:
        chosen = peek_option(words, "--preset") or str(values.get("preset", field_default(arguments_class, "preset")))
        model_option = getattr(arguments_class, "model_option", None)
        named = () if model_option is None else (named_model(model_option, words, values),)
        defaults |= preset_defaults(chosen, *named) | {"preset": chosen}
    start = build(arguments_class, values, defaults, config or program)
    return tyro.cli(
        arguments_class,
        prog=program,
        description=f"{description[0].upper()}{description[1:]}.\nOptions may come from a file: --config FILE.yaml.",
        args=words,
        default=start,
        config=(tyro.conf.FlagCreatePairsOff, tyro.conf.AvoidSubcommands),
    )


def take_option(words: list[str], name: str) -> str | None:
    """Removes `name VALUE` or `name=VALUE` from the words and returns VALUE; None when it is not there."""
    for place, word in enumerate(words):
        if word == name:
            if place + 1 == len(words):
                raise ValueError(f"{name} needs a value")
            del words[place]
            return words.pop(place)
        if word.startswith(f"{name}="):
            return words.pop(place).split("=", 1)[1]
    return None


def peek_option(words: Sequence[str], name: str) -> str | None:
    """The value of an option, which stays in the words."""
    return take_option(list(words), name)


def named_model(option: str, words: Sequence[str], values: Mapping[str, Any]) -> str:
    """The classifier that words or YAML values name under a dotted option, "" if neither does."""
    inner: Any = values
    for name in option.split("."):
        inner = inner.get(name, "") if isinstance(inner, Mapping) else ""
    return peek_option(words, f"--{option}") or str(inner or "")


def field_default(arguments_class: Any, name: str) -> Any:
    """The default of a dataclass field."""
    return next(field.default for field in dataclasses.fields(arguments_class) if field.name == name)


def read_yaml(path: Path) -> dict[str, Any]:
    """Settings from a YAML file. Raises ValueError when it is missing or holds no mapping."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"--config {path}: no such file") from error
    except yaml.YAMLError as error:
        raise ValueError(f"--config {path} is no valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"--config {path} holds {type(values).__name__}; expected a mapping of option: value")
    return values


def build(arguments_class: Any, values: Mapping[str, Any], defaults: Mapping[str, Any], origin: str) -> Any:
    """An instance of a (nested) dataclass from YAML values over defaults; what neither gives is tyro.MISSING.

    Raises ValueError for an option that the dataclass does not have.
    """
    fields = {field.name: field for field in dataclasses.fields(arguments_class)}
    kinds = typing.get_type_hints(arguments_class)
    values = {str(name).replace("-", "_"): value for name, value in values.items()}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ValueError(f"{origin}: unknown options {unknown}; expected some of {', '.join(fields)}")
    found: dict[str, Any] = {}
    for name, field in fields.items():
        if name in defaults:
            found[name] = defaults[name]
        elif field.default is not dataclasses.MISSING:
            found[name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            found[name] = field.default_factory()
        else:
            found[name] = tyro.MISSING
        if name in values:
            found[name] = convert(found[name], values[name], kinds[name], f"{origin}: {name}")
    return arguments_class(**found)


def convert(default: Any, value: Any, kind: Any, origin: str) -> Any:
    """A YAML value as what the field holds: nested dataclasses field by field, lists as tuples, text as paths.

    Raises ValueError for a value of another kind.
    """
    if isinstance(kind, types.UnionType):
        if value is None:
            return None
        kind = next(one for one in typing.get_args(kind) if one is not type(None))
    if dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        own = {field.name: getattr(default, field.name) for field in dataclasses.fields(default)}
        return build(kind, value, own, origin)
    if typing.get_origin(kind) is tuple and isinstance(value, list):
        return tuple(convert(None, one, typing.get_args(kind)[0], origin) for one in value)
    if kind in (int, float) and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        number = as_number(value)  # text too: YAML takes 1e-3, without a point, for text
        if kind is float and number is not None:
            return number
        if number is not None and number.is_integer():
            return int(number)
    if kind in (str, Path) and isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return kind(str(value))
    if kind is bool and isinstance(value, bool):
        return value
    raise ValueError(f"{origin} is {value!r}; expected {expected(kind)}")


def as_number(value: int | float | str) -> float | None:
    """A number, or text that is one, as float; None for other text."""
    try:
        return float(value)
    except ValueError:
        return None


def expected(kind: Any) -> str:
    """What a YAML value must be, in words."""
    if dataclasses.is_dataclass(kind):
        return "options by name, one a line"
    if typing.get_origin(kind) is tuple:
        return "a list, such as [1, 2]"
    words = {int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}
    return words.get(kind, "text (in quotes, if YAML takes it for something else, such as no or on)")


def plain(settings: Any) -> Any:
    """A settings dataclass as plain values that YAML and JSON can hold."""
    if dataclasses.is_dataclass(settings) and not isinstance(settings, type):
        return {field.name: plain(getattr(settings, field.name)) for field in dataclasses.fields(settings)}
    if isinstance(settings, (tuple, list)):
        return [plain(value) for value in settings]
    if isinstance(settings, Mapping):
        return {str(name): plain(value) for name, value in settings.items()}
    return str(settings) if isinstance(settings, Path) else settings
