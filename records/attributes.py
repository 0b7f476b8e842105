"""The attributes of a patient beside the labels, such as age and sex; a generated record may be conditioned on them.

An attribute is a column of every record table. To add one, register it here or in an extension: readers of tables (a
csv, ptbxl_database.csv, a header's comments) find its values by its name, or by `derive` from their other columns.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from vqecg.records.bounds import as_float, shown
from vqecg.records.registry import Registry

UNKNOWN = ("", "nan", "none", "null", "na", "n/a", "unknown", "unknow", "unknows", "?")  # as publishers spell it


@dataclass(frozen=True)
class Attribute:
    """A number with a unit (`categories` empty, NaN = unknown), or one of several categories."""

    name: str  # the column's name
    unit: str = ""  # of a number, such as "years"
    categories: tuple[str, ...] = ()  # of a category; the first one means unknown
    spellings: Mapping[str, str] = field(default_factory=dict)  # other spellings, in lower case -> category
    highest: float = math.inf  # a number above it is refused; one below 0 is unknown
    special: Mapping[float, float] = field(default_factory=dict)  # number that publishers write -> what it stands for
    scale: float = 1.0  # models see number / scale - offset
    offset: float = 0.0
    step: float = 1.0  # to which numbers are rounded in a generator's table of conditions
    derive: Callable[[Mapping[str, str]], Any] | None = (
        None  # value from the other cells, where its own is empty or missing
    )

    @property
    def is_number(self) -> bool:
        """True for a number, False for a category."""
        return not self.categories

    @property
    def unknown(self) -> float | str:
        """The value of a record that does not have it."""
        return math.nan if self.is_number else self.categories[0]

    def is_unknown(self, value: Any) -> bool:
        """True for the value of a record that does not have it."""
        return math.isnan(float(value)) if self.is_number else bool(value == self.categories[0])

    def check(self, value: Any) -> None:
        """Raises ValueError for a value that the attribute cannot have."""
        if self.is_number:
            number = as_float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.inf
            if not (math.isnan(number) or 0 <= number <= self.highest):
                given = f"{number:g}" if math.isfinite(number) else shown(value)
                raise ValueError(
                    f"{self.name} {given}, expected 0 to {self.highest:g} {self.unit}, nan where it is unknown"
                )
        elif value not in self.categories:
            raise ValueError(f"{self.name} {value!r}, expected one of {', '.join(sorted(self.categories))}")

    def parse(self, text: str) -> Any:
        """The value that a cell means, in any spelling: "56.0" -> 56.0, " F" -> "female", "" and "n/a" -> unknown.

        A number below 0 is unknown, and a special one is what it stands for. Raises ValueError for other text and for a
        number above the highest.
        """
        word = text.strip().lower()
        if word in UNKNOWN:
            return self.unknown
        if not self.is_number:
            value = self.spellings.get(word, word)
            if value not in self.categories:
                words = ", ".join((*self.categories[1:], *self.spellings))
                raise ValueError(f"{self.name} {text!r}, expected {words}, unknown or nothing")
            return value
        unit = f" {self.unit}" if self.unit else ""
        try:
            number = float(word)
        except ValueError:
            raise ValueError(f"{self.name} {text!r}, expected a number{unit}, or nothing if unknown") from None
        if number in self.special:
            return self.special[number]
        if number > self.highest or math.isinf(number):
            also = "".join(f" (or {key:g}, which stands for {value:g})" for key, value in self.special.items())
            raise ValueError(f"{self.name} {text!r}, expected at most {self.highest:g}{unit}{also}")
        return number if number >= 0 else math.nan

    def of_row(self, cells: Mapping[str, str]) -> Any:
        """The value from a row of text cells by column: its cell parsed, else derived from others, else unknown.

        An empty cell counts as none. Raises ValueError for a cell that does not parse.
        """
        if cells.get(self.name, "").strip():
            return self.parse(cells[self.name])
        return self.unknown if self.derive is None else self.derive(cells)

    def text(self, value: Any) -> str:
        """The value as a cell of a table or header, "" where it is unknown."""
        if self.is_unknown(value):
            return ""
        return f"{float(value):g}" if self.is_number else str(value)

    def encode(self, values: Sequence[Any] | np.ndarray) -> np.ndarray:
        """Values (records,) as a model takes them: float32 numbers with NaN, or int64 places among the categories."""
        if self.is_number:
            return np.asarray(values, np.float32)
        return np.array([self.categories.index(value) for value in values], np.int64)


ATTRIBUTES: Registry[Attribute] = Registry("attribute")
USUAL_ATTRIBUTES = ("age", "sex")  # those that nearly every data set has

for _rank, _attribute in enumerate(
    (
        Attribute(
            "age",
            unit="years",
            highest=125.0,
            special={300.0: 90.0},  # PTB-XL and the Challenge's copies of it: over 89 (HIPAA)
            scale=50.0,
            offset=1.0,
            step=5.0,
        ),
        Attribute(
            "sex",
            categories=("unknown", "female", "male"),
            spellings={"f": "female", "woman": "female", "m": "male", "man": "male"},
        ),
    )
):
    ATTRIBUTES.register(_attribute.name, _rank)(_attribute)


def with_unknown(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """A value for every registered attribute, in their order, unknown where none is given.

    Raises ValueError for a name that is not registered and for a value that an attribute cannot have.
    """
    for name, value in attributes.items():
        ATTRIBUTES.get(name).check(value)
    return {name: attributes.get(name, attribute.unknown) for name, attribute in ATTRIBUTES}


def attributes_of_row(cells: Mapping[str, str]) -> dict[str, Any]:
    """Every registered attribute from a row of text cells by column. Raises ValueError as `Attribute.of_row` does."""
    return {name: attribute.of_row(cells) for name, attribute in ATTRIBUTES}
