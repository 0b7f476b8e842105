"""Synthetic ECGs in memory: twelve leads, labels and origin of each, to be looked at, trained on or written."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
import pandas as pd

from vqecg.records.export.beat_annotations import AskedBeats
from vqecg.records.export.layouts import PTBXL, OutputSettings
from vqecg.records.export.synthetic_dataset import CERTAIN, FIRST_RECORD, write_synthetic
from vqecg.records.labels import LabelTask
from vqecg.records.leads import INDEPENDENT_LEADS, INDEPENDENT_ROWS, LEADS
from vqecg.records.record import ECGRecord

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False, repr=False)
class ECGRecords:
    """Synthetic ECGs of one rate and length; row n of each field belongs together.

    A number gives one ECGRecord; a slice, numbers or a mask give ECGRecords. Raises ValueError for fields that do not
    fit each other.
    """

    signal: np.ndarray  # (records, 12, samples) float32 mV, in the order of LEADS
    sampling_rate: int  # Hz
    labels: np.ndarray  # (records, classes) float32 0 or 1, of the task
    task: LabelTask
    attributes: Mapping[str, np.ndarray]  # by name, (records,) each: float32 numbers, NaN unknown; text
    origin: pd.DataFrame  # a row per record: generator, seed and settings that it came from
    beats: Sequence[AskedBeats]  # where the R peaks were asked for
    note: str = ""  # the last paragraph of the README.md that `save` writes

    def __post_init__(self) -> None:
        if self.signal.ndim != 3 or self.signal.shape[1] != len(LEADS):
            raise ValueError(f"signal of shape {self.signal.shape}, expected (records, 12, samples): see twelve_leads")
        if self.labels.shape != (len(self), len(self.task.class_names)):
            raise ValueError(
                f"labels of shape {self.labels.shape} for {len(self)} records of the task {self.task.name!r}; expected "
                f"({len(self)}, {len(self.task.class_names)})"
            )
        lengths = {"origin": len(self.origin), "beats": len(self.beats)}
        lengths |= {name: len(values) for name, values in self.attributes.items()}
        if odd := {name: length for name, length in lengths.items() if length != len(self)}:
            raise ValueError(f"got rows of {odd} for {len(self)} records; expected one for each")

    @property
    def leads(self) -> tuple[str, ...]:
        """The names of the twelve leads, in the order of `signal`."""
        return LEADS

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of `labels`."""
        return self.task.class_names

    def __len__(self) -> int:
        return len(self.signal)

    def __iter__(self) -> Iterator[ECGRecord]:
        return (self[number] for number in range(len(self)))

    @overload
    def __getitem__(self, rows: int) -> ECGRecord: ...

    @overload
    def __getitem__(self, rows: slice | Sequence[int] | np.ndarray) -> ECGRecords: ...

    def __getitem__(self, rows: int | slice | Sequence[int] | np.ndarray) -> ECGRecord | ECGRecords:
        numbers = np.arange(len(self))[rows]
        if isinstance(numbers, np.integer):
            return self._record(int(numbers))
        return replace(
            self,
            signal=self.signal[numbers],
            labels=self.labels[numbers],
            attributes={name: values[numbers] for name, values in self.attributes.items()},
            origin=self.origin.iloc[numbers].reset_index(drop=True),
            beats=[self.beats[number] for number in numbers],
        )

    def _record(self, number: int) -> ECGRecord:
        """One of them, called by the number that it has in the data set that `save` writes."""
        return ECGRecord(
            signal=self.signal[number],
            sampling_rate=self.sampling_rate,
            leads=LEADS,
            record_id=str(FIRST_RECORD + number),
            attributes={name: values[number] for name, values in self.attributes.items()},
            statements=dict.fromkeys(self.task.names(self.labels[number]), CERTAIN),
            synthetic=True,
        )

    def __repr__(self) -> str:
        totals = zip(self.class_names, self.labels.sum(axis=0), strict=True)
        counts = ", ".join(f"{total:.0f} {name}" for name, total in totals if total)
        seconds = self.signal.shape[2] / self.sampling_rate
        return (
            f"ECGRecords({len(self)} synthetic ECGs of {seconds:g} s at {self.sampling_rate} Hz: "
            f"{counts or 'no label'})"
        )

    def to_frame(self) -> pd.DataFrame:
        """A table with a row per record, by ecg_id: labels joined by "+", attributes, and the columns of `origin`."""
        labels = ["+".join(self.task.names(row)) for row in self.labels]
        numbers = pd.RangeIndex(FIRST_RECORD, FIRST_RECORD + len(self), name="ecg_id")
        columns = pd.DataFrame({"labels": labels, **self.attributes}, index=numbers)
        return pd.concat([columns, self.origin.set_axis(numbers)], axis=1)

    def to_torch(self, leads: int = 12) -> tuple[Tensor, Tensor]:
        """Signals (records, leads, samples) float32 mV and labels (records, classes) float32, as tensors.

        With 8 leads the signals are the independent ones, which tokenizers and classifiers take: I, II, V1 to V6.
        Raises ValueError for another number.
        """
        import torch  # here, so that reading records does not wait for torch

        if leads not in (8, 12):
            raise ValueError(f"got {leads} leads; expected 12, or 8 for {', '.join(INDEPENDENT_LEADS)}")
        signal = self.signal if leads == 12 else self.signal[:, INDEPENDENT_ROWS]
        return torch.tensor(signal), torch.tensor(self.labels)

    def save(self, folder: str | Path, layout: str = PTBXL, rates: Sequence[int] = (), overwrite: bool = False) -> None:
        """Writes them as `vqecg generate` does: a data set with manifest and README.md, whole or not at all.

        A label that the layout cannot hold is named in a warning, and in README.md.

        Args:
            folder: of the data set; it must not be there, or be an earlier one with `overwrite`.
            layout: PTB-XL's own, or another that docs/data.md lists.
            rates: Hz, at which every record is written; none = 100 and 500 in PTB-XL's layout.

        Raises:
            ValueError: no records, an unknown layout, rates that cannot be, or a folder that must not be replaced.
        """
        remark = write_synthetic(
            Path(folder),
            [self.signal[:, INDEPENDENT_ROWS]],
            self.labels,
            self.attributes,
            self.task,
            self.sampling_rate,
            self.origin,
            OutputSettings(layout, tuple(rates), overwrite=overwrite),
            note=self.note,
            beats=self.beats,
        )
        if remark:
            warnings.warn(remark, stacklevel=2)
