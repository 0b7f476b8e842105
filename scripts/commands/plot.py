"""`vqecg plot`."""

from dataclasses import dataclass
from pathlib import Path

from vqecg.records.bounds import Checked, Hertz
from vqecg.records.datasets.registry import AUTO, SourceName, read_record, read_table
from vqecg.records.ecg_paper import plot_ecg, save_figure
from vqecg.records.files.atomic import check_file
from vqecg.records.store.preprocessing import prepare
from vqecg.records.store.signal_spec import SignalSpec
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.short_help import ShortHelp
from vqecg.scripts.cli.stage import alone

HELP = ShortHelp(
    example="vqecg plot --data data/ptb-xl --record 1 --out ecg.svg",
    options=("sampling-rate", "source", "overwrite"),
)


@dataclass(frozen=True)
class Arguments(Checked):
    """Options of `vqecg plot`."""

    data: Path  # folder of ECGs, real or synthetic
    record: str  # record_id, such as 1 or A0001
    out: Path  # file to write, .svg or .png
    sampling_rate: Hertz = 100  # Hz, at which it is drawn
    source: SourceName = AUTO
    ignore_checksums: bool = False  # draw a record whose first values or checksums are not those of its header
    overwrite: bool = False  # replace the file --out


@alone
def run(arguments: Arguments) -> Outcome:
    """Draws one recording on ECG paper."""
    check_file(arguments.out, arguments.overwrite)
    table = read_table(arguments.data, arguments.sampling_rate, arguments.source).records
    rows = table[table["record_id"] == arguments.record]
    if rows.empty:
        raise ValueError(
            f"no record {arguments.record!r} among {len(table):,} in {arguments.data}; the first are "
            f"{', '.join(table['record_id'].iloc[:5])}"
        )
    record = read_record(next(rows.itertuples(index=False)), arguments.ignore_checksums)
    signal = prepare(record, SignalSpec(arguments.sampling_rate))
    title = f"{record.record_id}: {', '.join(record.statements) or 'no statement'}"
    save_figure(plot_ecg(signal, arguments.sampling_rate, title), arguments.out)
    figures = {"out": arguments.out, "record": arguments.record}
    return Outcome(figures, f"{arguments.record} is drawn in {arguments.out}")
