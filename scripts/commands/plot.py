"""`vqecg plot`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from vqecg.records.bounds import Checked, Count, HertzOrNone
from vqecg.records.datasets.registry import AUTO, SourceName, read_record, read_table
from vqecg.records.ecg_paper import save_figure
from vqecg.records.files.atomic import check_file
from vqecg.records.leads import INDEPENDENT_LEADS, has_twelve
from vqecg.records.reading import read_ecg, with_header
from vqecg.records.record import ECGRecord
from vqecg.records.store.preprocessing import prepare, resample
from vqecg.records.store.signal_spec import SignalSpec
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.cli.stage import alone

DATA_SET_RATE = 100  # Hz, at which records of a data set are drawn unless another rate is asked for
HELP = ShortHelp(
    example="vqecg plot records100/00000/00001_lr --out ecg.svg",
    options=("path", "data", "record", "sampling-rate", "dpi", "overwrite"),
)


@dataclass(frozen=True)
class Arguments(Checked):
    """Options of `vqecg plot`."""

    out: Path  # file to write, .svg or .png
    path: Annotated[Path | None, tyro.conf.Positional] = None  # one WFDB record, with or without .hea; labels or none
    data: Path | None = None  # instead of a path, the folder of a data set, real or synthetic
    record: str = ""  # with --data: record_id, such as 1 or A0001
    sampling_rate: HertzOrNone = 0  # Hz, at which it is drawn; 0 = the record's own, with --data 100
    dpi: Count = 110  # dots per inch of a .png
    source: SourceName = AUTO
    ignore_checksums: bool = False  # draw a record whose first values or checksums are not those of its header
    overwrite: bool = False  # replace the file --out


@alone
def run(arguments: Arguments) -> Outcome:
    """Draws one recording on ECG paper."""
    check_file(arguments.out, arguments.overwrite)
    if (arguments.path is None) == (arguments.data is None) or bool(arguments.record) != (arguments.data is not None):
        raise ValueError(
            "expected the path of one WFDB record, such as records/00001_lr, or --data and --record, a data set and "
            "the id of a record in it"
        )
    data = Path(arguments.data or "")
    record = of_path(arguments, arguments.path) if arguments.path else of_data_set(arguments, data)
    save_figure(record.plot(), arguments.out, arguments.dpi)
    figures = {"out": arguments.out, "record": record.record_id}
    return Outcome(figures, f"{record.record_id} is drawn in {arguments.out}")


def of_path(arguments: Arguments, path: Path) -> ECGRecord:
    """The record at a path, at its own rate or the one asked for. Raises ValueError as `read_ecg`."""
    record, rate = read_ecg(path, arguments.ignore_checksums), arguments.sampling_rate
    return at_rate(record, rate) if rate else record


def of_data_set(arguments: Arguments, data: Path) -> ECGRecord:
    """The record of a data set, its first ten seconds. Raises ValueError for an id that is not there."""
    rate = arguments.sampling_rate or DATA_SET_RATE
    table = read_table(data, rate, arguments.source).records
    rows = table[table["record_id"] == arguments.record]
    if rows.empty:
        raise ValueError(
            f"no record {arguments.record!r} among {len(table):,} in {data}; the first are "
            f"{', '.join(table['record_id'].iloc[:5])}"
        )
    row = next(rows.itertuples(index=False))
    record = with_header(read_record(row, arguments.ignore_checksums), str(row.path))
    if not has_twelve(record.leads):
        return at_rate(record, rate)
    return replace(record, signal=prepare(record, SignalSpec(rate)), leads=INDEPENDENT_LEADS, sampling_rate=rate)


def at_rate(record: ECGRecord, rate: float) -> ECGRecord:
    """All leads of a record, resampled."""
    return replace(record, signal=resample(record.signal, record.sampling_rate, rate), sampling_rate=rate)
