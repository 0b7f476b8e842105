"""A store verified whole: files by their sums, signals by the digest of their building, and all that `open` checks."""

import hashlib
from pathlib import Path

import numpy as np

from vqecg.records.files.verification import VERIFIERS, Verifier, sum_faults
from vqecg.records.store.opening import CONFIG_FILE, TABLE_FILE
from vqecg.records.store.record_store import SIGNALS_FILE, RecordStore, is_store

ROWS = 1024  # of an array at a time


@VERIFIERS.register("store", rank=1)
class StoreVerifier(Verifier):
    """A record store."""

    def holds(self, folder: Path) -> bool:
        """True for a store, and for what was one."""
        return is_store(folder) or ((folder / SIGNALS_FILE).exists() and (folder / TABLE_FILE).exists())

    def verify(self, folder: Path) -> tuple[str, list[str]]:
        """Opens it, and reads all of it."""
        summary, faults = sum_faults(folder)
        store = _opened(folder, faults)
        if store is not None:
            signals = folder / SIGNALS_FILE
            if array_sha256(np.load(signals, mmap_mode="r")) != store.config["signals_sha256"] and not any(
                fault.startswith(str(signals)) for fault in faults
            ):
                faults.append(f"{signals} is damaged (its digest is not the one in {CONFIG_FILE})")
            summary = f"{len(store):,} records, signals as built, {summary}"
        return summary, faults


def _opened(folder: Path, faults: list[str]) -> RecordStore | None:
    """The store; None, and a fault more, where it cannot be opened."""
    try:
        store = RecordStore.open(folder)
        _ = store.rejected
    except ValueError as error:
        if not faults:
            faults.append(str(error))
        return None
    return store


def array_sha256(array: np.ndarray) -> str:
    """sha256 hex of the rows of an array, without a header, read piece by piece."""
    digest = hashlib.sha256()
    for start in range(0, len(array), ROWS):
        digest.update(np.ascontiguousarray(array[start : start + ROWS]).data)
    return digest.hexdigest()
