"""From a folder of ECGs to the store that everything else reads."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from vqecg.records.bounds import Checked, Workers
from vqecg.records.datasets.reader import EmptyLabels
from vqecg.records.datasets.registry import AUTO, SourceName, read_table
from vqecg.records.plain_names import printable
from vqecg.records.store.building import build_store
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec
from vqecg.records.store.unlabelled import read_unlabelled, with_unlabelled
from vqecg.records.unknown_labels import unknown_of, without_labels
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.stage import alone

LABELS_LISTED = 20  # rows of the table of labels
LABEL_WIDTH = 40  # characters


@dataclass(frozen=True)
class PreparingStep(Checked):
    """The recordings, the store to be made of them, and how."""

    data: Path  # folder of ECGs: PTB-XL, CPSC2018, Challenge 2020/2021, or WFDB files with a csv of labels
    out: Path  # folder of the store; the same command again goes on after an interruption
    spec: SignalSpec = field(default_factory=SignalSpec)
    source: SourceName = AUTO
    labels_csv: Path | None = None  # csv with the labels, for a folder of WFDB files
    label_columns: tuple[str, ...] = ()  # columns of that csv that hold labels; none: guessed, and said
    workers: Workers = 1  # processes that read
    overwrite: bool = False  # replace an earlier store in --out
    ignore_checksums: bool = False  # take records whose first values or checksums are not those of their headers
    empty_labels: EmptyLabels = ""
    # folder of more recordings, of which no label is known: the tokenizer learns from them, the prior if it is asked to
    unlabelled: Path | None = None


@alone
def prepare(step: PreparingStep) -> RecordStore:
    """Builds the store, or opens it when nothing has changed."""
    rate, labelling = step.spec.sampling_rate, (step.labels_csv, step.label_columns, step.empty_labels)
    table = read_table(step.data, rate, step.source, *labelling)
    if step.unlabelled is not None:
        table = with_unlabelled(table, read_unlabelled(step.unlabelled, rate))
    print(printable("\n".join([table.description, *(f"- {note}" for note in table.notes)])))
    ignore = step.ignore_checksums
    return build_store(table, step.spec, step.out, step.workers, step.overwrite, ignore_checksums=ignore)


def outcome(store: RecordStore) -> Outcome:
    """The content of a store in figures and in words."""
    figures = {
        "out": store.folder,
        "description": store.description,
        "fingerprint": store.fingerprint,
        "records": len(store),
        "sampling_rate": store.spec.sampling_rate,
        "record_seconds": store.spec.seconds,
        "records_by_fold": dict(sorted(Counter(store.table["fold"]).items())),
        "labels": dict(Counter(label for labels in store.table["statements"] for label in labels).most_common()),
        "rejected": dict(Counter(store.rejected["reason"])),
        "warnings": store.warnings,
    }
    return Outcome(figures, summary(store))


def summary(store: RecordStore) -> str:
    """The records of a store, their labels by fold, and those that were rejected by reason."""
    reasons = Counter(store.rejected["reason"])
    rejected = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items()) or "none"
    return (
        f"{len(store):,} records of {store.spec.seconds:g} s at {store.spec.sampling_rate} Hz are in {store.folder}\n"
        f"{labels_by_fold(store.table)}\n{unknown_text(store.table)}"
        f"rejected: {rejected} ({store.folder / 'rejected.csv'})"
        + "".join(f"\nwarning: {text}" for text in store.warnings)
    )


def labels_by_fold(table: pd.DataFrame) -> str:
    """The records that have each label, by fold, as a table for people; `table` has the columns fold and statements.

    Labels beyond the commonest are summed: their row counts records with any of them. Fold 0 stands for no fold.
    """
    folds = sorted(set(table["fold"]))
    rows = list(zip(table["fold"], table["statements"], strict=True))
    common = Counter(label for _, statements in rows for label in statements).most_common()
    listed = [label for label, _ in common[: LABELS_LISTED if len(common) > LABELS_LISTED + 1 else None]]
    others = {label for label, _ in common} - set(listed)
    counts = [("records", Counter(fold for fold, _ in rows))]
    counts += [(label, Counter(fold for fold, statements in rows if label in statements)) for label in listed]
    if others:
        with_others = Counter(fold for fold, statements in rows if not others.isdisjoint(statements))
        counts.append((f"any of {len(others):,} other labels", with_others))
    doubtful = unknown_of(table)
    known = [(fold, statements) for (fold, statements), names in zip(rows, doubtful, strict=True) if not names]
    counts.append(("no label", Counter(fold for fold, statements in known if not statements)))
    if any(doubtful):
        partly = (fold for (fold, statements), names in zip(rows, doubtful, strict=True) if names)
        counts.append(("unknown labels", Counter(partly)))
    cells = [["", *(f"fold {fold}" if fold else "no fold" for fold in folds), "all"]]
    cells += [
        [shortened(name), *(f"{count[fold]:,}" for fold in folds), f"{count.total():,}"] for name, count in counts
    ]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in cells
    )


def unknown_text(table: pd.DataFrame) -> str:
    """A line on the records whose labels are unknown, in part or all; "" where there are none."""
    bare = int(without_labels(table).sum())
    partly = sum(map(bool, unknown_of(table))) - bare
    if not bare and not partly:
        return ""
    return f"unknown labels (not absent ones): {bare:,} records without any known label, {partly:,} known in part\n"


def shortened(label: str) -> str:
    """A label that leaves room for counts beside it, without anything that a terminal would obey."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in label)
    return plain if len(plain) <= LABEL_WIDTH else plain[: LABEL_WIDTH - 3] + "..."
