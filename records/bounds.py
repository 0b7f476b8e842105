"""Bounds of settings: the kinds of numbers that settings are, and one check of all fields of a settings dataclass.

A dataclass of settings derives from `Checked`; the annotation of a field says what it can be: `width: Size = 128`.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from typing import Annotated, Any


@dataclass(frozen=True)
class Between:
    """The range of a number; a bound that is `open` is itself outside."""

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    def holds(self, number: float) -> bool:
        """True for a number within; never for NaN."""
        above = self.low < number if self.open_low else self.low <= number
        return above and (number < self.high if self.open_high else number <= self.high)

    def __str__(self) -> str:
        if not self.open_low and not self.open_high:
            return f"from {self.low:,} to {self.high:,}"
        low = f"{'above' if self.open_low else 'of at least'} {self.low:,}"
        return f"{low} and {'below' if self.open_high else 'at most'} {self.high:,}"


# metadata of a setting that came after models had been trained: while it has its default, which is what those models
# were made with, it is not part of the fingerprint, or of the identity of a run, so that theirs stay what they were
OMITTED_WHILE_DEFAULT = types.MappingProxyType({"omitted_while_default": True})

MOST = 10**9  # of anything that is counted
LARGEST_SEED = 2**63 - 1  # what torch, numpy and the columns of tables can all hold

Count = Annotated[int, Between(1, MOST)]  # of records, steps, draws
CountOrNone = Annotated[int, Between(0, MOST)]  # where 0 means none, or off
Size = Annotated[int, Between(1, 2**16)]  # of a layer: channels, units, heads, samples of a kernel
Codes = Annotated[int, Between(2, 2**20)]  # of a codebook
Depth = Annotated[int, Between(1, 1000)]  # layers, levels, blocks
DepthOrNone = Annotated[int, Between(0, 1000)]
BatchSize = Annotated[int, Between(1, 2**20)]  # records at a time
Workers = Annotated[int, Between(1, 512)]  # processes or threads at a time
Seed = Annotated[int, Between(0, LARGEST_SEED)]
DerivedSeed = Annotated[int, Between(0, 2**64 - 1)]  # made from another; kept nowhere, so any that torch takes
Hertz = Annotated[int, Between(1, 100_000)]  # samples a second
HertzOrNone = Annotated[int, Between(0, 100_000)]  # where 0 means the usual rate
Seconds = Annotated[float, Between(0, 86_400, open_low=True)]
SecondsOrNone = Annotated[float, Between(0, 86_400)]  # where 0 means off
Degrees = Annotated[float, Between(0, 180)]  # of an angle
Share = Annotated[float, Between(0, 1)]
PositiveShare = Annotated[float, Between(0, 1, open_low=True)]
BelowOne = Annotated[float, Between(0, 1, open_high=True)]  # dropout, decay
InnerShare = Annotated[float, Between(0, 1, open_low=True, open_high=True)]
Percentile = Annotated[float, Between(0, 100)]
Weight = Annotated[float, Between(0, 10**6)]  # of a loss, or anything that 0 turns off
Positive = Annotated[float, Between(0, 10**6, open_low=True)]
Factor = Annotated[float, Between(0, 100)]  # guidance, or a temperature that may be 0
PositiveFactor = Annotated[float, Between(0, 100, open_low=True)]  # temperature
Spread = Annotated[float, Between(0, 10)]  # standard deviation of a logarithm; also a learning rate


class Checked:
    """The base of dataclasses of settings: every field holds what its annotation says, or ValueError is raised.

    A `__post_init__` of its own begins with that of this class.
    """

    def __post_init__(self) -> None:
        check_fields(self)


def check_fields(settings: Any) -> None:
    """Raises ValueError, naming the field, for a value of another kind than annotated, out of range or not finite."""
    settings_class: Any = type(settings)
    for name, kind in field_kinds(settings_class).items():
        check_value(name, getattr(settings, name), kind)


@cache
def field_kinds(settings_class: type) -> dict[str, Any]:
    """The annotation of each field of a dataclass, ranges among them."""
    kinds = typing.get_type_hints(settings_class, include_extras=True)
    return {field.name: kinds[field.name] for field in dataclasses.fields(settings_class)}


def check_value(name: str, value: Any, kind: Any, bounds: Between | None = None) -> None:
    """Raises ValueError for a value that is not of this kind; kinds that are no plain values are not looked at."""
    origin = typing.get_origin(kind)
    if origin is Annotated:
        inner, *marks = typing.get_args(kind)
        check_value(name, value, inner, next((mark for mark in marks if isinstance(mark, Between)), bounds))
    elif origin in (types.UnionType, typing.Union):
        options = typing.get_args(kind)
        if not (value is None and type(None) in options):
            check_value(name, value, next(one for one in options if one is not type(None)), bounds)
    elif origin is tuple and typing.get_args(kind)[1:] == (...,):
        if not isinstance(value, tuple):
            raise ValueError(f"{name} is {shown(value)}; expected a tuple (in a file: a list)")
        for one in value:
            check_value(name, one, typing.get_args(kind)[0], bounds)
    elif kind in (int, float):
        check_number(name, value, kind, bounds)
    elif kind in (str, bool) and not isinstance(value, kind):
        raise ValueError(f"{name} is {shown(value)}; expected {'text' if kind is str else 'true or false'}")
    elif (dataclasses.is_dataclass(kind) or origin is Mapping) and not isinstance(value, origin or kind):
        raise ValueError(f"{name} is {shown(value)}; expected {getattr(kind, '__name__', 'values by name')}")


def check_number(name: str, value: Any, kind: type, bounds: Between | None = None) -> None:
    """Raises ValueError unless a value is a number of that kind (int or float, no bool), finite and within bounds."""
    wanted = Integral if kind is int else Real
    number = as_float(value) if isinstance(value, wanted) and not isinstance(value, bool) else math.nan
    if math.isfinite(number) and (bounds is None or bounds.holds(value)):
        return
    within = "" if bounds is None else f" {bounds}"
    raise ValueError(f"{name} is {shown(value)}; expected a {'whole ' if kind is int else ''}number{within}")


def as_float(value: Any) -> float:
    """A number as float, infinite where it is too large for that."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def shown(value: Any) -> str:
    """A value as a message shows it, cut where it is long."""
    # Python refuses to write whole numbers of thousands of digits
    text = "a number of many digits" if isinstance(value, int) and abs(value) >= 10**100 else repr(value)
    return text if len(text) <= 100 else f"{text[:100]}..."
