"""Labels that a store knows and that are hidden on purpose, as if nobody had given them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vqecg.records.unknown_labels import EVERYTHING, unknown_of, with_unknown_column


@dataclass(frozen=True)
class HiddenLabels:
    """Rows of a table with all labels hidden, and rows with some; nothing by default. Small: it goes to processes."""

    why: str = ""  # who hides them, in words
    all_labels: bytes = b""  # (rows,) int64 as bytes: nothing of these records is known
    some_labels: bytes = b""  # (rows,) int64 as bytes: of these, `statements` are unknown
    statements: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.all_labels or self.some_labels)

    @classmethod
    def of(cls, why: str, all_labels: np.ndarray, some_labels: np.ndarray, statements: tuple[str, ...]) -> HiddenLabels:
        """From rows (records,) int64 of a table."""
        return cls(why, all_labels.astype(np.int64).tobytes(), some_labels.astype(np.int64).tobytes(), statements)

    def mask(self, table: pd.DataFrame) -> pd.DataFrame:
        """A copy of a table in which these labels are unknown, and what is known of them is gone."""
        statements, unknown = table["statements"].tolist(), unknown_of(table)
        for row in np.frombuffer(self.all_labels, np.int64):
            statements[row], unknown[row] = {}, (EVERYTHING,)
        secret, alone = set(self.statements), tuple(sorted(self.statements))
        for row in np.frombuffer(self.some_labels, np.int64):
            statements[row] = {name: value for name, value in statements[row].items() if name not in secret}
            unknown[row] = tuple(sorted({*unknown[row], *secret})) if unknown[row] else alone
        masked = table.assign(statements=pd.Series(statements, table.index, dtype=object))
        return with_unknown_column(masked, unknown)


NOTHING_HIDDEN = HiddenLabels()
