"""`vqecg prepare`."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from vqecg.records.datasets.registry import read_table
from vqecg.records.store.preprocessing import SignalSpec
from vqecg.records.store.record_store import RecordStore


@dataclass(frozen=True)
class Arguments:
    """Options of `vqecg prepare`."""

    data: Path  # folder of ECGs: PTB-XL, CPSC2018, Challenge 2020/2021, or WFDB files with a csv of labels
    out: Path  # folder of the store; the same command again goes on after an interruption
    spec: SignalSpec = field(default_factory=SignalSpec)
    source: str = "auto"  # auto, ptb-xl, cpsc2018, challenge or folder
    labels_csv: Path | None = None  # csv with the labels, for a folder of WFDB files
    workers: int = 1  # processes that read
    overwrite: bool = False  # replace an earlier store in --out


def run(arguments: Arguments) -> None:
    """Builds the store, or opens it when nothing has changed."""
    prepare(arguments)


def prepare(arguments: Arguments) -> RecordStore:
    """Builds the store and says what went into it."""
    spec = arguments.spec
    table = read_table(arguments.data, spec.sampling_rate, arguments.source, arguments.labels_csv)
    print(table.description)
    store = RecordStore.build(table, spec, arguments.out, arguments.workers, arguments.overwrite)
    folds = ", ".join(f"{fold}: {count:,}" for fold, count in sorted(Counter(store.table["fold"]).items()))
    print(
        f"{len(store):,} records of {spec.seconds:g} s at {spec.sampling_rate} Hz are in {arguments.out} "
        f"(records by fold: {folds})"
    )
    rejected = Counter(store.rejected["reason"])
    told = ", ".join(f"{count:,} {reason}" for reason, count in rejected.items()) or "none"
    print(f"rejected: {told} ({arguments.out / 'rejected.csv'})")
    return store
