"""Records added to the real training records: drawn, judged, and drawn anew while a check rejects them."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vqecg.downstream.augmentation.plan import AdditionPlan
from vqecg.downstream.augmentation.verdict import Check, Verdict
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.files.json_file import reading
from vqecg.records.labels import LabelTask

if TYPE_CHECKING:
    from vqecg.prior.copies.gate import CopyGate

COPY, NOT_MADE, OTHER_LABELS = "near copy", "no aligned pair", "other labels"  # reasons of a rejection
TALLY_COLUMNS = ("class_name", "reason", "count")
DRAWN, ALL = "drawn", "all records"  # the rows of a tally that count all draws, and records of any class


@dataclass(frozen=True, eq=False)
class Additions:
    """The records that one method adds for a plan; row n of each field belongs to row n of the plan."""

    method: str  # the method's name
    signal: np.ndarray  # (records, 8, samples) float32 mV
    labels: np.ndarray  # (records, classes) float32, those of the plan: NaN where they are open
    parents: np.ndarray  # (records, 2) int64, rows of the store, -1 where there is none
    weight: np.ndarray  # (records,) float64 of the second parent, NaN without
    statements: tuple[dict[str, float], ...]  # that give the labels
    attributes: Mapping[str, np.ndarray]  # by name, (records,) each: float32 numbers or text
    passed: np.ndarray  # (records,) bool; False: every draw was rejected, and the last one stands here
    draws: np.ndarray  # (records,) int64, how many it took
    nearest: np.ndarray  # (records,) int64, row of the nearest training record, -1 without a gate
    distance: np.ndarray  # (records,) float64, waveform distance to it, NaN without a gate
    rejected: pd.DataFrame  # TALLY_COLUMNS: draws thrown away by class and reason, and all draws as "drawn"
    note: str  # for people

    def __len__(self) -> int:
        return len(self.signal)

    def only(self, chosen: np.ndarray) -> Additions:
        """The records at `chosen` (a mask or numbers); the tally stays that of all draws."""
        numbers = np.arange(len(self))[chosen]
        parts = {
            field.name: getattr(self, field.name)[numbers]
            for field in fields(self)
            if isinstance(getattr(self, field.name), np.ndarray)
        }
        statements = tuple(self.statements[number] for number in numbers)
        attributes = {name: values[numbers] for name, values in self.attributes.items()}
        return Additions(
            self.method,
            statements=statements,
            attributes=attributes,
            rejected=self.rejected,
            note=self.note,
            **parts,
        )

    def to_bytes(self) -> bytes:
        """As a .npz file, to be read with `read`."""
        arrays = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if isinstance(getattr(self, field.name), np.ndarray)
        }
        texts = {name: values.tolist() for name, values in self.attributes.items() if values.dtype == object}
        numbers = {name: values for name, values in self.attributes.items() if name not in texts}
        about = {
            "method": self.method,
            "note": self.note,
            "statements": self.statements,
            "rejected": self.rejected.to_dict("list"),
            **texts,
        }
        content = io.BytesIO()
        parts: dict[str, Any] = {**arrays, **numbers, "about": json.dumps(about)}
        np.savez(content, **parts)
        return content.getvalue()

    @classmethod
    def read(cls, path: Path) -> Additions:
        """The reverse of `to_bytes`, from a file."""
        with reading(path), path.open("rb") as opened, np.load(opened) as file:
            parts = {name: file[name] for name in file.files}
            about = json.loads(str(parts.pop("about")))
        rejected = pd.DataFrame(about["rejected"], columns=list(TALLY_COLUMNS))
        names = {field.name for field in fields(cls)}
        attributes = {name: parts.pop(name) for name in set(parts) - names}
        attributes |= {name: np.array(values, object) for name, values in about.items() if name not in names}
        return cls(about["method"], statements=tuple(about["statements"]), attributes=attributes, rejected=rejected,
                   note=about["note"], **parts)  # fmt: skip


def fill(
    method: str,
    plan: AdditionPlan,
    task: LabelTask,
    make: Callable[[np.ndarray, int], SyntheticRecords],
    note: str,
    attempts: int = 1,
    check: Check | None = None,
    gate: CopyGate | None = None,
) -> Additions:
    """Makes a record for each row of the plan, and again, at most `attempts` times, while it is rejected.

    `make(rows, attempt)` makes those of some rows of the plan (int64). The gate rejects before the check is asked.
    """
    first = make(np.arange(len(plan)), 0)
    arrays = {name: np.array(getattr(first, name)) for name in ("signal", "parents", "weight")}
    attributes = {name: np.array(values) for name, values in first.attributes.items()}
    statements = [dict(names) for names in first.statements]
    passed, draws = np.zeros(len(plan), bool), np.zeros(len(plan), np.int64)
    nearest, distance = np.full(len(plan), -1, np.int64), np.full(len(plan), np.nan)
    tally: Counter[tuple[str, str]] = Counter()
    for attempt in range(attempts):
        rows = np.flatnonzero(~passed)
        if not len(rows):
            break
        drawn = first if attempt == 0 else make(rows, attempt)
        for name, values in arrays.items():
            values[rows] = getattr(drawn, name)
        for name, values in attributes.items():
            values[rows] = drawn.attributes[name]
        for row, names in zip(rows, drawn.statements, strict=True):
            statements[row] = dict(names)
        near = None if gate is None else gate.nearest(drawn.signal)
        if near is not None:
            nearest[rows], distance[rows] = near.rows, near.distances
        verdicts = judged(drawn, plan.labels[rows], task, check, distance[rows], gate.threshold if gate else 0.0)
        draws[rows] += 1
        passed[rows] = [not verdict.reason for verdict in verdicts]
        for row, verdict in zip(rows, verdicts, strict=True):
            count(tally, verdict, task.names(plan.labels[row]))
    return Additions(
        method,
        labels=plan.labels,
        statements=tuple(statements),
        attributes=attributes,
        passed=passed,
        draws=draws,
        nearest=nearest,
        distance=distance,
        rejected=tally_table(tally),
        note=note,
        **arrays,
    )


def judged(
    drawn: SyntheticRecords,
    labels: np.ndarray,
    task: LabelTask,
    check: Check | None,
    distance: np.ndarray,
    threshold: float,
) -> list[Verdict]:
    """The verdict on each draw: not made, of statements that do not give its labels, too near to a training record
    (NaN: not looked at), or what the check says."""
    verdicts = [Verdict()] * len(labels)
    # a label that is unknown of the planned record is open: nothing is claimed of it
    given = ((task.encode(list(drawn.statements)) == labels) | np.isnan(labels)).all(1)
    for row in range(len(labels)):
        if not drawn.valid[row]:
            verdicts[row] = Verdict(NOT_MADE)
        elif not given[row]:
            verdicts[row] = Verdict(OTHER_LABELS)
        elif distance[row] < threshold:
            verdicts[row] = Verdict(COPY)
    open_rows = [row for row, verdict in enumerate(verdicts) if not verdict.reason]
    if check is not None and open_rows:
        for row, verdict in zip(open_rows, check.judge(drawn[open_rows]), strict=True):
            verdicts[row] = verdict
    return verdicts


def count(tally: Counter[tuple[str, str]], verdict: Verdict, classes: Sequence[str]) -> None:
    """Counts one draw for each of its classes and for ALL; a rejection for the classes it is about, or for each.

    A rejection about statements counts for all classes of the record, under the statements' names.
    """
    for name in (*classes, ALL):
        tally[name, DRAWN] += 1
    if verdict.reason:
        about = [name for name in verdict.about if name in classes]
        statements = [name for name in verdict.about if name not in classes]
        reason = f"{verdict.reason} {'+'.join(statements)}" if statements else verdict.reason
        for name in (*(about or classes), ALL):
            tally[name, reason] += 1


def tally_table(tally: Counter[tuple[str, str]]) -> pd.DataFrame:
    """TALLY_COLUMNS, one row per class and reason, sorted."""
    rows = [(class_name, reason, number) for (class_name, reason), number in sorted(tally.items())]
    return pd.DataFrame(rows, columns=list(TALLY_COLUMNS))


def joined_tallies(tallies: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The sum of several tallies."""
    together = pd.concat(tallies, ignore_index=True)
    return together.groupby(["class_name", "reason"], sort=True)["count"].sum().reset_index()


def rejection_rates(tally: pd.DataFrame) -> pd.DataFrame:
    """The tally of rejections with the share of the draws of the class: class_name, reason, count, drawn, share."""
    drawn = tally[tally["reason"] == DRAWN].set_index("class_name")["count"]
    rejected = tally[tally["reason"] != DRAWN].reset_index(drop=True)
    rejected = rejected.assign(drawn=drawn.reindex(rejected["class_name"]).to_numpy())
    return rejected.assign(share=rejected["count"] / rejected["drawn"])
