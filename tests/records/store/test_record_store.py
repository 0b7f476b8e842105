import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from vqecg.records.datasets.registry import read_table
from vqecg.records.export.dataset import write_dataset
from vqecg.records.label_tables import statement_table
from vqecg.records.record import RecordTable
from vqecg.records.store.building import build_store
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec

SPEC = SignalSpec()
STATEMENTS = [{"NORM": 100.0, "SR": 0.0}, {"IMI": 50.0}, {"LVH": 100.0}, {}, {"CLBBB": 15.0, "AFIB": 0.0}]


def signals(records: int = 5, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(records, 8, 1000)).cumsum(axis=2) / 50
    return np.round(noise, 3).astype(np.float32)


def corpus(folder: Path, signals8: np.ndarray | None = None) -> RecordTable:
    """A PTB-XL layout with one record a row of `signals8`."""
    written = signals() if signals8 is None else signals8
    rows = pd.DataFrame(
        {
            "patient_id": [str(number + 1) for number in range(len(written))],
            "fold": [number % 10 + 1 for number in range(len(written))],
            "age": [50.0 + number % 50 for number in range(len(written))],
            "sex": "female",
            "statements": [STATEMENTS[number % 5] for number in range(len(written))],
        }
    )
    write_dataset(folder, written, 100, rows, statement_table(), pd.DataFrame({"method": ["test"] * len(written)}))
    return read_table(folder)


def build(table: RecordTable, folder: Path, **options: object) -> RecordStore:
    return build_store(table, SPEC, folder, progress=False, **options)


def test_a_store_gives_back_signals_table_and_labels(tmp_path: Path) -> None:
    table = corpus(tmp_path / "data")
    build(table, tmp_path / "store")
    store = RecordStore.open(tmp_path / "store")
    assert len(store) == 5 and store.spec == SPEC and store.source == "ptb-xl"
    assert store.signals(np.array([3, 0])).dtype == np.float32
    np.testing.assert_allclose(store.signals(np.array([3, 0])), signals()[[3, 0]], atol=1e-6)
    np.testing.assert_allclose(store.signals(slice(1, 3)), signals()[1:3], atol=1e-6)
    np.testing.assert_allclose(store.signals(store.table["fold"].to_numpy() == 2), signals()[1:2], atol=1e-6)
    pd.testing.assert_frame_equal(store.table, table.records.drop(columns="path"))
    task = store.task("superdiagnostic", minimum_likelihood=50)
    assert [task.names(row) for row in store.labels(task)] == [("NORM",), ("MI",), ("HYP",), (), ()]
    assert store.rejected.empty


def test_other_rates_and_lengths_are_prepared(tmp_path: Path) -> None:
    spec = SignalSpec(sampling_rate=250, seconds=4.0)
    store = build_store(corpus(tmp_path / "data"), spec, tmp_path / "store", progress=False)
    assert store.signals(np.arange(5)).shape == (5, 8, 1000) and store.spec == spec


@pytest.mark.slow
def test_several_workers_give_the_same_store(tmp_path: Path) -> None:
    written = signals(600)  # three shards
    written[[300, 599]] = written[10]
    table = corpus(tmp_path / "data", written)
    one, two = build(table, tmp_path / "one"), build(table, tmp_path / "two", workers=2)
    assert one.fingerprint == two.fingerprint
    assert (tmp_path / "one/signals.npy").read_bytes() == (tmp_path / "two/signals.npy").read_bytes()
    assert one.rejected["record_id"].tolist() == two.rejected["record_id"].tolist() == ["301", "600"]
    assert set(one.rejected["detail"]) == {"duplicate of 11"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "one", "two"]


def test_bad_records_are_left_out_and_named_with_the_reason(tmp_path: Path) -> None:
    written = signals(6)
    written[1] = written[0]
    written[2, 4] = 0.25
    written[4] = written[0]
    table = corpus(tmp_path / "data", written)
    os.truncate(tmp_path / "data/records100/00000/00006_lr.dat", 100)
    store = build(table, tmp_path / "store")
    assert store.table["record_id"].tolist() == ["1", "4"]
    np.testing.assert_allclose(store.signals(np.arange(2)), written[[0, 3]], atol=1e-6)
    rejected = store.rejected.set_index("record_id")
    assert rejected["reason"].to_dict() == {
        "2": "duplicate signal",
        "3": "flat lead",
        "5": "duplicate signal",
        "6": "not what its header describes",
    }
    assert rejected.loc["5", "detail"] == "duplicate of 1"
    assert "holds 100 bytes" in rejected.loc["6", "detail"] and "V3" in rejected.loc["3", "detail"]
    assert store.config["rejected"]["duplicate signal"] == 2
    assert np.load(tmp_path / "store/signals.npy").shape == (2, 8, 1000)


def test_a_corpus_without_a_good_record_is_refused(tmp_path: Path) -> None:
    table = corpus(tmp_path / "data", np.zeros((3, 8, 1000)))
    with pytest.raises(ValueError, match=r"no record is left of 3 \(3 flat lead\); the first, 1: range of I"):
        build(table, tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_an_unchanged_store_is_used_again_and_a_changed_one_is_not(tmp_path: Path) -> None:
    table = corpus(tmp_path / "data")
    build(table, tmp_path / "store")
    before = (tmp_path / "store/config.json").stat().st_mtime_ns
    build(table, tmp_path / "store", overwrite=True)
    assert (tmp_path / "store/config.json").stat().st_mtime_ns == before
    with pytest.raises(ValueError, match="other settings or inputs"):
        build_store(table, SignalSpec(seconds=5.0), tmp_path / "store", progress=False)
    os.utime(tmp_path / "data/records100/00000/00001_lr.dat", ns=(1, 1))
    with pytest.raises(ValueError, match="other settings or inputs"):
        build(table, tmp_path / "store")
    relabelled = table.records.assign(statements=[{"MI": 0.0}] * 5)
    changed = RecordTable(relabelled, table.source, table.description, table.statement_table)
    assert build(changed, tmp_path / "store", overwrite=True).table["statements"][4] == {"MI": 0.0}


def test_a_folder_with_something_else_is_never_replaced(tmp_path: Path) -> None:
    table = corpus(tmp_path / "data")
    with pytest.raises(ValueError, match="holds something else"):
        build(table, tmp_path / "data", overwrite=True)
    with pytest.raises(ValueError, match="holds no record store"):
        RecordStore.open(tmp_path / "data")
    assert len(read_table(tmp_path / "data")) == 5
    (tmp_path / "empty").mkdir()
    assert len(build(table, tmp_path / "empty")) == 5


def test_the_fingerprint_follows_content_and_not_place_or_time(tmp_path: Path) -> None:
    table = corpus(tmp_path / "data")
    store = build(table, tmp_path / "store")
    shutil.copytree(tmp_path / "data", tmp_path / "elsewhere/copy", copy_function=shutil.copyfile)
    copy = build(read_table(tmp_path / "elsewhere/copy"), tmp_path / "elsewhere/store")
    assert copy.fingerprint == store.fingerprint
    other = corpus(tmp_path / "other", signals(seed=1))
    assert build(other, tmp_path / "other store").fingerprint != store.fingerprint
    older = RecordTable(table.records.assign(age=99.0), table.source, table.description, table.statement_table)
    assert build(older, tmp_path / "older").fingerprint != store.fingerprint


def test_a_store_pickles_as_its_path(tmp_path: Path) -> None:
    store = build(corpus(tmp_path / "data"), tmp_path / "store")
    data = pickle.dumps(store)
    assert len(data) < 1000
    np.testing.assert_array_equal(pickle.loads(data).signals(np.arange(5)), store.signals(np.arange(5)))


def test_a_damaged_or_newer_store_is_refused(tmp_path: Path) -> None:
    store = build(corpus(tmp_path / "data"), tmp_path / "store")
    np.save(tmp_path / "store/signals.npy", np.zeros((4, 8, 1000), np.int16))
    with pytest.raises(ValueError, match=r"holds \(4, 8, 1000\) int16; expected a .npy file of \(5, 8, 1000\)"):
        RecordStore.open(tmp_path / "store")
    (tmp_path / "store/config.json").write_text(json.dumps({**store.config, "format_version": 3}))
    with pytest.raises(ValueError, match="of version 3, expected 1 or 2"):
        RecordStore.open(tmp_path / "store")


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Files of this process may grow to `size` bytes; beyond, writing raises OSError as on a full disk."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_nothing_and_keeps_what_was_there(tmp_path: Path) -> None:
    table = corpus(tmp_path / "data")
    with largest_file(30_000), pytest.raises(OSError, match="File too large"):
        build(table, tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    store = build(table, tmp_path / "store")
    os.utime(tmp_path / "data/records100/00000/00001_lr.dat", ns=(1, 1))
    with largest_file(30_000), pytest.raises(OSError, match="File too large"):
        build(table, tmp_path / "store", overwrite=True)
    assert RecordStore.open(tmp_path / "store").fingerprint == store.fingerprint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "store"]


def build_many(data: Path, folder: Path, workers: int, records: int = 2000) -> RecordStore:
    """A store from the records of `data`, many times over: the copies are rejected, but read and examined too."""
    table = read_table(data)
    many = pd.concat([table.records] * (records // len(table.records)), ignore_index=True)
    many["record_id"] = [str(number) for number in range(len(many))]
    return build(RecordTable(many, table.source, table.description, table.statement_table), folder, workers=workers)


BUILD_MANY = f"""
import importlib.util, sys
from pathlib import Path
if __name__ == "__main__":
    spec = importlib.util.spec_from_file_location("test_store", {__file__!r})
    tests = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tests)
    tests.build_many(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
"""


@pytest.fixture(scope="module")
def whole_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the records of `build_many`, data/, and the store that it makes of them undisturbed, whole/."""
    folder = tmp_path_factory.mktemp("whole")
    corpus(folder / "data", signals(50))
    build_many(folder / "data", folder / "whole", workers=1)
    return folder


def stop_in_the_middle(data: Path, folder: Path, workers: int, number: int) -> list[psutil.Process]:
    """Starts `build_many` in a process of its own and sends it a signal after two shards; returns its workers."""
    (folder / "build.py").write_text(BUILD_MANY)
    process = subprocess.Popen(
        [sys.executable, str(folder / "build.py"), str(data), str(folder / "out/store"), str(workers)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a parent in the background may have it ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while len(list((folder / "out").glob(".store.shards/[0-9]*.shard"))) < 2 and process.poll() is None:
        assert time.monotonic() < deadline, "the build did not start"
        time.sleep(0.02)
    children = psutil.Process(process.pid).children(recursive=True)
    if number == signal.SIGKILL:
        process.kill()  # its workers are not told
    else:
        os.killpg(process.pid, number)  # the terminal sends it to every process, workers too
    errors = process.communicate(timeout=120)[1]
    assert process.returncode != 0 and (number == signal.SIGKILL or "KeyboardInterrupt" in errors)
    return children


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_build_goes_on_after_an_interruption_and_gives_the_same_bits(
    whole_build: Path, tmp_path: Path, workers: int, number: signal.Signals
) -> None:
    children = stop_in_the_middle(whole_build / "data", tmp_path, workers, number)
    assert not psutil.wait_procs(children, timeout=60)[1], "workers end with their parent"
    there = {path.name for path in (tmp_path / "out").iterdir()} - {".store.lock"}  # which the system has given back
    assert there == {".store.shards"}, "no store, nothing half written"
    done = len(list((tmp_path / "out/.store.shards").glob("[0-9]*.shard")))
    assert 2 <= done < 8
    again = build_many(whole_build / "data", tmp_path / "out/store", workers=1)
    whole = RecordStore.open(whole_build / "whole")
    assert again.fingerprint == whole.fingerprint and again.config == whole.config
    for name in ("signals.npy", "rejected.csv"):
        assert (tmp_path / "out/store" / name).read_bytes() == (whole_build / "whole" / name).read_bytes()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["store"]


@pytest.mark.slow
@pytest.mark.real
def test_every_real_record_is_kept_but_a_lost_electrode_and_the_known_duplicate(
    real_data: Path, tmp_path: Path
) -> None:
    store = build(read_table(real_data / "ptb-xl"), tmp_path / "ptb-xl")
    assert len(store) == len(read_table(real_data / "ptb-xl")) - 1
    assert store.rejected[["record_id", "reason"]].to_numpy().tolist() == [["19299", "missing signal"]]
    store = build(read_table(real_data / "challenge-2021"), tmp_path / "challenge")
    assert store.rejected.to_dict("records") == [
        {"record_id": "E07510", "reason": "duplicate signal", "detail": "duplicate of E07509"}
    ]


def test_reading_and_storing_do_not_import_torch() -> None:
    modules = "vqecg.records.store.record_store, vqecg.records.export.ptbxl_layout"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
