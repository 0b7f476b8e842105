"""The labels of the rows of a csv, from columns of names and from columns of one label each."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from vqecg.records.datasets.csv_labels.cells import LabelCell, form_text, likelihoods, read_cell
from vqecg.records.datasets.csv_labels.columns import ColumnRoles
from vqecg.records.datasets.csv_labels.names import listing
from vqecg.records.datasets.csv_labels.one_hot import ABSENT, PRESENT
from vqecg.records.datasets.csv_labels.spellings import clean_label, merged_text, one_spelling


def read_cells(cells: pd.Series, read: Callable[[str], Any]) -> list[Any]:
    """The values of the cells of a column. ValueError names line and column of the first that does not parse."""
    values: dict[str, Any] = {}  # equal cells are read once
    for line, cell in cells.items():
        if cell not in values:
            try:
                values[cell] = read(cell)
            except ValueError as error:
                raise ValueError(f"line {line}: {error} (column {cells.name!r})") from error
    return [values[cell] for cell in cells]


def labels_of_rows(
    rows: pd.DataFrame, numbers: Sequence[int], roles: ColumnRoles
) -> tuple[list[dict[str, float]], list[str]]:
    """The labels of every row, statement -> likelihood in percent (0: unknown), and notes on them for people.

    Args:
        rows: text cells, the line of each row as index.
        numbers: the places of the rows in the whole csv, of which `roles.one_hot` has the cells.
        roles: the columns of labels.

    Raises:
        ValueError: a cell that does not parse (names line and column), or no row has a label.
    """
    statements: list[dict[str, float]] = [{} for _ in range(len(rows))]
    notes = []
    for column in roles.label_cells:
        cells: list[LabelCell] = read_cells(rows[column], read_cell)
        read, dicts = likelihoods(cells, list(rows.index))
        notes.append(f"labels: {column!r}, {form_text(cells, dicts)}")
        for merged, of_row in zip(statements, read, strict=True):
            merged.update({label: max(likelihood, merged.get(label, 0.0)) for label, likelihood in of_row.items()})
    if roles.one_hot:
        unknown = sum(flag.values[number] is None for flag in roles.one_hot.values() for number in numbers)
        notes.append(
            f"labels: one column each, {listing(list(roles.one_hot), 80)}"
            + (f"; {unknown:,} cells of unknown meaning or empty count as no label" if unknown else "")
        )
    for column, flag in roles.one_hot.items():
        name = clean_label(column)
        for merged, number in zip(statements, numbers, strict=True):
            if flag.values[number]:
                merged.setdefault(name, 0.0)
    spelling = one_spelling(label for of_row in statements for label in of_row)
    notes += filter(None, [merged_text(spelling)])
    statements = [_respelled(of_row, spelling) for of_row in statements]
    without = sum(not of_row for of_row in statements)
    if without == len(rows):
        raise ValueError(f"no row has a label in {listing([*roles.label_cells, *roles.one_hot])}; expected some")
    if without:
        notes.append(f"{without:,} of {len(rows):,} records have no label")
    return statements, notes + _doubtful(list(dict.fromkeys(spelling.values())))


def _respelled(statements: dict[str, float], spelling: dict[str, str]) -> dict[str, float]:
    """The labels of a record under the spellings that stand for them; of two the higher likelihood counts."""
    labels: dict[str, float] = {}
    for label, likelihood in statements.items():
        labels[spelling[label]] = max(likelihood, labels.get(spelling[label], 0.0))
    return labels


def _doubtful(labels: Sequence[str]) -> list[str]:
    """Warnings about names of labels, for people."""
    notes = []
    if {label.casefold() for label in labels} <= PRESENT | ABSENT | {"0", "1"}:
        notes.append(
            f"WARNING: the labels are {listing(sorted(labels))} alone and count as names; if one says that something "
            "is present, call the column by what it is, and name it with label_columns"
        )
    joined = [label for label in labels if "+" in label]
    if joined:
        notes.append(
            f"WARNING: {listing(joined, 5)}: a label with + in it cannot be a class of the task own; rename it"
        )
    return notes
