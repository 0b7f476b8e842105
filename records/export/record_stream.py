"""Records on their way into files: a checked table, and the signals in whole microvolt at every rate, one by one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.export.beat_annotations import AskedBeats
from vqecg.records.export.wfdb_writing import check_microvolts, check_samples, to_microvolts
from vqecg.records.folds import MAX_FOLD
from vqecg.records.leads import INDEPENDENT_LEADS
from vqecg.records.plain_names import unfit
from vqecg.records.store.preprocessing import resample

ROW_COLUMNS = ("patient_id", "fold", "statements")


@dataclass(frozen=True, eq=False)
class StreamedRecord:
    """One record."""

    ecg_id: int
    statements: Mapping[str, float]  # statement -> likelihood in percent, 0 = unknown
    attributes: Mapping[str, Any]  # by name, where the table has them
    microvolts: Mapping[int, np.ndarray]  # Hz -> (12, samples) int16 in the order of LEADS
    comments: tuple[str, ...]  # of a header: what kind of record this is
    beats: AskedBeats | None  # where R peaks were asked for, None where that is not known


@dataclass(frozen=True, eq=False)
class RecordStream:
    """Records that are written: their table, and their signals, which can be gone through once.

    Raises ValueError for a column or value of `rows` that does not fit (see `dataset.write_dataset`).
    """

    signals8: np.ndarray | Iterable[np.ndarray]  # (k, 8, samples) mV chunks in the order of INDEPENDENT_LEADS
    sampling_rate: int  # Hz, of the signals
    rates: tuple[int, ...]  # Hz, at which they are written
    rows: pd.DataFrame  # one row per record
    copies: bool = False  # the records are recordings again, or nearly

    def __post_init__(self) -> None:
        check_rows(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def ecg_ids(self) -> list[int]:
        """The number of every record: the column ecg_id, or 1, 2, ..."""
        if "ecg_id" not in self.rows.columns:
            return list(range(1, len(self.rows) + 1))
        return [int(number) for number in self.rows["ecg_id"]]

    def __iter__(self) -> Iterator[StreamedRecord]:
        """The records in the order of the table.

        Raises ValueError for signals of another shape or number, nan, and samples beyond +-32.767 mV at any rate.
        """
        rows: list[Any] = list(self.rows.itertuples(index=False))
        written, ecg_ids = 0, self.ecg_ids
        comment = "Copy of a recording: yes" if self.copies else "Synthetic: yes"
        for chunk in _chunks(self.signals8):
            if written + len(chunk) > len(rows):
                raise ValueError(f"at least {written + len(chunk)} signals for {len(rows)} rows, expected one per row")
            for signal in chunk:
                row, ecg_id = rows[written], ecg_ids[written]
                rated, beats = self._rated(ecg_id, signal), getattr(row, "beats", None)
                yield StreamedRecord(ecg_id, row.statements, _attributes(row), rated, (comment,), beats)
                written += 1
        if written != len(rows):
            raise ValueError(f"{written} signals for {len(rows)} rows, expected one per row")

    def comments(self, record: StreamedRecord, rate: int) -> tuple[str, ...]:
        """The further comment lines of a header at `rate` Hz."""
        resampled = () if rate == self.sampling_rate else (f"Resampled from: {self.sampling_rate} Hz",)
        return (*record.comments, *resampled)

    def _rated(self, ecg_id: int, signal: np.ndarray) -> dict[int, np.ndarray]:
        """(8, samples) mV as whole microvolt of twelve leads at every rate."""
        check_samples(str(ecg_id), signal)
        rated = {}
        for rate in self.rates:
            there = signal if rate == self.sampling_rate else resample(signal, self.sampling_rate, rate)
            rated[rate] = check_microvolts(str(ecg_id), to_microvolts(there))
        return rated


def check_rows(rows: pd.DataFrame) -> None:
    """Raise ValueError for a table of records whose columns or values do not fit."""
    missing = [column for column in ROW_COLUMNS if column not in rows.columns]
    if missing or rows.empty:
        raise ValueError(f"rows: {len(rows)} with columns {list(rows.columns)}, expected some with {list(ROW_COLUMNS)}")
    if not pd.api.types.is_integer_dtype(rows["fold"]) or not rows["fold"].between(1, MAX_FOLD).all():
        raise ValueError(f"fold holds {list(rows['fold'].unique()[:12])}, expected integers from 1 to {MAX_FOLD}")
    for number, row in enumerate(rows.itertuples(index=False)):
        for name, value in _attributes(row).items():
            try:
                ATTRIBUTES.get(name).check(value)
            except ValueError as error:
                raise ValueError(f"row {number}: {error}") from error
        if not isinstance(row.statements, Mapping):
            raise ValueError(f"row {number}: statements {row.statements!r}, expected a dict of statement -> percent")
        for statement in row.statements:
            if reason := unfit(str(statement)):
                raise ValueError(f"row {number}: the statement {reason}")
        strange = {name: percent for name, percent in row.statements.items() if not 0 <= percent <= 100}
        if strange:
            raise ValueError(f"row {number}: likelihoods {strange}, expected 0 (unknown) to 100 percent")
    if "ecg_id" in rows.columns:
        ids = rows["ecg_id"]
        if not pd.api.types.is_integer_dtype(ids) or ids.duplicated().any() or ids.min() < 1:
            raise ValueError("ecg_id must hold positive integers, each once; leave the column out to number from 1")


def _attributes(row: Any) -> dict[str, Any]:
    """The attributes of a row of the table, from itertuples()."""
    return {name: getattr(row, name) for name in ATTRIBUTES.names() if hasattr(row, name)}


def _chunks(signals8: np.ndarray | Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The signals as (k, 8, samples) arrays. ValueError: another shape, or lengths that differ."""
    samples = None
    for chunk in [signals8] if isinstance(signals8, np.ndarray) else signals8:
        array = np.asarray(chunk)
        if array.ndim != 3 or array.shape[1] != len(INDEPENDENT_LEADS) or array.shape[2] == 0:
            raise ValueError(f"signals of shape {array.shape}, expected (records, 8, samples)")
        if samples not in (None, array.shape[2]):
            raise ValueError(f"signals of {array.shape[2]} samples after others of {samples}; expected one length")
        samples = array.shape[2]
        yield array
