"""Loaders of PTB-XL by others, at their defaults, on a data set that vqecg wrote.

    python -m benchmarks.loaders.loaders --work runs/loaders

Every loader runs in an environment of its own below --work, which is no dependency of vqecg, and writes down what it
got: signals at its default rate and at 100 Hz, statements, superclasses, ages and sexes. These are compared with what
was written. The PTB-XL benchmark's utilities are in no package: read_ptbxl_benchmark.py does what they do.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.environments import environment
from benchmarks.measuring import Cell, Report, benchmark_parser, cell
from vqecg.records.datasets.registry import read_record, read_table
from vqecg.records.export.layouts import OutputSettings
from vqecg.records.export.synthetic_dataset import write_synthetic
from vqecg.records.labels import LabelTask
from vqecg.records.leads import INDEPENDENT_ROWS
from vqecg.records.simulation.simulator import SimulatorSettings, simulate_record

HERE = Path(__file__).resolve().parent
RATES = (500, 100)  # Hz; the first is every loader's default
# loader -> packages of its environment; torch first: left open, its GPU libraries come too
LOADERS = {
    "ptbxl_benchmark": ("pandas<3", "wfdb"),
    "ecgen": ("torch==2.13.0", "ecgen==1.1.0"),
    "torch_ecg": ("torch==2.13.0", "torch_ecg==0.0.33"),
}
STATEMENTS = (("NORM", "SR"), ("IMI", "AFIB"), ("CRBBB", "SR"), ("LVH", "ISC_", "SR"), ("NDT", "SBRAD"))


@dataclass(frozen=True)
class Agreement:
    """The agreement of a loader's result with what was written."""

    records: int
    shape: tuple[int, ...]  # of a record at the default rate
    differences: tuple[float, ...]  # mV, the largest, at each of RATES
    labels: int  # records whose statements and superclasses are those that were written
    described: int  # records whose age and sex are those that were written


def main(arguments: list[str] | None = None) -> None:
    """Writes the data set, runs every loader on it, compares and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for the environments and what is read")
    parser.add_argument("--records", type=int, default=100, help="of the data set")
    parser.add_argument("--loaders", nargs="+", default=list(LOADERS), choices=list(LOADERS))
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options)
    folder = options.work / "ptbxl"  # the PTB-XL benchmark's utilities know the data by this name
    write_set(folder, options.records)
    rows: list[list[Cell]] = []
    for name in options.loaders:
        python = environment(options.work / f"env-{name}", LOADERS[name])
        agreement = compare(folder, run_loader(python, name, folder, options.work / f"{name}.npz"))
        shape = " x ".join(map(str, agreement.shape))
        differences = [cell(difference, 4) for difference in agreement.differences]
        counts = [cell(count, 0) for count in (agreement.records, agreement.labels, agreement.described)]
        rows.append([f"{name} ({', '.join(LOADERS[name])})", *counts, *differences, shape])
    header = ["", "records read", "with the statements and superclasses written", "with the age and sex written"]
    header += [f"largest difference at {rate} Hz, mV" for rate in RATES]
    report.table(f"{options.records} records written by vqecg", [*header, "shape of a record"], rows)
    report.write({"records": options.records})


def write_set(folder: Path, records: int) -> None:
    """Writes simulated records as `vqecg generate` writes its own, in the default layout and at the default rates."""
    picked = [STATEMENTS[number % len(STATEMENTS)] for number in range(records)]
    settings = SimulatorSettings(10.0, 100)
    signals = (
        simulate_record(("SR",), np.random.default_rng([0, number]), settings).record.signal
        for number in range(records)
    )
    statements = [dict.fromkeys(names, 100.0) for names in picked]
    task = LabelTask.named("superdiagnostic")
    attributes = {
        "age": np.arange(records) % 70 + 20.0,
        "sex": np.array([("female", "male")[number % 2] for number in range(records)], object),
    }
    chunks = (signal[None, INDEPENDENT_ROWS] for signal in signals)
    manifest = pd.DataFrame({"method": ["simulator"] * records})
    output = OutputSettings(overwrite=True)
    write_synthetic(folder, chunks, task.encode(statements), attributes, task, 100, manifest, output, statements)


def run_loader(python: Path, name: str, folder: Path, result: Path) -> dict[str, np.ndarray]:
    """The arrays that a loader read of a data set, by the names that its script gives; in the order of `ecg_id`.

    Raises ValueError when it fails.
    """
    command = [str(python), "-W", "ignore", str(HERE / f"read_{name}.py"), str(folder), str(result)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"{name} cannot read {folder}; its last words: {done.stderr[-2000:]}")
    with np.load(result, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def compare(folder: Path, result: dict[str, np.ndarray]) -> Agreement:
    """Compares what a loader read with what vqecg reads of the same folder, record by record."""
    table = read_table(folder).records.set_index("record_id", drop=False)
    ids = [str(number) for number in result["ecg_id"].tolist()]
    task = LabelTask.named("superdiagnostic")
    read = [json.loads(text) for text in result["described"].tolist()]
    labels = described = 0
    for record_id, said in zip(ids, read, strict=True):
        row = table.loc[record_id]
        classes = task.names(task.encode([row["statements"]])[0])
        labels += set(said["statements"]) == set(row["statements"]) and set(said["superclasses"]) == set(classes)
        described += said["age"] == row["age"] and said["sex"] == ("male", "female").index(row["sex"])
    differences = []
    for rate in RATES:
        rated = read_table(folder, rate).records.set_index("record_id", drop=False)
        pairs = zip(ids, result[f"signals_{rate}"], strict=True)
        largest = [np.abs(read_record(rated.loc[record_id]).signal - signal).max() for record_id, signal in pairs]
        differences.append(float(np.max(largest)))
    return Agreement(len(ids), result[f"signals_{RATES[0]}"].shape[1:], tuple(differences), labels, described)


if __name__ == "__main__":
    main()
