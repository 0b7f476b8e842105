"""Cells of labels with nothing in them: no label, or one that nobody gave? The user says which; it is not guessed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from vqecg.records.datasets.reader import ABSENT, EMPTY_LABELS, UNKNOWN
from vqecg.records.unknown_labels import EVERYTHING


@dataclass
class EmptyCells:
    """The labels that empty cells leave open, row by row."""

    lines: Sequence[int]  # of the rows in the csv
    names: dict[int, dict[str, None]] = field(default_factory=dict)  # number of a row -> labels that are open
    first: str = ""  # line and column of the first such cell

    def add(self, row: int, column: str, names: Sequence[str]) -> None:
        """Notes the labels that a cell of a row leaves open, EVERYTHING for all."""
        if names:
            self.names.setdefault(row, {}).update(dict.fromkeys(names))
            self.first = self.first or f"line {self.lines[row]}, column {column!r}"

    def meaning(self, empty_labels: str, known: Sequence[bool] | None) -> tuple[list[tuple[str, ...]], list[str]]:
        """The unknown labels of every row, and notes for people.

        `known` is True for the rows whose labels are known, None where no column says so. Raises ValueError for empty
        cells of which neither says what they mean, and where both do.
        """
        rows = range(len(self.lines))
        if empty_labels not in ("", *EMPTY_LABELS):
            raise ValueError(f"empty_labels is {empty_labels!r}; expected one of {', '.join(EMPTY_LABELS)}, or ''")
        if known is not None:
            if empty_labels:
                raise ValueError(
                    f"the column labels_known says which labels are known, and so does empty_labels {empty_labels!r}; "
                    "expected one of them: leave out --empty-labels"
                )
            count = sum(not one for one in known)
            return [() if one else (EVERYTHING,) for one in known], [f"the labels of {count:,} records are unknown"]
        if not self.names:
            return [()] * len(rows), []
        if not empty_labels:
            raise ValueError(
                f"{len(self.names):,} of {len(rows):,} rows have an empty cell of labels, the first: {self.first} "
                f"(nan and -1 count as empty); expected to be told what that means: --empty-labels {ABSENT} (the "
                f"record was looked at and does not have it) or --empty-labels {UNKNOWN} (nobody said), or a column "
                "labels_known of 0 and 1"
            )
        if empty_labels == ABSENT:
            return [()] * len(rows), [f"empty cells of labels in {len(self.names):,} rows count as no label"]
        unknown = [(EVERYTHING,) if EVERYTHING in (open_ := self.names.get(row, {})) else tuple(open_) for row in rows]
        whole = sum(names == (EVERYTHING,) for names in unknown)
        return unknown, [
            f"empty cells of labels are unknown labels: of {whole:,} records all that is not there, of "
            f"{len(self.names) - whole:,} some"
        ]
