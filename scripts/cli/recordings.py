"""The recordings that a command reads: of a store, or of a data set in any layout, a few at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqecg.records.bounds import Checked
from vqecg.records.datasets.registry import AUTO, SourceName, read_record, read_table
from vqecg.records.export.record_folder import holds_records
from vqecg.records.leads import independent_leads
from vqecg.records.record import RecordTable
from vqecg.records.store.record_store import RecordStore, is_store
from vqecg.records.store.unlabelled import read_headers, read_unlabelled

CHUNK = 64  # records of a store at a time
SHOWN = 20  # records that are left out, by name


@dataclass(frozen=True)
class RecordingSource(Checked):
    """Where recordings are, and how they are read."""

    data: Path  # folder of ECGs, real or synthetic, or a store of `vqecg prepare`
    source: SourceName = AUTO
    ignore_checksums: bool = False  # take records whose first values or checksums are not those of their headers


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some recordings of equal length and rate."""

    record_ids: list[str]
    signals: np.ndarray  # (records, 8, samples) float32 mV
    sampling_rate: float  # Hz


def chunks(source: RecordingSource, sampling_rate: int, rejected: list[str], gaps: bool = False) -> Iterator[Chunk]:
    """The recordings of a store or a data set; those that cannot be used are named in `rejected`, with the reason.

    Where a set has several rates, that of at least `sampling_rate` Hz is read. With `gaps`, recordings with unknown
    samples too, NaN in them.
    """
    if is_store(source.data):
        store = RecordStore.open(source.data)
        ids = store.table["record_id"].tolist()
        for start in range(0, len(store), CHUNK):
            rows = slice(start, start + CHUNK)
            yield Chunk(ids[rows], store.signals(rows), store.spec.sampling_rate)
        return
    for row in table_of(source, sampling_rate).records.itertuples(index=False):
        try:
            record = read_record(row, source.ignore_checksums)
            signal = independent_leads(record.signal, record.leads)
            if not gaps and (unknown := int(np.count_nonzero(~np.isfinite(signal)))):
                raise ValueError(f"{unknown:,} of {signal.size:,} samples are unknown, expected none: cut them off")
        except ValueError as error:
            rejected.append(f"{row.record_id}: {error}")
            continue
        yield Chunk([record.record_id], signal[None], record.sampling_rate)


def table_of(source: RecordingSource, sampling_rate: int) -> RecordTable:
    """The recordings of a data set, which need no labels here; those that vqecg wrote without labels, by their headers.

    Raises ValueError as the reader of the layout.
    """
    if source.source != AUTO:
        return read_table(source.data, sampling_rate, source.source)
    return read_headers(source.data) if holds_records(source.data) else read_unlabelled(source.data, sampling_rate)


def left_out(rejected: list[str]) -> str:
    """Lines on the records that were left out, the first SHOWN by name; "" for none."""
    if not rejected:
        return ""
    more = [f"and {len(rejected) - SHOWN:,} more"] if len(rejected) > SHOWN else []
    return "\n  ".join([f"\n{len(rejected):,} left out:", *rejected[:SHOWN], *more])
