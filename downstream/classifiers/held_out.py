"""Records that are held out for validation and test must not come back among added ones."""

from collections.abc import Sequence

import numpy as np

from vqecg.downstream.classifiers.signals import record_digests
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection


def check_added(store: RecordStore, rows: SplitIndices, added: Sequence[RecordStore]) -> None:
    """Raises ValueError for added records of another rate or length, or that are in validation or test."""
    held_out = RecordSelection(store, np.concatenate([rows.validation, rows.test]))
    withheld = set(record_digests(held_out)) if added else set()
    for other in added:
        if other.spec != store.spec:
            raise ValueError(
                f"{other.folder} holds records of {other.spec.seconds:g} s at {other.spec.sampling_rate} Hz, "
                f"{store.folder} of {store.spec.seconds:g} s at {store.spec.sampling_rate} Hz: prepare both alike"
            )
        everything = RecordSelection(other, np.arange(len(other)))
        copies = sum(digest in withheld for digest in record_digests(everything))
        if copies:
            raise ValueError(
                f"{copies} records of {other.folder} are in the validation or test folds of {store.folder} (to the "
                "microvolt), expected none: --synthetic is for records that were made from training folds alone"
            )
