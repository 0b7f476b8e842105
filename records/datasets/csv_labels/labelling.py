"""The labels of the rows of a csv, from columns of names and from columns of one label each."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from vqecg.records.datasets.csv_labels.cells import LabelCell, form_text, likelihoods, read_cell
from vqecg.records.datasets.csv_labels.columns import ColumnRoles
from vqecg.records.datasets.csv_labels.empty_cells import EmptyCells
from vqecg.records.datasets.csv_labels.names import listing
from vqecg.records.datasets.csv_labels.one_hot import ABSENT, PRESENT, presence
from vqecg.records.datasets.csv_labels.spellings import clean_label, merged_text, one_spelling
from vqecg.records.unknown_labels import EVERYTHING


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
    rows: pd.DataFrame, numbers: Sequence[int], roles: ColumnRoles, empty_labels: str = ""
) -> tuple[list[dict[str, float]], list[tuple[str, ...]], list[str]]:
    """The labels of every row, the unknown ones of every row, and notes on them for people.

    Labels are statement -> likelihood in percent (0: unknown).

    Args:
        rows: text cells, the line of each row as index.
        numbers: the places of the rows in the whole csv, of which `roles.one_hot` has the cells.
        roles: the columns of labels.
        empty_labels: the meaning of empty cells, see wfdb_folder.read_folder.

    Raises:
        ValueError: a cell that does not parse (names line and column), empty cells whose meaning is not said, or no row
            has a label.
    """
    statements: list[dict[str, float]] = [{} for _ in range(len(rows))]
    if not (roles.label_cells or roles.one_hot):
        return statements, [(EVERYTHING,)] * len(rows), []
    empty = EmptyCells(list(rows.index))
    notes = []
    for column in roles.label_cells:
        cells: list[LabelCell] = read_cells(rows[column], read_cell)
        read, dicts = likelihoods(cells, list(rows.index))
        notes.append(f"labels: {column!r}, {form_text(cells, dicts)}")
        for number, cell in enumerate(cells):
            empty.add(number, column, [EVERYTHING] if cell == LabelCell() else _without_value(cell))
        for merged, of_row in zip(statements, read, strict=True):
            merged.update({label: max(likelihood, merged.get(label, 0.0)) for label, likelihood in of_row.items()})
    if roles.one_hot:
        notes.append(f"labels: one column each, {listing(list(roles.one_hot), 80)}")
    for column, flag in roles.one_hot.items():
        name = clean_label(column)
        for place, (merged, number) in enumerate(zip(statements, numbers, strict=True)):
            if flag.values[number]:
                merged.setdefault(name, 0.0)
            empty.add(place, column, [name] if flag.values[number] is None else [])
    if not roles.label_cells:
        bare = [all(flag.values[number] is None for flag in roles.one_hot.values()) for number in numbers]
        for place in (place for place, one in enumerate(bare) if one):
            empty.add(place, next(iter(roles.one_hot)), [EVERYTHING])
    known = read_cells(rows[roles.labels_known], _is_known) if roles.labels_known else None
    unknown, said = empty.meaning(empty_labels, known)
    notes += said
    spelling = one_spelling(label for of_row in statements for label in of_row)
    notes += filter(None, [merged_text(spelling)])
    statements = [_respelled(of_row, spelling) for of_row in statements]
    folded = {label.casefold(): label for label in spelling.values()}
    unknown = [
        tuple(name for name in (folded.get(name.casefold(), name) for name in names) if name not in of_row)
        for names, of_row in zip(unknown, statements, strict=True)
    ]
    without = sum(not of_row and not names for of_row, names in zip(statements, unknown, strict=True))
    if without == len(rows):
        raise ValueError(f"no row has a label in {listing([*roles.label_cells, *roles.one_hot])}; expected some")
    if without:
        notes.append(f"{without:,} of {len(rows):,} records have no label")
    return statements, unknown, notes + _doubtful(list(dict.fromkeys(spelling.values())))


def _is_known(cell: str) -> bool:
    """True where the labels of a row are known. ValueError: the cell is neither 1 nor 0."""
    known = presence(cell)
    if known is None:
        raise ValueError(f"{cell!r}, expected 1 where the labels are known and 0 where they are not")
    return known


def _without_value(cell: LabelCell) -> list[str]:
    """The names in a dict of labels that have no value."""
    return [name for name, value in cell.values if value is None]


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
