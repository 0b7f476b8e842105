"""The interface of a layout of written data sets. A new layout is one file: a class that registers itself in LAYOUTS.

    @LAYOUTS.register("mine")
    class MyLayout(DatasetLayout):
        help = "signals.bin and labels.csv"
        ...

A file outside the package is found by VQECG_EXTENSIONS or an entry point (records/registry.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pandas as pd

from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.bounds import Checked, Hertz
from vqecg.records.export.origins import MANIFEST
from vqecg.records.export.record_stream import RecordStream
from vqecg.records.registry import Choices, Registry

LOWEST_RATE, HIGHEST_RATE = 50, 4000  # Hz


@dataclass(frozen=True)
class Description:
    """The files of a data set, for people."""

    files: tuple[str, ...]  # an entry of the list in README.md each, in Markdown
    remark: str = ""  # something that the user should know, for the screen and README.md


class DatasetLayout(ABC):
    """A layout in which data sets are written. A layout is made without arguments and keeps no state."""

    help: ClassVar[str]  # the files in a line, for help and messages
    rates: ClassVar[tuple[int, ...]] = ()  # Hz, where none are asked for; none = that of the records
    several_rates: ClassVar[bool] = True  # False where a folder holds every record once
    keeps_rate: ClassVar[bool] = False  # True where the records are written at their rate whatever is asked for

    @abstractmethod
    def holds(self, folder: Path) -> bool:
        """True where `folder` holds a data set that this package wrote in this layout; it may be overwritten."""

    @abstractmethod
    def write(self, folder: Path, records: RecordStream, statement_table: pd.DataFrame) -> Description:
        """Write everything but manifest and README.md into `folder`, which is new and empty.

        Raises ValueError for records that the layout cannot hold.
        """

    def all_rates(self, sampling_rate: int, asked: Sequence[int] = ()) -> tuple[int, ...]:
        """The rates, in Hz and in rising order, that are written of records of `sampling_rate` Hz.

        Raises ValueError for several where the layout holds one.
        """
        rates = set(asked or self.rates or (sampling_rate,))
        rates |= {sampling_rate} if self.keeps_rate else set()
        if len(rates) > 1 and not self.several_rates:
            raise ValueError(
                f"rates {sorted(rates)} Hz in a layout that holds every record once; expected one rate, such as 500"
            )
        return tuple(sorted(rates))


LAYOUTS: Registry[type[DatasetLayout]] = Registry("layout", "vqecg.records.export")
PTBXL = "ptbxl"  # the layout if no other is asked for
LayoutName = Annotated[str, Choices("layout of the files", LAYOUTS.listing)]


@dataclass(frozen=True)
class OutputSettings(Checked):
    """The form of a written data set. Raises ValueError for an unknown layout and for rates that cannot be."""

    layout: LayoutName = PTBXL
    rates: tuple[Hertz, ...] = ()  # Hz, resampled; none = 100 500 in ptbxl, 500 in challenge, else the generator's
    no_origins: bool = False  # leave out private/, which names the recordings behind the records
    overwrite: bool = False  # replace an earlier synthetic data set in --out

    def __post_init__(self) -> None:
        super().__post_init__()
        check_rates(self.rates)
        self.writer.all_rates(500, self.rates)

    @property
    def writer(self) -> DatasetLayout:
        """The layout."""
        return LAYOUTS.get(self.layout)()

    def all_rates(self, sampling_rate: int) -> tuple[int, ...]:
        """The rates, in Hz and in rising order, that are written of records of `sampling_rate` Hz."""
        return self.writer.all_rates(sampling_rate, self.rates)

    def describe(self, sampling_rate: int) -> str:
        """Layout and rates of records of `sampling_rate` Hz, and where the rest is told."""
        rates = ", ".join(map(str, self.all_rates(sampling_rate)))
        return f"layout {self.layout}, {rates} Hz, README.md, {MANIFEST}"


def check_rates(rates: Sequence[int]) -> None:
    """Raise ValueError for sampling rates that are not whole numbers of Hz from 50 to 4000, each there once."""
    strange = [rate for rate in rates if not isinstance(rate, int) or not LOWEST_RATE <= rate <= HIGHEST_RATE]
    if strange or len(set(rates)) != len(rates):
        raise ValueError(
            f"sampling rates {tuple(rates)} Hz, expected whole numbers from {LOWEST_RATE} to {HIGHEST_RATE}, each once"
        )


def is_dataset(folder: Path) -> bool:
    """True where a folder holds a data set that this package wrote (PTB-XL itself has no manifest)."""
    return (folder / MANIFEST).is_file() and any(layout().holds(folder) for _, layout in LAYOUTS)


def plain_columns(records: RecordStream) -> dict[str, list[Any]]:
    """The columns of a layout that has no form of its own: (records,) lists by name.

    ecg_id, patient_id, strat_fold, then the attributes by name: numbers (nan = unknown) or categories.
    """
    rows = records.rows
    columns: dict[str, list[Any]] = {
        "ecg_id": list(records.ecg_ids),
        "patient_id": rows["patient_id"].astype(str).tolist(),
        "strat_fold": [int(fold) for fold in rows["fold"]],
    }
    for name, attribute in ATTRIBUTES:
        values = rows[name].tolist() if name in rows.columns else [attribute.unknown] * len(rows)
        columns[name] = [float(value) for value in values] if attribute.is_number else [str(value) for value in values]
    return columns


def likelihoods(records: RecordStream) -> list[Mapping[str, float]]:
    """Statement -> likelihood in percent (0 = unknown) of every record, as plain text and numbers."""
    return [{str(name): float(value) for name, value in row.items()} for row in records.rows["statements"]]
