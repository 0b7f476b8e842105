"""The cost of merging a generator's table of conditions: how far labels and ages move when no row is one patient's.

    python -m benchmarks.sampling.conditions --store runs/ptbxl/store --train 1 2 3 4 5 6 7 8

For each label task the exact table of the training records stands against the merged one, from which a generator draws
by default (prior/merged_conditions.py). Beside it stands a simple method: rows of fewer records are left out. The
change of a label's count is relative to the count, of its mean age in years, both as the mean over labels.
"""

from collections import Counter

import numpy as np
import pandas as pd

from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from vqecg.prior.merged_conditions import LEAST, merged_conditions
from vqecg.prior.requests import split_labels, training_conditions
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore

TASKS = ("all", "superdiagnostic")
BINS = ((100, np.inf, "100 or more"), (20, 99, "20 to 99"), (5, 19, "5 to 19"))  # records that have a label
AGED = 20  # records with a label, at least, whose mean age is compared


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", required=True, help="folder that `vqecg prepare` wrote")
    parser.add_argument("--train", type=int, nargs="+", default=[1, 2, 3, 4, 5, 6, 7, 8], help="training folds")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options)
    store = RecordStore.open(options.store)
    rows = FoldSplit(tuple(options.train), (), ()).indices(store.table).train
    table: list[list[Cell]] = []
    for name in TASKS:
        exact = training_conditions(store, rows, store.task(name))
        tables = {
            "exact": exact,
            "merged": merged_conditions(exact),
            f"rows under {LEAST} left out": exact[exact["count"] >= LEAST],
        }
        table += [[f"{name}, {way}", *measured(exact, other)] for way, other in tables.items()]
    header = ["", "rows", "in rows of one record", "records", "other combination of labels", "labels lost"]
    header += [f"count of a label that {title} have" for *_, title in BINS] + ["mean age of a label"]
    report.table("conditions", header, table)
    report.write({"training records": len(rows), "least records of a row": LEAST})


def measured(exact: pd.DataFrame, other: pd.DataFrame) -> list[Cell]:
    """A row of the table: the content of a table of conditions, and its changes from the exact one."""
    records, single = int(exact["count"].sum()), int(other["count"].eq(1).sum())
    wanted, there = combinations(exact), combinations(other)
    moved = 1 - sum(min(count, there[labels]) for labels, count in wanted.items()) / records
    counts, others = by_label(exact), by_label(other)
    changes = (others["records"].reindex(counts.index, fill_value=0) / counts["records"] - 1).abs()
    ages = (others["age"] - counts["age"]).abs()[counts["records"] >= AGED]
    share = 100 / records
    row: list[Cell] = [cell(len(other), 0), cell(share * single, 1, "%"), cell(int(other["count"].sum()), 0)]
    row += [cell(100 * moved, 1, "%"), cell(len(counts.index.difference(others.index)), 0)]
    row += [cell(100 * changes[counts["records"].between(low, high)].mean(), 1, "%") for low, high, _ in BINS]
    return [*row, cell(ages.mean(), 2, "years")]


def combinations(conditions: pd.DataFrame) -> Counter[str]:
    """Combination of labels -> records that have exactly these."""
    return Counter(conditions.groupby("labels")["count"].sum().to_dict())


def by_label(conditions: pd.DataFrame) -> pd.DataFrame:
    """For each label the records that have it, and their mean age in years."""
    lists = conditions.assign(label=conditions["labels"].map(split_labels)).explode("label").dropna(subset="label")
    aged = lists.dropna(subset="age")
    years = (aged["age"] * aged["count"]).groupby(aged["label"]).sum() / aged.groupby("label")["count"].sum()
    return pd.DataFrame({"records": lists.groupby("label")["count"].sum(), "age": years})


if __name__ == "__main__":
    main()
