"""A store in one file."""

from pathlib import Path

import pytest

from benchmarks.gpu import packed_store
from vqecg.records.store.record_store import RecordStore


def test_a_packed_store_opens_as_it_was(simulated_store: RecordStore, tmp_path: Path):
    file = tmp_path / "store.tar.xz"
    assert packed_store.pack_store(simulated_store.folder, file) == file.stat().st_size
    for _ in range(2):
        opened = packed_store.open_store(file, tmp_path / "out" / "store")
        assert opened.fingerprint == simulated_store.fingerprint
    (tmp_path / "other").write_text("no archive")
    with pytest.raises(ValueError, match="neither a folder of `vqecg prepare` nor a file"):
        packed_store.open_store(tmp_path / "other", tmp_path / "new")
    with pytest.raises(ValueError, match="holds no record store"):
        packed_store.pack_store(tmp_path, tmp_path / "none.tar.xz")
    assert not (tmp_path / "none.tar.xz").exists()
