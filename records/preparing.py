"""Read, examine and prepare many records, in this process or in several, in order and without holding them all."""

import signal
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import pandas as pd

from vqecg.records.preprocessing import SignalSpec
from vqecg.records.quality import examine
from vqecg.records.readers import read_record

MICROVOLTS = 1000.0  # per mV
CHUNK = 64  # records a task of a worker
AHEAD = 4  # tasks a worker that are under way or wait to be collected: bounds the memory


@dataclass(frozen=True, eq=False)
class Prepared:
    """One record as a store keeps it, or why it does not."""

    record_id: str
    signal: np.ndarray | None  # (8, samples) int16 microvolt, None when rejected
    reason: str | None = None  # one of quality.REASONS
    detail: str = ""


def prepare_rows(records: pd.DataFrame, spec: SignalSpec, workers: int = 1) -> Generator[Prepared]:
    """Prepare every row of a record table (columns: record.TABLE_COLUMNS) and yield the results in the order of rows.

    With several workers, processes are started (spawn) and stopped with the iterator; a few chunks a worker are in
    memory at a time. A record that cannot be read comes back with the reason "unreadable".
    """
    chunks = (records.iloc[start : start + CHUNK] for start in range(0, len(records), CHUNK))
    if workers == 1:
        for chunk in chunks:
            yield from _prepare_chunk(chunk, spec)
        return
    executor = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_leave_interrupts_to_parent)
    pending: deque[Future[list[Prepared]]] = deque()
    try:
        for chunk in chunks:
            pending.append(executor.submit(_prepare_chunk, chunk, spec))
            if len(pending) >= AHEAD * workers:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _leave_interrupts_to_parent() -> None:
    """Ctrl-C reaches every process of the terminal; the parent alone answers it, so that workers print no traces."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _prepare_chunk(records: pd.DataFrame, spec: SignalSpec) -> list[Prepared]:
    """Prepare some rows of a record table."""
    results = []
    for row in records.itertuples(index=False):
        record_id = str(row.record_id)
        try:
            record = read_record(row)
        except Exception as error:  # a damaged file can break a parser in any way; the reason is kept and counted
            results.append(Prepared(record_id, None, "unreadable", f"{type(error).__name__}: {error}"))
            continue
        examined = examine(record, spec)
        if examined.signal is None:
            results.append(Prepared(record_id, None, examined.reason, examined.detail))
        else:
            results.append(Prepared(record_id, np.rint(examined.signal * MICROVOLTS).astype("<i2")))
    return results
