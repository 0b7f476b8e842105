"""Which layout a folder is in, and the reader for it: one table for a corpus, one ECGRecord for each of its rows."""

from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.datasets.challenge import has_diagnoses, read_challenge
from vqecg.records.datasets.cpsc2018 import find_references, read_cpsc2018, read_cpsc2018_record
from vqecg.records.datasets.ptbxl import find_ptbxl, read_ptbxl
from vqecg.records.datasets.wfdb_folder import COLUMNS_UNDERSTOOD, find_labels_csv, read_folder
from vqecg.records.datasets.wfdb_reading import Waveform, read_wfdb
from vqecg.records.record import ECGRecord, RecordTable

SOURCES = ("auto", "ptb-xl", "cpsc2018", "challenge", "folder")
LAYOUTS = f"""understood are
- ptb-xl: ptbxl_database.csv, scp_statements.csv, records100/ or records500/ (synthetic sets of this package too)
- cpsc2018: REFERENCE.csv and TrainingSet*/A####.mat, as the organisers shipped them
- challenge: .hea headers with a #Dx line beside .mat files (PhysioNet/CinC Challenge 2020 and 2021), in any subfolder
- folder: any WFDB records and a csv with {COLUMNS_UNDERSTOOD}"""

_HEADERS_LOOKED_AT = 20  # a header without Dx among those of a Challenge set does not hide the layout
_READERS: dict[str, Callable[[str], Waveform]] = {
    "ptb-xl": read_wfdb,
    "cpsc2018": read_cpsc2018_record,
    "challenge": read_wfdb,
    "folder": read_wfdb,
}


def read_table(
    root: Path, sampling_rate: int = 100, source: str = "auto", labels_csv: Path | None = None
) -> RecordTable:
    """List the records of a corpus, without their signals.

    Args:
        root: the folder as its publisher ships it, unpacked.
        sampling_rate: Hz, the least that is wanted where a set has several rates, as PTB-XL has (100 and 500). The
            other layouts have one rate, which the record itself tells; `prepare` resamples.
        source: one of SOURCES; "auto" looks at the files.
        labels_csv: the csv with the labels of a plain folder of WFDB records (see folder.read_folder).

    Raises:
        ValueError: no such folder, a layout that is not understood (says which are, and what was found), or whatever
            the layout's reader finds wrong.
    """
    root = Path(root).expanduser().resolve()
    if not root.is_dir():
        raise ValueError(f"{root} is no folder; expected the folder of a data set, unpacked")
    if source not in SOURCES:
        raise ValueError(f"source {source!r}, expected one of {', '.join(SOURCES)}")
    if labels_csv is not None and source not in ("auto", "folder"):
        raise ValueError(f"labels_csv goes with source 'folder', not with {source!r}, which has labels of its own")
    if source == "auto":
        source = "folder" if labels_csv is not None else detect_source(root)
    if source == "ptb-xl":
        return read_ptbxl(root, sampling_rate)
    if source == "cpsc2018":
        return read_cpsc2018(root)
    if source == "challenge":
        return read_challenge(root)
    return read_folder(root, None if labels_csv is None else Path(labels_csv))


def detect_source(root: Path) -> str:
    """The layout of `root`, one of SOURCES. ValueError: none of them; the message says what was found."""
    if find_ptbxl(root) is not None:
        return "ptb-xl"
    if find_references(root) and any(root.rglob("*.mat")):
        return "cpsc2018"
    headers = [header.with_suffix("") for header in islice(root.rglob("*.hea"), _HEADERS_LOOKED_AT)]
    if any(has_diagnoses(path) for path in headers):
        return "challenge"
    if headers and find_labels_csv(root) is not None:
        return "folder"
    raise ValueError(f"{root} is in no layout that is understood: it holds {_contents(root)}.\n{LAYOUTS}")


def _contents(root: Path) -> str:
    """What a folder holds, in a line: the number of files by extension, and the names of the first few entries."""
    counts = Counter(path.suffix or "without extension" for path in root.rglob("*") if path.is_file())
    if not counts:
        return "no files"
    kinds = ", ".join(f"{count:,} {suffix}" for suffix, count in counts.most_common(8))
    names = ", ".join(sorted(path.name for path in root.iterdir())[:8])
    return f"{kinds} ({names}, ...)"


def read_record(row: Any) -> ECGRecord:
    """Read one recording, every lead of it, at its own sampling rate.

    Args:
        row: one row of a RecordTable's records, from itertuples() or as a Series; `row.source` chooses the reader.

    Returns:
        The signal in mV, (leads, samples) float32, with the row's patient, attributes and statements.

    Raises:
        ValueError: an unknown source, or a file that is missing, cut off or damaged; names the file.
    """
    if row.source not in _READERS:
        raise ValueError(f"record {row.record_id}: source {row.source!r}, expected one of {', '.join(_READERS)}")
    waveform = _READERS[row.source](row.path)
    return ECGRecord(
        signal=waveform.signal,
        sampling_rate=waveform.sampling_rate,
        leads=waveform.leads,
        record_id=row.record_id,
        patient_id=row.patient_id,
        attributes={name: getattr(row, name) for name in ATTRIBUTES.names()},
        statements=dict(row.statements),
    )
