"""The attributes of a patient beside the labels, such as age and sex; a generated record may be conditioned on them.

An attribute is a column of every record table. To add one, register it here or in an extension: readers of tables (a
csv, ptbxl_database.csv, a header's comments) find its values by its name, or by `derive` from their other columns.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from vqecg.records.bounds import as_float, shown
from vqecg.records.registry import Registry

UNKNOWN = (  # as publishers spell it
    "", "nan", "none", "null", "na", "n/a", "n.a.", "<na>", "#n/a", "unknown", "unknow", "unknows", "missing", "?", "-"
)  # fmt: skip

# A number, with a point or comma for its decimals, and perhaps the unit: 60, 63,5, 060Y, 18 months.
_NUMBER = re.compile(r"(?P<number>[-+]?[0-9]+(?:[.,][0-9]*)?(?:e[-+]?[0-9]{1,3})?)\s*(?P<unit>[a-z./0-9]*)")
_THOUSANDS = re.compile(r"[-+]?[0-9]{1,3},[0-9]{3}")  # 3,500 may be three and a half or some thousands


@dataclass(frozen=True)
class Attribute:
    """A number with a unit (`categories` empty, NaN = unknown), or one of several categories."""

    name: str  # the column's name
    unit: str = ""  # of a number, such as "years"
    categories: tuple[str, ...] = ()  # of a category; the first one means unknown
    spellings: Mapping[str, str] = field(default_factory=dict)  # other spellings, in lower case -> category
    highest: float = math.inf  # a number above it is refused, as one below 0 is; -1 stands for unknown
    units: Mapping[str, float] = field(default_factory=dict)  # other unit in lower case -> how many of `unit` it is
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

        A number may have a comma for its point and carry a unit ("060Y", "18 months"); -1 is unknown, and a special
        number is what it stands for. Raises ValueError for other text and for a number below 0 or above the highest.
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
        number = self._number(word)
        if number == -1:
            return self.unknown
        if number in self.special:
            return self.special[number]
        if not 0 <= number <= self.highest:
            unit = f" {self.unit}" if self.unit else ""
            also = "".join(f" (or {key:g}, which stands for {value:g})" for key, value in self.special.items())
            raise ValueError(f"{self.name} {text!r}, expected 0 to at most {self.highest:g}{unit}{also}")
        return number

    def _number(self, word: str) -> float:
        """The number that a word in lower case says, in `unit`. ValueError: it says none, or has another unit."""
        parts = _NUMBER.fullmatch(word)
        factors = {"": 1.0, self.unit.lower(): 1.0, **self.units}
        if parts is None or parts["unit"] not in factors or _THOUSANDS.fullmatch(parts["number"]):
            unit = f" of {self.unit}" if self.unit else ""
            raise ValueError(f"{self.name} {word!r}, expected a number{unit}, or nothing if unknown")
        return float(parts["number"].replace(",", ".")) * factors[parts["unit"]]

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
            units={  # as DICOM (060Y, 018M, 003W, 012D) and people write it
                **dict.fromkeys(("y", "yr", "yrs", "year", "y.o.", "yo"), 1.0),
                **dict.fromkeys(("m", "mo", "month", "months"), 1 / 12),
                **dict.fromkeys(("w", "wk", "week", "weeks"), 7 / 365.25),
                **dict.fromkeys(("d", "day", "days"), 1 / 365.25),
            },
            scale=50.0,
            offset=1.0,
            step=5.0,
        ),
        Attribute(
            "sex",
            categories=("unknown", "female", "male"),
            spellings={"f": "female", "woman": "female", "m": "male", "man": "male", "u": "unknown"},
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


class AttributeTally:
    """Reads the attributes of a data set's rows: a cell that cannot be one costs that value alone, and is counted."""

    def __init__(self, columns: Mapping[str, str] | None = None) -> None:
        """Nothing is counted yet; `columns` has the columns that are not called by the name of their attribute."""
        self._columns = dict(columns or {})
        self._lines: dict[str, int] = {}  # attribute -> line of its first odd cell
        self._odd: dict[str, Counter[str]] = {}
        self._cells: Counter[str] = Counter()  # attribute -> rows with a cell of text for it

    def of_row(self, cells: Mapping[str, str], line: int | None = None) -> dict[str, Any]:
        """Every registered attribute from a row of text cells by column, unknown where its cell cannot be one.

        `line` is that of the row, where there is one to be named.
        """
        values: dict[str, Any] = {}
        for name, attribute in ATTRIBUTES:
            text = cells.get(name, "").strip()
            try:
                values[name] = attribute.of_row(cells)
                odd = attribute.is_number and attribute.is_unknown(values[name]) and text.lower() not in UNKNOWN  # -1
            except ValueError:
                values[name], odd = attribute.unknown, True
            self._cells[name] += bool(text)
            if odd and text:
                self._odd.setdefault(name, Counter())[text] += 1
                if line is not None:
                    self._lines.setdefault(name, line)
        return values

    def check_columns(self, rows: int = 10) -> None:
        """Raises ValueError where most cells of an attribute cannot be one, `rows` or more: the column holds others."""
        for name, counts in self._odd.items():
            if counts.total() >= rows and 2 * counts.total() > self._cells[name]:
                raise ValueError(
                    f"{counts.total():,} of {self._cells[name]:,} cells of the column {self._columns.get(name, name)} "
                    f"cannot be {_article(name)} {name} ({_examples(counts)}{self._place(name)}): it probably holds "
                    "something else"
                )

    @property
    def note(self) -> str:
        """The counts, for a description: "; 3 records with an age that cannot be (999, old): unknown"."""
        return "".join(
            f"; {counts.total():,} {'record' if counts.total() == 1 else 'records'} with {_article(name)} {name} "
            f"that cannot be ({_examples(counts)}{self._place(name)}): unknown"
            for name, counts in self._odd.items()
        )

    def _place(self, name: str) -> str:
        """The line of the first odd cell of an attribute, "" where lines are not known."""
        return f"; the first in line {self._lines[name]}" if name in self._lines else ""


def printable(text: str) -> str:
    """A text for messages: one with control characters, which may move a terminal's cursor, is escaped."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _article(word: str) -> str:
    """The article before a word."""
    return "an" if word[:1] in "aeiou" else "a"


def _examples(counts: Counter[str]) -> str:
    """The commonest texts, short and in one line."""
    texts = [printable(text) for text, _ in counts.most_common(3)]
    return ", ".join(text if len(text) <= 20 else text[:17] + "..." for text in texts) + (
        ", ..." if len(counts) > 3 else ""
    )
