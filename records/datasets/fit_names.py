"""The last look at a table that a reader made: a record with an id or label that no file should hold is left out."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vqecg.records.plain_names import shown, unfit
from vqecg.records.record import LeftOut, RecordTable
from vqecg.records.unknown_labels import COLUMN


def with_fit_names(table: RecordTable) -> RecordTable:
    """The table without the records whose id, patient or a label is `unfit`; they are listed and noted.

    Raises ValueError, with the first reason, when no record is left.
    """
    left_out, fit = list[LeftOut](), []
    for row in table.records.itertuples(index=False):
        reasons = [f"{name} {reason}" for name, reason in unfit_names(row)]
        fit.append(not reasons)
        if reasons:
            left_out.append(LeftOut(shown(str(row.record_id)), "unreadable", reasons[0]))
    if not left_out:
        return table
    if not any(fit):
        raise ValueError(f"no record has a fit name: {left_out[0].detail}")
    note = f"{len(left_out):,} records left out for names that no file should hold; the first: {left_out[0].detail}"
    return replace(
        table,
        records=table.records[fit].reset_index(drop=True),
        left_out=(*table.left_out, *left_out),
        notes=(*table.notes, note),
    )


def unfit_names(row: Any) -> Iterator[tuple[str, str]]:
    """Each thing of a row (a namedtuple) whose name is unfit, and the reason."""
    for column, name in (("record_id", row.record_id), ("patient_id", row.patient_id)):
        if reason := unfit(name):
            yield column, reason
    for label in (*row.statements, *getattr(row, COLUMN, ())):
        if reason := unfit(str(label)):
            yield "the label", reason
