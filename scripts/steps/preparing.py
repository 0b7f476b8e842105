"""From a folder of ECGs to the store that everything else reads."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from vqecg.records.bounds import Checked, Workers
from vqecg.records.datasets.registry import AUTO, SourceName, read_table
from vqecg.records.store.building import build_store
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec


@dataclass(frozen=True)
class PreparingStep(Checked):
    """The recordings, the store to be made of them, and how."""

    data: Path  # folder of ECGs: PTB-XL, CPSC2018, Challenge 2020/2021, or WFDB files with a csv of labels
    out: Path  # folder of the store; the same command again goes on after an interruption
    spec: SignalSpec = field(default_factory=SignalSpec)
    source: SourceName = AUTO
    labels_csv: Path | None = None  # csv with the labels, for a folder of WFDB files
    workers: Workers = 1  # processes that read
    overwrite: bool = False  # replace an earlier store in --out
    ignore_checksums: bool = False  # take records whose first values or checksums are not those of their headers


def prepare(step: PreparingStep) -> RecordStore:
    """Builds the store, or opens it when nothing has changed."""
    table = read_table(step.data, step.spec.sampling_rate, step.source, step.labels_csv)
    print(table.description)
    ignore = step.ignore_checksums
    return build_store(table, step.spec, step.out, step.workers, step.overwrite, ignore_checksums=ignore)


def summary(store: RecordStore) -> str:
    """The records of a store by fold, and those that were rejected by reason."""
    folds = ", ".join(f"{fold}: {count:,}" for fold, count in sorted(Counter(store.table["fold"]).items()))
    reasons = Counter(store.rejected["reason"])
    rejected = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items()) or "none"
    return (
        f"{len(store):,} records of {store.spec.seconds:g} s at {store.spec.sampling_rate} Hz are in {store.folder} "
        f"(records by fold: {folds})\nrejected: {rejected} ({store.folder / 'rejected.csv'})"
    )
