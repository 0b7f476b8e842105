"""Records that are not what their headers describe, on their way into a store."""

import os
from pathlib import Path

import numpy as np
import pytest

from vqecg.records.datasets.registry import read_records, read_table
from vqecg.records.record import RecordTable
from vqecg.records.simulation.dataset import simulate_dataset
from vqecg.records.store.building import build_store, input_fingerprint, prepare_data_set
from vqecg.records.store.signal_spec import SignalSpec

REASON = "not what its header describes"


@pytest.fixture
def damaged(tmp_path: Path) -> RecordTable:
    """Twenty records, of which one bit is another in 00002, and 00004 is longer by a frame."""
    simulate_dataset(tmp_path / "data", records=20, seed=0, progress=False)
    first, second = (tmp_path / "data" / "records100" / "00000" / f"0000{number}_lr.dat" for number in (2, 4))
    raw = bytearray(first.read_bytes())
    raw[5000] ^= 1
    first.write_bytes(raw)
    os.truncate(second, second.stat().st_size + 24)
    return read_table(tmp_path / "data")


@pytest.mark.bad_input("header and file disagree")
def test_such_records_are_left_out_and_counted(damaged: RecordTable, tmp_path: Path) -> None:
    store = build_store(damaged, SignalSpec(), tmp_path / "store", progress=False)
    assert len(store) == 18 and not {"2", "4"} & set(store.table["record_id"])
    assert store.config["rejected"][REASON] == 2
    assert store.rejected["reason"].tolist() == [REASON] * 2
    one, other = store.rejected["detail"]
    assert "00002_lr.dat" in one and "checksum" in one and "--ignore-checksums" in one
    assert "00004_lr.dat holds 24,024 bytes" in other
    assert "checksums" not in store.description


@pytest.mark.bad_input("header and file disagree")
def test_checksums_are_ignored_where_somebody_asks_for_it_and_the_store_says_so(damaged, tmp_path: Path) -> None:
    store = build_store(damaged, SignalSpec(), tmp_path / "store", progress=False, ignore_checksums=True)
    assert len(store) == 19 and "4" not in set(store.table["record_id"])
    assert store.config["rejected"][REASON] == 1
    assert store.description.endswith("checksums of the headers ignored")
    again = prepare_data_set(tmp_path / "data", tmp_path / "store", progress=False, ignore_checksums=True)
    assert again.config == store.config
    with pytest.raises(ValueError, match="overwrite"):
        prepare_data_set(tmp_path / "data", tmp_path / "store", progress=False)


def test_the_wish_changes_the_fingerprint_of_the_inputs_only_where_it_is_one(damaged: RecordTable) -> None:
    spec = SignalSpec()
    assert input_fingerprint(damaged, spec) == input_fingerprint(damaged, spec, ignore_checksums=False)
    assert input_fingerprint(damaged, spec) != input_fingerprint(damaged, spec, ignore_checksums=True)


def test_records_can_be_read_one_by_one_in_spite_of_their_checksums(damaged: RecordTable, tmp_path: Path) -> None:
    records = read_records(tmp_path / "data", ignore_checksums=True)
    assert [next(records).record_id for _ in range(3)] == ["1", "2", "3"]
    records = read_records(tmp_path / "data")
    assert np.isfinite(next(records).signal).all()
    with pytest.raises(ValueError, match="00002_lr"):
        next(records)
