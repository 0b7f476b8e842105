"""A folder in any layout that a reader knows: one table for a corpus, one ECGRecord for each of its rows."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.datasets.csv_table import read_header_line
from vqecg.records.datasets.file_tree import files_in, find_files, find_headers
from vqecg.records.datasets.fit_names import with_fit_names
from vqecg.records.datasets.reader import READERS, DatasetReader, ReadingOptions
from vqecg.records.record import ECGRecord, RecordTable
from vqecg.records.registry import Choices
from vqecg.records.unknown_labels import COLUMN

__all__ = ["READERS", "DatasetReader", "ReadingOptions", "detect_source", "read_record", "read_records", "read_table"]

NOT_READ = (".edf", ".bdf", ".hdf5", ".h5", ".npy", ".npz", ".dcm", ".xml", ".scp", ".ecg", ".aecg", ".pkl")
AUTO = "auto"  # the source that is detected
SourceName = Annotated[str, Choices("layout of the folder", lambda: (f"{AUTO} (detected)", *READERS.names()))]


def layouts() -> str:
    """A line per layout that is understood, for messages."""
    return "\n".join(["understood are", *(f"- {name}: {reader.layout}" for name, reader in READERS)])


def read_table(
    root: str | Path,
    sampling_rate: int = 100,
    source: str = AUTO,
    labels_csv: str | Path | None = None,
    label_columns: Sequence[str] = (),
    empty_labels: str = "",
) -> RecordTable:
    """List the records of a corpus, without their signals.

    Args:
        root: the folder as its publisher ships it, unpacked.
        sampling_rate: Hz, the least that is wanted where a set has several rates, as PTB-XL has (100 and 500). The
            other layouts have one rate, that of the record itself; `prepare` resamples.
        source: a name of READERS; "auto" looks at the files.
        labels_csv: the csv with the labels of a plain folder of WFDB records (see wfdb_folder.read_folder).
        label_columns: the columns of that csv that hold labels; none: they are guessed, and the table's notes say how.
        empty_labels: the meaning of an empty cell of labels there: "none" or "unknown"; "" refuses such cells.

    Raises:
        ValueError: no such folder, a layout that is not understood (the message lists those that are, and the files
            there), or whatever the layout's reader refuses.
    """
    place = _folder(Path(root))
    if source != AUTO and source not in READERS:
        raise ValueError(f"source {source!r}, expected one of {AUTO}, {', '.join(READERS.names())}")
    labelled = [name for name, reader in READERS if reader.takes_labels_csv]
    if source == AUTO:
        source = detect_source(place) if labels_csv is None else labelled[0]
    given = {"labels_csv": labels_csv, "label_columns": label_columns, "empty_labels": empty_labels}
    for option, value in given.items():
        if value and source not in labelled:
            raise ValueError(
                f"{option} goes with source {labelled[0]!r}, not with {source!r}, whose labels are its own"
            )
    if isinstance(label_columns, str):
        raise ValueError(f"label_columns is the text {label_columns!r}, expected a list of names of columns")
    csv = None if labels_csv is None else Path(labels_csv)
    options = ReadingOptions(sampling_rate, csv, tuple(label_columns), empty_labels)
    return with_fit_names(READERS.get(source)().read_table(place, options))


def _folder(path: Path) -> Path:
    """The folder at a path, absolute and without links. ValueError: there is none, or it cannot be listed."""
    try:
        root = path.expanduser().resolve()
        next(root.iterdir(), None)
    except (FileNotFoundError, NotADirectoryError):
        kind = "a link to nothing" if path.is_symlink() else "a file" if path.exists() else "not there"
        raise ValueError(f"{path} is no folder ({kind}); expected the folder of a data set, unpacked") from None
    except (OSError, RuntimeError, ValueError) as error:  # no permission, a circle of links, a zero byte
        raise ValueError(f"{path} is no folder that can be listed ({error}); expected that of a data set") from error
    return root


def detect_source(root: Path) -> str:
    """The name of the first reader that knows the layout of `root`. ValueError, with what is there: none does."""
    for name, reader in READERS:
        if reader().detect(root):
            return name
    raise ValueError(
        f"{root} is in no layout that is understood: it holds {_contents(root)}.{_to_convert(root)}\n{layouts()}"
    )


def _to_convert(root: Path) -> str:
    """Advice for recordings in formats that are not read, "" where there are none."""
    kinds = sorted({file.suffix.lower() for file in find_files(root, *NOT_READ).files})
    return f" Recordings in {', '.join(kinds)} are not read: write each as WFDB first (wfdb.wrsamp)." if kinds else ""


def _contents(root: Path) -> str:
    """The content of a folder in a line: files by extension, the first few names, what is odd and what is no csv."""
    listing = find_files(root)
    counts = Counter(path.suffix or "without extension" for path in listing.files)
    odd = "".join(
        f"; {path.name} is {what}" for path, what in [*listing.odd.items(), *find_headers(root).odd.items()][:1]
    )
    for file in files_in(root, ".csv"):
        try:
            read_header_line(file)
        except ValueError as error:
            odd += f"; {error}"
    if not counts:
        return f"no files{odd}"
    kinds = ", ".join(f"{count:,} {suffix}" for suffix, count in counts.most_common(8))
    names = ", ".join(sorted(path.name for path in root.iterdir())[:8])
    return f"{kinds} ({names}, ...){odd}"


def read_record(row: Any, ignore_checksums: bool = False) -> ECGRecord:
    """Read one recording, every lead of it, at its own sampling rate.

    Args:
        row: one row of a RecordTable's records, from itertuples() or as a Series; `row.source` names the reader.
        ignore_checksums: read files whose first values or checksums differ from their headers, as damaged ones do.

    Returns:
        The signal in mV, (leads, samples) float32, with the row's patient, attributes and statements.

    Raises:
        ValueError: an unknown source, or a file that is missing, cut off or damaged; names the file. Where it is not
            what its header describes, a NotAsDescribedError.
    """
    reader = READERS.get(row.source)()
    reader.ignore_checksums = ignore_checksums
    waveform = reader.read_waveform(row.path)
    return ECGRecord(
        signal=waveform.signal,
        sampling_rate=waveform.sampling_rate,
        leads=waveform.leads,
        record_id=row.record_id,
        patient_id=row.patient_id,
        attributes={name: getattr(row, name) for name in ATTRIBUTES.names()},
        statements=dict(row.statements),
        unknown=getattr(row, COLUMN, ()),
    )


def read_records(
    root: str | Path,
    sampling_rate: int = 100,
    source: str = AUTO,
    labels_csv: str | Path | None = None,
    ignore_checksums: bool = False,
    label_columns: Sequence[str] = (),
) -> Iterator[ECGRecord]:
    """The recordings of a corpus one after another, at their own sampling rates.

    Arguments and errors are those of `read_table`, at once, and of `read_record`, when a recording is reached.
    """
    table = read_table(root, sampling_rate, source, labels_csv, label_columns)
    return (read_record(row, ignore_checksums) for row in table.records.itertuples(index=False))
