"""Seconds and memory per record of `prepare` and `encode`, for growing numbers of records.

The alternative is the same work on fewer records: what holds memory flat takes as much of it for 100,000 as for 1,000.
The records are mixed, not simulated one by one (that would take 7 minutes for 100,000): of a pool of simulated records
each is a mixture of two, moved in time and scaled, so that all differ. They are written as WFDB files in PTB-XL's
layout first, outside the timing. Memory is the resident set, without what is shared with other processes (the pages of
a file that is mapped are the system's cache), the highest value met while looking every 50 ms.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pandas as pd
import psutil

from benchmarks.measuring import Report, benchmark_parser, number
from vqecg.records.datasets.registry import read_table
from vqecg.records.export.dataset import write_dataset
from vqecg.records.label_tables import statement_table
from vqecg.records.leads import INDEPENDENT_ROWS
from vqecg.records.simulation.simulator import SimulatorSettings, simulate_record
from vqecg.records.store.building import build_store
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec

STATEMENTS = (("NORM", "SR"), ("IMI", "SR"), ("CLBBB", "SR"), ("LVH", "SR"), ("AFIB",), ("ISC_", "SR", "PVC"))
CHUNK = 500  # records mixed at a time
LOOK_EVERY = 0.05  # s


@dataclass(frozen=True)
class Cost:
    """The cost of one step."""

    seconds: float
    processor: float  # s of computing time, all processes together: what another load on the machine does not change
    main: float  # MiB, of the process that does or distributes the work
    worker: float  # MiB, of the largest of its workers; 0 without any


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(arguments)
    report = Report(__spec__.name, __doc__, arguments, options)
    rows = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        tokenizer = options.tokenizer or untrained_tokenizer(Path(folder) / "tokenizer")
        for records in options.records:
            place = Path(folder) / str(records)
            write_records(place / "data", records, options.pool)
            steps = {
                "prepare": partial(prepare, place / "data", place / "store", options.workers),
                "encode": partial(encode, place / "store", tokenizer, place / "codes", options.workers),
            }
            for name, step in steps.items():
                cost = measure(step)
                each = [number(1000 * seconds / records) for seconds in (cost.seconds, cost.processor)]
                rows.append((f"{name} {records:,}", *each, number(cost.main), number(cost.worker)))
                print(*rows[-1], flush=True)  # the larger sizes take long
    title = f"{options.workers} workers; records of 10 s at 100 Hz, a pool of {options.pool} simulated ones mixed"
    report.table(title, ("", "ms per record", "CPU ms per record", "MiB, main", "MiB, largest worker"), rows)
    report.write({"workers": options.workers, "simulated records that are mixed": options.pool})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = benchmark_parser(__doc__)
    parser.add_argument(
        "--records", type=int, nargs="+", default=[1_000, 10_000], help="how many, a size after another"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--pool", type=int, default=500, help="simulated records that are mixed")
    parser.add_argument("--tokenizer", type=Path, help="folder of a trained tokenizer (else: `small`, untrained)")
    parser.add_argument("--folder", type=Path, help="where the files go for the time being, 50 kB per record")
    return parser.parse_args(arguments)


def write_records(folder: Path, records: int, pool_size: int) -> None:
    """Writes so many records, all different, in PTB-XL's layout."""
    settings = SimulatorSettings(10.0, 100)
    pool = np.stack(
        [
            simulate_record(STATEMENTS[n % len(STATEMENTS)], np.random.default_rng([0, n]), settings).record.signal
            for n in range(pool_size)
        ]
    )[:, INDEPENDENT_ROWS]
    numbers = np.arange(records)
    rows = pd.DataFrame(
        {
            "patient_id": [str(n + 1) for n in numbers],
            "fold": numbers % 10 + 1,
            "age": 60.0,
            "sex": "female",
            "statements": [dict.fromkeys(STATEMENTS[n % len(STATEMENTS)], 100.0) for n in numbers],
        }
    )
    manifest = pd.DataFrame({"method": ["mixtures of simulated records"] * records})
    write_dataset(folder, mixtures(pool, records), 100, rows, statement_table(), manifest)


def mixtures(pool: np.ndarray, records: int) -> Iterator[np.ndarray]:
    """Chunks (n, 8, samples) mV of `records` records: two of the pool added with random weights, and moved in time."""
    rng = np.random.default_rng(0)
    for start in range(0, records, CHUNK):
        count = min(CHUNK, records - start)
        pairs = rng.integers(0, len(pool), (2, count))
        weights = rng.uniform(0.2, 0.8, (2, count, 1, 1)).astype(np.float32)
        mixed = (weights * pool[pairs]).sum(axis=0)
        yield np.stack([np.roll(signal, rng.integers(0, pool.shape[2]), axis=1) for signal in mixed])


def untrained_tokenizer(folder: Path) -> Path:
    """The tokenizer of the preset `small` with codebooks of random numbers: it computes as long as a trained one."""
    from vqecg.scripts.cli.presets import SMALL
    from vqecg.tokenizer.modeling import ECGTokenizer

    tokenizer = ECGTokenizer(SMALL.tokenizer.model)
    tokenizer.quantizer.code_vectors().normal_()
    tokenizer.save_pretrained(folder)
    return folder


def prepare(data: Path, folder: Path, workers: int) -> None:
    """The work of `vqecg prepare`."""
    build_store(read_table(data), SignalSpec(100, 10.0), folder, workers, progress=False)


def encode(store: Path, tokenizer: Path, folder: Path, workers: int) -> None:
    """The work of `vqecg encode`."""
    from vqecg.tokenizer.encoding import CodeStore  # here: preparing must not count torch's memory

    opened = RecordStore.open(store)
    CodeStore.build(opened, np.arange(len(opened)), tokenizer, folder, workers, progress=False)


def measure(step: Callable[[], None]) -> Cost:
    """Runs a step in a process of its own, from its first import to its last byte, and watches it and its workers."""
    process = get_context("spawn").Process(target=step)
    began, used = time.perf_counter(), processor_seconds()
    process.start()
    done, peaks = Event(), [0.0, 0.0]
    watcher = Thread(target=watch, args=(psutil.Process(process.pid), done, peaks))
    watcher.start()
    process.join()
    seconds = time.perf_counter() - began
    done.set()
    watcher.join()
    if process.exitcode != 0:
        raise RuntimeError(f"{step} ended with status {process.exitcode}")
    return Cost(seconds, processor_seconds() - used, *peaks)


def processor_seconds() -> float:
    """Computing time of all processes that this one and its children have started and that have ended, in s."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def watch(process: psutil.Process, done: Event, peaks: list[float]) -> None:
    """Keeps the highest memory of a process and of the largest of its children in `peaks`, in MiB."""
    while not done.wait(LOOK_EVERY):
        try:
            main, children = resident(process), [resident(child) for child in process.children()]
        except psutil.NoSuchProcess:
            continue  # one has just ended
        peaks[0], peaks[1] = max(peaks[0], main), max(peaks[1], *children, 0.0)


def resident(process: psutil.Process) -> float:
    """Resident memory without shared pages, MiB."""
    memory = process.memory_info()
    return (memory.rss - getattr(memory, "shared", 0)) / 2**20


if __name__ == "__main__":
    main()
