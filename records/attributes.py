"""What is known of a patient beside the labels, and what a generated record may be asked to be: age, sex, and the like.

An attribute is a column of every record table. To add one, register it here or in an extension, and name in a reader
where its values come from; the csv of a WFDB folder is read by the attribute's name.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vqecg.records.registry import Registry


@dataclass(frozen=True)
class Attribute:
    """A number with a unit (`categories` empty, NaN = unknown), or one of several categories."""

    name: str  # the column's name
    unit: str = ""  # of a number, such as "years"
    categories: tuple[str, ...] = ()  # of a category; the first one means unknown
    spellings: Mapping[str, str] = field(default_factory=dict)  # other spellings, in lower case -> category
    highest: float = math.inf  # a number above it is refused; one below 0 is unknown
    scale: float = 1.0  # models see number / scale - offset
    offset: float = 0.0
    step: float = 1.0  # to which numbers are rounded in a generator's table of conditions

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers."""
        return not self.categories

    @property
    def unknown(self) -> float | str:
        """The value of a record that does not have it."""
        return math.nan if self.is_number else self.categories[0]

    def is_unknown(self, value: Any) -> bool:
        """True for the value of a record that does not have it."""
        return math.isnan(float(value)) if self.is_number else value == self.unknown

    def check(self, value: Any) -> None:
        """Raises ValueError for a value that the attribute cannot have."""
        if self.is_number:
            number = float(value)
            if not (math.isnan(number) or 0 <= number <= self.highest):
                raise ValueError(
                    f"{self.name} {number:g}, expected 0 to {self.highest:g} {self.unit}, nan where it is unknown"
                )
        elif value not in self.categories:
            raise ValueError(f"{self.name} {value!r}, expected one of {', '.join(self.categories)}")

    def encode(self, values: Sequence[Any] | np.ndarray) -> np.ndarray:
        """Values (records,) as a model takes them: float32 numbers with NaN, or int64 places among the categories."""
        if self.is_number:
            return np.asarray(values, np.float32)
        return np.array([self.categories.index(value) for value in values], np.int64)


ATTRIBUTES: Registry[Attribute] = Registry("attribute")

for _rank, _attribute in enumerate(
    (
        Attribute("age", unit="years", highest=125.0, scale=50.0, offset=1.0, step=5.0),
        Attribute(
            "sex",
            categories=("unknown", "female", "male"),
            spellings={"f": "female", "woman": "female", "m": "male", "man": "male"},
        ),
    )
):
    ATTRIBUTES.register(_attribute.name, _rank)(_attribute)
