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

from vqecg.records.bounds import shown
from vqecg.records.files.yaml_file import read_yaml
from vqecg.scripts.cli.options import options_by_name
from vqecg.scripts.cli.short_help import ShortHelp, short_help
from vqecg.scripts.cli.values import plain_values

T = TypeVar("T")
HELP_ALL = "--help-all"
NOTES = "Options may come from a file: --config FILE.yaml. For a script: --json."


def parse(
    arguments_class: type[T], program: str, description: str, words: Sequence[str], help: ShortHelp | None = None
) -> T:
    """Reads the command line into `arguments_class`. With a short `help`, --help shows that, and --help-all the rest.

    A class with a static method `preset_defaults(name)` gets the defaults that it returns, by option; if it says by
    which option its classifier is named (`model_option`), the method is given that name too. Raises ValueError for a
    preset, a classifier or a YAML file that cannot be used, and SystemExit (by tyro) for wrong words or --help.
    """
    words = list(words)
    config = take_option(words, "--config")
    values = read_yaml(Path(config), "--config") if config else {}
    defaults: dict[str, Any] = {}
    preset_defaults = getattr(arguments_class, "preset_defaults", None)
    if preset_defaults is not None:
        options: Any = arguments_class
        first = next(field.default for field in dataclasses.fields(options) if field.name == "preset")
        chosen = peek_option(words, "--preset") or str(values.get("preset", first))
        model_option = getattr(arguments_class, "model_option", None)
        named = () if model_option is None else (named_model(model_option, words, values),)
        defaults |= preset_defaults(chosen, *named) | {"preset": chosen}
    start = build(arguments_class, values, defaults, config or program, checked=False)
    if help is not None and {"-h", "--help"} & set(words):
        print(short_help(help, program, description, options_by_name(arguments_class, start), NOTES))
        raise SystemExit(0)
    words = ["--help" if word == HELP_ALL else word for word in words]
    return tyro.cli(
        arguments_class,
        prog=program,
        description=f"{description[0].upper()}{description[1:]}.\n{NOTES}",
        args=words,
        default=start,
        config=(tyro.conf.FlagCreatePairsOff, tyro.conf.AvoidSubcommands),
        registry=plain_values(),
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


def option_name(arguments_class: Any, name: str) -> str:
    """The option of a field: its name, another one given by `tyro.conf.arg(name=...)`, or "" for settings whose
    options stand beside those of the dataclass they are nested in."""
    hint = typing.get_type_hints(arguments_class, include_extras=True)[name]
    names = [getattr(mark, "name", None) for mark in getattr(hint, "__metadata__", ())]
    return next((given.replace("-", "_") for given in names if given is not None), name)


def option_names(arguments_class: Any) -> list[str]:
    """The options of a dataclass, those of settings that are nested without a name among them."""
    kinds = typing.get_type_hints(arguments_class)
    names: list[str] = []
    for field in dataclasses.fields(arguments_class):
        name = option_name(arguments_class, field.name)
        names += [name] if name else option_names(kinds[field.name])
    return names


def build(
    arguments_class: Any, values: Mapping[str, Any], defaults: Mapping[str, Any], origin: str, checked: bool = True
) -> Any:
    """An instance of a (nested) dataclass from YAML values over defaults; what neither gives is tyro.MISSING.

    Both are named as the options are: those of settings that are nested without a name stand beside the others.
    Where words of the command line may still change the values, they are not `checked` by the dataclass. Raises
    ValueError for an option that the dataclass does not have.
    """
    values = {str(name).replace("-", "_"): value for name, value in values.items()}
    options = option_names(arguments_class)
    unknown = sorted(set(values) - set(options))
    if unknown:
        raise ValueError(f"{origin}: unknown options {shown(unknown)}; expected some of {', '.join(options)}")
    kinds = typing.get_type_hints(arguments_class)
    built: dict[str, Any] = {}
    for field in dataclasses.fields(arguments_class):
        name, kind, start = option_name(arguments_class, field.name), kinds[field.name], field_default(field)
        if not name:
            within = set(option_names(kind))
            inner = {} if start is tyro.MISSING else options_of(start)
            inner |= {option: default for option, default in defaults.items() if option in within}
            given = {option: value for option, value in values.items() if option in within}
            built[field.name] = build(kind, given, inner, origin, checked)
            continue
        start = defaults.get(name, start)
        built[field.name] = convert(start, values[name], kind, f"{origin}: {name}") if name in values else start
    return arguments_class(**built) if checked else unchecked(arguments_class, built)


def unchecked(settings_class: Any, values: Mapping[str, Any]) -> Any:
    """An instance of a dataclass that was not asked whether its values go together."""
    settings = object.__new__(settings_class)
    for name, value in values.items():
        object.__setattr__(settings, name, value)
    return settings


def field_default(field: dataclasses.Field[Any]) -> Any:
    """The default of a dataclass field, tyro.MISSING if it has none."""
    if field.default is not dataclasses.MISSING:
        return field.default
    return tyro.MISSING if field.default_factory is dataclasses.MISSING else field.default_factory()


def options_of(settings: Any, whole: bool = True) -> dict[str, Any]:
    """The values of a dataclass by option, those of settings that are nested without a name among the others.

    If not `whole`, without those that are marked OMITTED_WHILE_DEFAULT (training/checkpoint.py) and at their default.
    """
    values: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        name, value = option_name(type(settings), field.name), getattr(settings, field.name)
        if whole or not field.metadata.get("omitted_while_default") or value != field.default:
            values |= {name: value} if name else options_of(value, whole)
    return values


def convert(default: Any, value: Any, kind: Any, origin: str) -> Any:
    """A YAML value as what the field holds: nested dataclasses field by field, lists as tuples, text as paths.

    Raises ValueError for a value of another kind.
    """
    if isinstance(kind, types.UnionType):
        if value is None:
            return None
        kind = next(one for one in typing.get_args(kind) if one is not type(None))
    if dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        return build(kind, value, {} if default is tyro.MISSING else options_of(default), origin)
    if typing.get_origin(kind) is tuple and isinstance(value, list):
        return tuple(convert(None, one, typing.get_args(kind)[0], origin) for one in value)
    if kind in (int, float) and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        if kind is int and isinstance(value, int):
            return value
        number = as_number(value)  # text too: YAML takes 1e-3, without a point, for text
        if kind is float and number is not None:
            return number
        if number is not None and number.is_integer():
            return int(number)
    if kind in (str, Path) and isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return kind(str(value))
    if kind is bool and isinstance(value, bool):
        return value
    raise ValueError(f"{origin} is {shown(value)}; expected {expected(kind)}")


def as_number(value: int | float | str) -> float | None:
    """A number, or text that is one, as float; None for other text."""
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def expected(kind: Any) -> str:
    """The kind of YAML value that is expected, in words."""
    if dataclasses.is_dataclass(kind):
        return "options by name, one a line"
    if typing.get_origin(kind) is tuple:
        return "a list, such as [1, 2]"
    words = {int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}
    return words.get(kind, "text (in quotes, if YAML takes it for something else, such as no or on)")


def plain(settings: Any) -> Any:
    """A settings dataclass as plain values that YAML and JSON can hold, by option: its YAML can be a --config."""
    if dataclasses.is_dataclass(settings) and not isinstance(settings, type):
        return {name: plain(value) for name, value in options_of(settings, whole=False).items()}
    if isinstance(settings, (tuple, list)):
        return [plain(value) for value in settings]
    if isinstance(settings, Mapping):
        return {str(name): plain(value) for name, value in settings.items()}
    return str(settings) if isinstance(settings, Path) else settings
