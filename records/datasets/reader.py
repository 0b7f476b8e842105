"""The interface of a reader of data sets. A new reader is one file: a class that registers itself in READERS.

    @READERS.register("mine")
    class MyReader(DatasetReader):
        layout = "signals.npz and labels.csv"
        ...

A file outside the package is found by VQECG_EXTENSIONS or an entry point (records/registry.py).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from typing_extensions import Doc

from vqecg.records.bounds import Checked, Hertz
from vqecg.records.datasets.wfdb_reading import Waveform, read_wfdb
from vqecg.records.record import RecordTable
from vqecg.records.registry import Registry

ABSENT, UNKNOWN = EMPTY_LABELS = ("none", "unknown")
EmptyLabels = Annotated[
    str,
    Doc(
        "an empty cell of labels in the csv: none (the record was looked at and has no label), or unknown (nobody "
        "said); without the option such cells are refused, unless a column labels_known of 0 and 1 says it"
    ),
]


@dataclass(frozen=True)
class ReadingOptions(Checked):
    """Wishes of the user; a reader takes those that its layout has a choice of."""

    sampling_rate: Hertz = 100  # Hz, the least that is wanted where a set has several rates
    labels_csv: Path | None = None  # the labels, for a reader with `takes_labels_csv`
    label_columns: tuple[str, ...] = ()  # the columns of that csv that hold labels; none: the reader decides
    empty_labels: EmptyLabels = ""  # the meaning of an empty cell of labels in that csv; "": such cells are refused


class DatasetReader(ABC):
    """A data set's layout: how it is recognised, how its records are listed, and how one is read.

    Readers are asked in the order of their `rank` in READERS (low first, 100 if none is given) whether they `detect`
    a folder. A reader is made without arguments and keeps no state.
    """

    layout: ClassVar[str]  # the files of such a folder in a line, for help and messages
    takes_labels_csv: ClassVar[bool] = False  # True where ReadingOptions.labels_csv may name the labels
    ignore_checksums: bool = False  # the user's wish, set by `read_record`: take files whose checksums do not fit

    @abstractmethod
    def detect(self, root: Path) -> bool:
        """True where the folder `root` is in this layout; looks at names and a few files only."""

    @abstractmethod
    def read_table(self, root: Path, options: ReadingOptions) -> RecordTable:
        """The records at or below `root` without their signals; parsing.record_frame makes the table from rows.

        The column source holds the reader's name. Raises ValueError for what is wrong with the folder.
        """

    def read_waveform(self, path: str) -> Waveform:
        """The samples of the record whose row has this `path`; as WFDB if a reader does not say otherwise.

        Raises ValueError, naming the file, for one that is missing or damaged, and NotAsDescribedError, which is one,
        for samples other than the record's header describes.
        """
        return read_wfdb(path, self.ignore_checksums)


READERS: Registry[type[DatasetReader]] = Registry("source", "vqecg.records.datasets")
