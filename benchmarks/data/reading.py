"""Reading a corpus: our PTB-XL reader and store against wfdb, on the same simulated files.

- one recording from its files: `read_record` against `wfdb.rdrecord`;
- to the models' input, (8, samples) at 100 Hz: `read_record` and `prepare` against `wfdb.rdrecord`, `scipy.signal.
  resample_poly` with its own filter, and a choice of leads;
- a whole corpus: `build_store`, which also checks quality and writes to disk, against the loader of PTB-XL's own
  example_physionet.py, `np.array([wfdb.rdsamp(file) ...])`, which holds all twelve leads in memory;
- training batches in random order: the store's memory map against `wfdb.rdrecord`.
"""

import argparse
import tempfile
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import wfdb
from scipy.signal import resample_poly

from benchmarks.measuring import Report, benchmark_parser, time_side_by_side
from vqecg.records.datasets.ptbxl import read_ptbxl
from vqecg.records.datasets.registry import read_record
from vqecg.records.record import RecordTable
from vqecg.records.simulation.dataset import simulate_dataset
from vqecg.records.store.building import build_store
from vqecg.records.store.preprocessing import prepare
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec

SPEC = SignalSpec(100, 10.0)
INDEPENDENT_ROWS = [0, 1, 6, 7, 8, 9, 10, 11]  # of the twelve leads in PTB-XL's order


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options)
    with tempfile.TemporaryDirectory() as folder:
        for sampling_rate in options.sampling_rates:
            data = Path(folder) / f"data-{sampling_rate}"
            simulate_dataset(data, options.records, seed=0, sampling_rate=sampling_rate, progress=False)
            table = read_ptbxl(data, sampling_rate)
            compare_reading(report, table, sampling_rate, options.rounds)
            compare_building(report, table, sampling_rate, Path(folder))
    report.write({"records": options.records, "batch": options.batch})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--records", type=int, default=100, help="simulated records, at least 20")
    parser.add_argument("--sampling-rates", type=int, nargs="+", default=[100, 500], help="of the files, Hz")
    parser.add_argument("--batch", type=int, default=64, help="records of a training batch")
    parser.add_argument("--rounds", type=int, default=3, help="timed runs of each alternative")
    return parser.parse_args(arguments)


def compare_reading(report: Report, table: RecordTable, sampling_rate: int, rounds: int) -> None:
    """Record by record, to the signal as recorded and to the models' input."""
    rows = list(table.records.itertuples(index=False))
    recorded = {
        "vqecg": lambda: [read_record(row) for row in rows],
        "wfdb": lambda: [wfdb.rdrecord(row.path) for row in rows],
    }
    timings = time_side_by_side(recorded, len(rows), rounds)
    report.timings(f"one recording from its files at {sampling_rate} Hz", "records/s", timings)
    prepared = {
        "vqecg": lambda: [prepare(read_record(row), SPEC) for row in rows],
        "wfdb, scipy": lambda: [prepare_by_wfdb(str(row.path), sampling_rate) for row in rows],
    }
    timings = time_side_by_side(prepared, len(rows), rounds)
    report.timings(f"{sampling_rate} Hz files to (8, {SPEC.samples}) at 100 Hz", "records/s", timings)


def prepare_by_wfdb(path: str, sampling_rate: int) -> np.ndarray:
    """The code that one would write without this package: (8, samples) mV at SPEC's rate, no checks."""
    signal = wfdb.rdrecord(path).p_signal.T[INDEPENDENT_ROWS]
    return resample_poly(signal, SPEC.sampling_rate, sampling_rate, axis=-1).astype(np.float32)


def compare_building(report: Report, table: RecordTable, sampling_rate: int, folder: Path) -> None:
    """All records at once, then batches of them."""
    records, options = table.records, report.options
    # a folder of its own each time: the same corpus in the same folder would only be opened
    folders = (folder / f"store-{sampling_rate}-{turn}" for turn in count())

    def build() -> RecordStore:
        return build_store(table, SPEC, next(folders), progress=False)

    corpus = {"vqecg": build, "example_physionet.py": lambda: load_as_in_the_example(records)}
    timings = time_side_by_side(corpus, len(records), options.rounds)
    report.timings(f"the whole corpus, {sampling_rate} Hz, one process", "records/s", timings)
    built = build()
    chosen = np.random.default_rng(0).integers(len(built), size=options.batch)
    paths = records["path"].to_numpy()
    batches = {
        "vqecg store": lambda: built.signals(chosen),
        "wfdb": lambda: np.stack([prepare_by_wfdb(paths[row], sampling_rate) for row in chosen]),
    }
    timings = time_side_by_side(batches, options.batch, options.rounds)
    report.timings(f"a batch of {options.batch} random records, {sampling_rate} Hz", "records/s", timings)


def load_as_in_the_example(records: pd.DataFrame) -> np.ndarray:
    """(records, samples, 12) mV, as example_physionet.py of PTB-XL 1.0.3 loads the corpus."""
    return np.array([signal for signal, _ in (wfdb.rdsamp(path) for path in records["path"])])


if __name__ == "__main__":
    main()
