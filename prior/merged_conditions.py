"""A table of conditions in which no row is a person's: each stands for several training records that are alike.

The exact table counts combinations of labels, age and sex. Most are rare, and a row of count 1 describes one patient.
Microaggregation (Domingo-Ferrer and Mateo-Sanz 2002, IEEE TKDE 14:189) groups the records, at least so many to a group,
and puts one row in the place of each group. Combinations stay ones that occurred, since a prior knows no others.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vqecg.prior.requests import join_labels, split_labels
from vqecg.records.attributes import ATTRIBUTES

LEAST = 5  # records that a row stands for, at least
FAR = 2.0  # steps of a number (10 years of age) that are as far as another category


def merged_conditions(conditions: pd.DataFrame, least: int = LEAST) -> pd.DataFrame:
    """A table as `training_conditions` makes it, each row of which stands for at least `least` records.

    Records that share labels and categories are put together by their numbers; those that are left over, with the ones
    most like them. A row has the labels of that member with which the number of records of every label stays nearest to
    the true one, the commonest of each category, and each number of another member, by turns, so that its spread stays.
    Labels that fewer than `least` records have are in no row. A table of fewer than `least` records becomes one row.
    Deterministic.
    """
    names = [name for name in conditions.columns if name not in ("labels", "count")]
    records = conditions.loc[conditions.index.repeat(conditions["count"]), ["labels", *names]].reset_index(drop=True)
    labels = label_matrix(records["labels"])
    rare = labels.columns[labels.sum() < least]
    labels = labels.drop(columns=rare)
    records["labels"] = [
        join_labels([name for name in split_labels(row) if name in labels]) for row in records["labels"]
    ]
    groups, left = [*alike(records, names, least)], np.arange(len(records))
    left = np.setdiff1d(left, np.concatenate(groups)) if groups else left
    if groups and 0 < len(left) < least:
        left = np.concatenate([groups.pop(), left])
    held = labels.to_numpy(np.float64)
    places = np.hstack([held * np.sqrt(rarity(labels)), coordinates(records, names)])
    groups += nearest_groups(left, held, places, least)
    chosen = representatives(groups, held)
    rows = records.iloc[chosen].assign(count=[len(group) for group in groups])
    for name in names:
        if ATTRIBUTES.get(name).is_number:
            rows[name] = records[name].to_numpy()[others_by_turns(groups, chosen, records[name])]
        else:
            rows[name] = [records[name].iloc[group].mode().iloc[0] for group in groups]
    return rows.groupby(["labels", *names], dropna=False, sort=True)["count"].sum().reset_index()


def label_counts(conditions: pd.DataFrame, least: int = LEAST) -> dict[str, int]:
    """Label -> records that have it, by a table as `training_conditions` makes it; 1 for fewer than `least`."""
    counts = conditions.assign(label=conditions["labels"].map(split_labels)).explode("label")
    totals = counts.dropna(subset="label").groupby("label", sort=True)["count"].sum()
    return {str(name): int(count) if count >= least else 1 for name, count in totals.items()}


def known_counts(labels: np.ndarray, class_names: Sequence[str], least: int = LEAST) -> dict[str, int]:
    """Label -> records known to have it; 1 for fewer than `least`.

    Of `labels` (records, classes) 0/1, NaN where unknown: a record counts for each label that is known of it, while a
    table of conditions has those records alone of which all labels are known.
    """
    totals = dict(zip(class_names, (labels > 0.5).sum(axis=0).tolist(), strict=True))
    return {name: count if count >= least else 1 for name, count in sorted(totals.items()) if count}


def read_label_counts(config: Mapping[str, Any]) -> dict[str, int] | None:
    """The training records of each label, None where the file is from before they were kept. Raises ValueError."""
    counts = config.get("label_counts")
    if counts is not None and not (isinstance(counts, dict) and all(type(count) is int for count in counts.values())):
        raise ValueError(f"label_counts is {counts!r}; expected a number of records for each label")
    return counts


def label_matrix(joined: pd.Series) -> pd.DataFrame:
    """(records, labels) of 0 and 1 from joined labels."""
    lists = joined.map(split_labels)
    names = sorted({name for row in lists for name in row})
    return pd.DataFrame({name: [float(name in row) for row in lists] for name in names}, index=joined.index)


def alike(records: pd.DataFrame, names: Sequence[str], least: int) -> Iterator[np.ndarray]:
    """Groups of at least `least` records of the same labels, categories and known numbers, neighbours in number."""
    numbers = [name for name in names if ATTRIBUTES.get(name).is_number]
    same = [records["labels"], *(records[name] for name in names if name not in numbers)]
    same += [records[name].isna().rename(f"{name} is unknown") for name in numbers]
    for _, rows in records.groupby(same, sort=True).indices.items():
        if len(rows) >= least:
            keys = [records[name].to_numpy()[rows] for name in reversed(numbers)]
            yield from np.array_split(rows[np.lexsort(keys)] if keys else rows, len(rows) // least)


def coordinates(records: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """(records, d) squared distances of 1: another category, an unknown number for a known one, FAR steps of one."""
    columns = []
    for name in names:
        attribute, values = ATTRIBUTES.get(name), records[name]
        if attribute.is_number:
            known = values.fillna(values.median() if values.notna().any() else 0.0)
            columns += [known / (FAR * attribute.step), values.isna().astype(float)]
        else:
            columns += [math.sqrt(0.5) * (values == category).astype(float) for category in attribute.categories]
    return (
        np.stack([column.to_numpy(np.float64) for column in columns], axis=1)
        if columns
        else np.zeros((len(records), 0))
    )


def rarity(labels: pd.DataFrame) -> np.ndarray:
    """The weight of each label where records are compared: more for a rare one."""
    return np.log(len(labels) / labels.sum().to_numpy()) + 1e-3


def nearest_groups(rows: np.ndarray, labels: np.ndarray, places: np.ndarray, least: int) -> list[np.ndarray]:
    """Groups of `least` to 2 `least` - 1 of the rows (all of them, where there are fewer): those of the rarest label
    first, each with the rows nearest to it among `places` (records, d)."""
    rarest = np.where(labels[rows] > 0, labels.sum(axis=0), np.inf).min(axis=1, initial=np.inf)
    rows = rows[np.argsort(rarest, kind="stable")]
    places, free, groups = places[rows], np.ones(len(rows), bool), []
    sizes = (places**2).sum(axis=1)
    first = 0
    while free.any():
        first += int(free[first:].argmax())
        size = least if free.sum() >= 2 * least else int(free.sum())
        squared = np.where(free, sizes - 2 * places @ places[first], np.inf)  # less a constant
        nearest = np.sort(np.argpartition(squared, size - 1)[:size])
        groups.append(rows[nearest])
        free[nearest] = False
        if 2 * free.sum() < len(free):
            rows, places, sizes, free, first = rows[free], places[free], sizes[free], free[free], 0
    return groups


def representatives(groups: Sequence[np.ndarray], labels: np.ndarray) -> np.ndarray:
    """The record of each group whose labels keep the number of records of each label nearest to the true one."""
    weights = 1 / np.maximum(labels.sum(axis=0), 1)
    missing = np.zeros(labels.shape[1])
    chosen = []
    for number, group in enumerate(groups):
        members = labels[group]
        left = missing + members.sum(axis=0) - len(group) * members
        error = (weights * left**2).sum(axis=1)
        equal = np.flatnonzero(error == error.min())
        best = equal[number % len(equal)]  # by turns: the first ones are the youngest
        missing = left[best]
        chosen.append(group[best])
    return np.array(chosen, np.int64)


def others_by_turns(groups: Sequence[np.ndarray], chosen: np.ndarray, values: pd.Series) -> np.ndarray:
    """A member of each group other than the chosen one (but of one alone), by turns from the lowest value up."""
    rows = []
    for number, (group, one) in enumerate(zip(groups, chosen, strict=True)):
        others = values.iloc[group[group != one] if len(group) > 1 else group].sort_values(kind="stable")
        rows.append(others.index[number % len(others)])
    return np.array(rows, np.int64)
