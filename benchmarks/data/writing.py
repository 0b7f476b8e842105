"""Writing a data set: every layout of ours, and wfdb.wrsamp on the same records.

wfdb's side is what one would write without this package: resample, derive the four limb leads, one call for every file.
It makes no table, manifest or README.md.
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import wfdb

from benchmarks.measuring import Report, benchmark_parser, number, time_side_by_side
from vqecg.records.export.dataset import write_dataset
from vqecg.records.export.layouts import LAYOUTS
from vqecg.records.label_tables import statement_table
from vqecg.records.leads import LEADS, twelve_leads
from vqecg.records.simulation.simulator import SimulatorSettings, simulate_record
from vqecg.records.store.preprocessing import resample

RATES = (100, 500)  # Hz; the records are of the first
POOL = 50  # simulated records that are written again and again


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--records", type=int, default=1000, help="of a data set")
    parser.add_argument("--rounds", type=int, default=3, help="timed runs of each alternative")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options)
    signals = pool()[np.arange(options.records) % POOL]
    with tempfile.TemporaryDirectory() as place:
        compare_with_wfdb(report, signals, Path(place))
        compare_layouts(report, signals, Path(place))
    report.write({"records": options.records})


def pool() -> np.ndarray:
    """(POOL, 8, 1000) mV: simulated records."""
    settings = SimulatorSettings(10.0, RATES[0])
    records = [simulate_record(("SR",), np.random.default_rng([0, n]), settings).record for n in range(POOL)]
    return np.stack([record.signal[[0, 1, *range(6, 12)]] for record in records])


def write(folder: Path, signals: np.ndarray, layout: str, rates: tuple[int, ...]) -> None:
    """Writes (records, 8, samples) mV as a data set, in the place of an earlier one."""
    rows = pd.DataFrame({"patient_id": "", "fold": 1, "statements": [{"SR": 0.0}] * len(signals)})
    how = {"layout": layout, "rates": rates, "overwrite": True}
    write_dataset(folder, signals, RATES[0], rows, statement_table(), pd.DataFrame(index=rows.index), **how)


def write_by_wfdb(folder: Path, signals: np.ndarray) -> None:
    """Writes the same records at both rates."""
    folder.mkdir(exist_ok=True)
    shared = {"units": ["mV"] * 12, "sig_name": list(LEADS), "fmt": ["16"] * 12, "write_dir": str(folder)}
    scale = {"adc_gain": [1000.0] * 12, "baseline": [0] * 12}
    for record, signal in enumerate(signals):
        for rate in RATES:
            leads = twelve_leads(resample(signal, RATES[0], rate).astype(np.float64))
            wfdb.wrsamp(f"{record:05d}_{rate}", rate, p_signal=leads.T, **shared, **scale)


def compare_with_wfdb(report: Report, signals: np.ndarray, place: Path) -> None:
    """PTB-XL's layout at both rates, and wfdb."""
    alternatives = {
        "vqecg": lambda: write(place / "ptbxl", signals, "ptbxl", RATES),
        "wfdb.wrsamp": lambda: write_by_wfdb(place / "wfdb", signals),
    }
    timings = time_side_by_side(alternatives, len(signals), report.options.rounds, warm_up=False)
    report.timings("writing records at 100 and 500 Hz", "records/s", timings)


def compare_layouts(report: Report, signals: np.ndarray, place: Path) -> None:
    """Time and disk of every layout at every rate that it takes."""
    rows = []
    for layout in LAYOUTS.names():
        sets = ((100,), (500,), RATES) if LAYOUTS.get(layout).several_rates else ((100,), (500,))
        for rates in sets:
            if layout == "ptbxl" and rates == (500,):
                continue  # it holds the rate of the records whatever is asked for
            folder = place / layout
            work = {layout: lambda layout=layout, folder=folder, rates=rates: write(folder, signals, layout, rates)}
            (timing,) = time_side_by_side(work, len(signals), report.options.rounds, warm_up=False)
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / len(signals)
            named = f"{layout}, {' and '.join(map(str, rates))} Hz"
            rows.append((named, number(1000 / timing.median), number(size / 1000)))
    report.table("layouts", ("", "ms per record", "kB per record"), rows)


if __name__ == "__main__":
    main()
