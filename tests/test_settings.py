"""Every dataclass of settings in the package refuses values that cannot be."""

import dataclasses
import importlib
import math
import typing
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vqecg.records.bounds import Checked, check_value, field_kinds

CHECKOUT = Path(__file__).resolve().parent.parent
ROOMS = ("records", "training", "tokenizer", "prior", "evaluation", "downstream", "scripts")
WRONG = {
    "nan": math.nan,
    "inf": math.inf,
    "minus one": -1,
    "1e30": 1e30,
    "ten to the 400": 10**400,
    "true": True,
    "text": "x",
    "list": [1],
    "none": None,
}
SETTINGS = ("Settings", "Config", "Training", "Shape", "Step", "Arguments", "Options", "Spec", "Split", "Subset")
FOLDS = ("train", "validation", "test", "folds")  # compared with 1 to 10, or with the folds of the store


@cache
def all_dataclasses() -> dict[str, type]:
    """Every dataclass of the package, by module and name."""
    there = {}
    for room in ROOMS:
        for path in sorted((CHECKOUT / room).rglob("*.py")):
            name = ".".join(("vqecg", *path.relative_to(CHECKOUT).with_suffix("").parts)).removesuffix(".__init__")
            module = importlib.import_module(name)
            for one in vars(module).values():
                if isinstance(one, type) and dataclasses.is_dataclass(one) and one.__module__ == name:
                    there[f"{name}.{one.__qualname__}"] = one
    return there


def settings_classes() -> dict[str, Any]:
    return {name: one for name, one in all_dataclasses().items() if issubclass(one, Checked)}


def numbers_in(kind: Any) -> list[type]:
    """The numeric types within an annotation."""
    if typing.get_origin(kind) is not None:
        return [one for part in typing.get_args(kind) for one in numbers_in(part)]
    return [kind] if kind in (int, float) else []


def numeric_fields(one: Any) -> list[str]:
    """The fields with numbers that a class itself has; inherited ones are those of its base."""
    return [name for name, kind in field_kinds(one).items() if name in one.__annotations__ and numbers_in(kind)]


def example(one: Any) -> Any:
    """An instance of a settings class, its required fields filled in."""
    fill = {Path: Path("folder"), str: "label", tuple[str, ...]: ("a", "b"), int: 100, tuple[float, ...]: (0.5,)}
    kinds = typing.get_type_hints(one)
    values = {}
    for field in dataclasses.fields(one):
        kind = kinds[field.name]
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            whole = tuple[int, ...]
            values[field.name] = (
                example(kind) if dataclasses.is_dataclass(kind) else (1,) if kind == whole else fill[kind]
            )
    return one(**values | ({"class_names": ("a", "b")} if "class_names" in kinds else {}))


CASES = [
    pytest.param(one, name, wrong, id=f"{path.removeprefix('vqecg.')}-{name}-{label}")
    for path, one in settings_classes().items()
    for name in numeric_fields(one)
    for label, wrong in WRONG.items()
    if not (wrong is None and type(None) in typing.get_args(field_kinds(one)[name]))
]


@pytest.mark.bad_input("settings")
@pytest.mark.parametrize("one, name, wrong", CASES)
def test_a_number_that_cannot_be_is_refused_by_the_settings(one: Any, name: str, wrong: Any):
    start = example(one)
    several = isinstance(getattr(start, name), tuple)
    with pytest.raises(ValueError, match="expected"):
        dataclasses.replace(start, **{name: (wrong,) if several else wrong})


@pytest.mark.bad_input("settings")
@pytest.mark.parametrize("path", settings_classes())
def test_text_and_switches_take_no_number(path: str):
    start = example(settings_classes()[path])
    for name, kind in field_kinds(type(start)).items():
        plain = typing.get_args(kind)[0] if typing.get_origin(kind) is typing.Annotated else kind
        if plain in (str, bool):
            with pytest.raises(ValueError, match="expected"):
                dataclasses.replace(start, **{name: 1})


def test_every_number_of_the_settings_has_bounds():
    free = [
        f"{path}.{name}: {kind}"
        for path, one in settings_classes().items()
        for name, kind in field_kinds(one).items()
        if numbers_in(kind) and name not in FOLDS and "Between" not in repr(kind)
    ]
    assert free == [], "give them a kind of number from records/bounds.py"


def test_what_is_named_as_settings_is_checked():
    named = {
        path: one
        for path, one in all_dataclasses().items()
        if one.__name__.endswith(SETTINGS) and one.__name__ != "NearerToTraining"
    }
    unchecked = [path for path, one in named.items() if not issubclass(one, Checked)]
    assert len(named) > 40 and unchecked == [], "derive settings from vqecg.records.bounds.Checked"


def test_numbers_of_numpy_and_whole_ones_for_any_pass():
    check_value("scale", 1, float)
    check_value("seed", np.int64(3), int)
    check_value("scale", np.float32(0.5), float)
    with pytest.raises(ValueError, match="whole number"):
        check_value("seed", np.bool_(True), int)
