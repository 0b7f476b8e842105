"""Requests: labels and attributes of the records to generate, and the table that they are drawn from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vqecg.records.attributes import ATTRIBUTES, USUAL_ATTRIBUTES
from vqecg.records.bounds import Count, check_value, shown
from vqecg.records.files.json_file import reading
from vqecg.records.labels import LabelTask

if TYPE_CHECKING:
    from vqecg.records.store.record_store import RecordStore


@dataclass(frozen=True)
class Requests:
    """Records to generate; row n of each field belongs together."""

    labels: np.ndarray  # (records, classes) float32 0 or 1; NaN = either, where the prior has learned from unknown ones
    # by name, (records,) each: float32 numbers, NaN = any; text of a category, the unknown one = any
    attributes: Mapping[str, np.ndarray]

    @classmethod
    def like(cls, labels: np.ndarray, table: pd.DataFrame, attributes: Sequence[str]) -> Requests:
        """Records of these labels (records, classes) with the attributes of the rows of a record table."""
        return cls(labels, {name: attribute_column(name, table[name]) for name in attributes})

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: slice) -> Requests:
        return Requests(self.labels[rows], {name: values[rows] for name, values in self.attributes.items()})

    def without(self, columns: Sequence[int]) -> Requests:
        """The same records without the labels of these columns."""
        labels = self.labels.copy()
        labels[:, list(columns)] = 0
        return Requests(labels, self.attributes)

    def check_labels(self, classes: int, may_be_open: bool) -> None:
        """Raises ValueError for labels of another shape than (records, classes), or other than 0, 1 and, where they
        `may_be_open`, NaN."""
        labels = np.asarray(self.labels)
        odd = labels[~(np.isin(labels, (0, 1)) | (np.isnan(labels) & may_be_open))]
        if labels.shape != (len(labels), classes) or len(odd):
            values = f" with values such as {odd[0]:g}" if len(odd) else ""
            raise ValueError(
                f"got labels of shape {labels.shape}{values}; expected (records, {classes} classes) of 0 and 1"
                + (", or NaN where either will do" if may_be_open else "")
            )


def attribute_column(name: str, values: Any) -> np.ndarray:
    """Values (records,) of an attribute as a table or a request has them: float32 numbers, or text."""
    return np.asarray(values, np.float32 if ATTRIBUTES.get(name).is_number else object)


def training_conditions(
    store: RecordStore, indices: np.ndarray, task: LabelTask, attributes: Sequence[str] = USUAL_ATTRIBUTES
) -> pd.DataFrame:
    """The number of the chosen rows with each combination of labels and attributes.

    Columns: labels (class names joined by "+"), one per attribute (numbers rounded to `Attribute.step`), count. Records
    with an unknown label are left out, as they show no combination; raises ValueError when no record is left.
    """
    labels = store.labels(task, indices, math.nan)
    known = np.isfinite(labels).all(axis=1)
    if not known.any():
        raise ValueError(
            f"of no training record all labels of {task.name} are known, so that no combination of them can be asked "
            "for: expected a task whose labels are known for some records"
        )
    labels, table = labels[known], store.table.iloc[np.asarray(indices)[known]]
    rows: dict[str, Any] = {"labels": [join_labels(task.names(row)) for row in labels]}
    for name in attributes:
        attribute, values = ATTRIBUTES.get(name), table[name].to_numpy()
        if attribute.is_number:
            values = (values.astype(np.float64) / attribute.step).round() * attribute.step
        rows[name] = values
    names = ["labels", *attributes]
    return pd.DataFrame(rows).groupby(names, dropna=False, sort=True).size().reset_index(name="count")


def read_conditions(path: Path, attributes: Sequence[str]) -> pd.DataFrame:
    """A table of conditions as `training_conditions` makes it, from its csv. Raises ValueError for a damaged file."""
    empty = {name: [""] for name in attributes if ATTRIBUTES.get(name).is_number}
    with reading(path):
        return pd.read_csv(path, keep_default_na=False, na_values=empty)


def check_conditions(conditions: pd.DataFrame, class_names: Sequence[str], attributes: Sequence[str]) -> None:
    """Raises ValueError for a table of conditions that is not of these classes and attributes, or with odd cells."""
    expected = ["labels", *attributes, "count"]
    if sorted(map(str, conditions.columns)) != sorted(expected) or conditions.empty:
        raise ValueError(
            f"a table of conditions of {len(conditions)} rows with the columns {shown(list(conditions.columns))}; "
            f"expected some rows, with {', '.join(expected)}"
        )
    for count in conditions["count"]:
        check_value("count", count, Count)
    for joined in conditions["labels"]:
        unknown = sorted(set(split_labels(joined)) - set(class_names)) if isinstance(joined, str) else [joined]
        if unknown:
            raise ValueError(f"labels of the conditions are {shown(joined)}; expected some of {', '.join(class_names)}")
    for name in attributes:
        for value in conditions[name]:
            ATTRIBUTES.get(name).check(value)


def draw_requests(
    conditions: pd.DataFrame, class_names: Sequence[str], count: int, seed: int, attributes: Mapping[str, Any]
) -> Requests:
    """`count` requests drawn from rows of a table of conditions, in proportion to their counts.

    `attributes` holds a value for each column of the table that is an attribute; an unknown one leaves the row's.
    """
    weight = conditions["count"].to_numpy(np.float64)
    rows = conditions.iloc[np.random.default_rng(seed).choice(len(conditions), count, p=weight / weight.sum())]
    labels = np.zeros((count, len(class_names)), np.float32)
    for row, joined in enumerate(rows["labels"]):
        for name in split_labels(joined):
            labels[row, class_names.index(name)] = 1
    drawn = {}
    for name, value in attributes.items():
        drawn[name] = attribute_column(name, rows[name] if ATTRIBUTES.get(name).is_unknown(value) else [value] * count)
    return Requests(labels, drawn)


def split_labels(joined: str) -> list[str]:
    """The reverse of `join_labels`."""
    return list(filter(None, joined.split("+")))


def join_labels(names: Sequence[str]) -> str:
    """Class names as one text, in the order given; "" for none."""
    return "+".join(names)
