"""Labels that nobody has given: unknown is not absent, and a table says of each record what is unknown.

The column `unknown` of a record table holds names of statements; EVERYTHING stands for all that the record does not
carry. A table without the column has no unknown labels.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

COLUMN = "unknown"
EVERYTHING = "*"  # every statement that the record does not carry


def unknown_of(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """The statements of unknown presence, of each record of a table."""
    return [()] * len(table) if COLUMN not in table else list(table[COLUMN])


def without_labels(table: pd.DataFrame) -> np.ndarray:
    """True for the records of which no label is known: (records,) bool."""
    pairs = zip(unknown_of(table), table["statements"] if COLUMN in table else [()] * len(table), strict=True)
    return np.array([EVERYTHING in unknown and not statements for unknown, statements in pairs], bool)


def with_unknown_column(table: pd.DataFrame, unknown: Sequence[tuple[str, ...]]) -> pd.DataFrame:
    """A copy of a table whose column of unknown statements, the last one, is this."""
    column = pd.Series(list(unknown), table.index, dtype=object)
    return table.drop(columns=COLUMN, errors="ignore").assign(**{COLUMN: column})


def check_unknown(table: pd.DataFrame) -> None:
    """Raises ValueError for values that are no tuples of names, and for a statement both there and unknown."""
    for place, (unknown, statements) in enumerate(zip(unknown_of(table), table["statements"], strict=True)):
        if not _are_names(unknown):
            raise ValueError(
                f"column {COLUMN} holds {str(unknown)[:60]!r} in row {place}, expected a tuple of names of statements: "
                f"() for none, ({EVERYTHING!r},) for all"
            )
        both = sorted(set(unknown) & set(statements))
        if both:
            raise ValueError(
                f"row {place} has the statement {both[0]!r} and calls it unknown; expected one or the other"
            )


def _are_names(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(name, str) and name for name in value)
