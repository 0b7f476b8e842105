"""Texts that stand for a figure where it is not seen: what it shows, in figures."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from vqecg.reports.html import records_of
from vqecg.reports.names import named
from vqecg.reports.numbers import count, interval, number, significant

MOST = 12  # items of a text; the table beside a figure has them all


def label_bars_text(counts: pd.DataFrame) -> str:
    """The training records of every class, for `label_bars`."""
    items = [
        f"{named(row.class_name)} {count(row.train_before)}"
        + (f" and {count(row.train_after - row.train_before)} added" if row.train_after > row.train_before else "")
        for row in records_of(counts)
    ]
    return f"Bars of training records per class: {listed(items)}."


def level_bars_text(levels: pd.DataFrame) -> str:
    """Error and codes in use, for `level_bars`."""
    errors = [f"{number(row.prd_median, 1)} % with {row.levels}" for row in records_of(levels)]
    used = [f"{count(row.codes_used)} of {count(row.codebook_size)}" for row in records_of(levels)]
    return f"Median PRD by levels used: {listed(errors)}. Codes in use by level: {listed(used)}."


def paired_dots_text(scores: pd.DataFrame, first: str, second: str, names: tuple[str, str], title: str) -> str:
    """Both AUROCs of every class, for `paired_dots`."""
    items = [
        f"{named(str(row['class_name']))} {number(row[first])} and {number(row[second])}"
        for row in scores.to_dict("records")
    ]
    return f"AUROC of every class, {title} {names[0]} and {names[1]}: {listed(items)}."


def learning_curve_text(history: pd.DataFrame, panels_of: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> str:
    """Every metric at the first and last step that has it, for `learning_curve`."""
    items = []
    for title, metrics in panels_of.items():
        for metric in metrics:
            known = history[["step", metric]].dropna()
            if len(known):
                ends = f"from {significant(known[metric].iloc[0])} to {significant(known[metric].iloc[-1])}"
                items.append(f"{title}, {names.get(metric, metric)}, {ends} at step {count(known['step'].iloc[-1])}")
    return f"Learning curve: {listed(items)}."


def forest_text(differences: pd.DataFrame, metric_name: str) -> str:
    """Every difference with its interval and verdict, for `forest`."""
    items = [
        f"{row['group']}, {named(str(row['arm']))} against {row['against']} {number(row['estimate'], signed=True)} "
        f"({interval(row['low'], row['high'])}), {row['verdict']}"
        for row in differences.to_dict("records")
    ]
    return f"Differences in {metric_name} with intervals: {listed(items, '; ')}."


def listed(items: Iterable[str], between: str = ", ") -> str:
    """The first items, and the number of the others."""
    items = list(items)
    more = f"{between}and {len(items) - MOST} more" if len(items) > MOST else ""
    return between.join(items[:MOST]) + more
