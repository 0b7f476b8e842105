"""The names that `import vqecg` offers."""

from pathlib import Path

import pytest

import vqecg


def test_every_name_is_there_and_another_one_is_refused():
    for name in vqecg.__all__:
        assert getattr(vqecg, name) is not None
    assert dir(vqecg) == sorted(vqecg.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'generate'; it has ECGGenerator"):
        vqecg.__getattr__("generate")


def test_a_data_set_is_simulated_read_and_prepared(tmp_path: Path):
    vqecg.simulate(tmp_path / "data", 20, seed=0, progress=False)
    records = list(vqecg.read_records(tmp_path / "data"))
    assert len(records) == 20 and records[0].signal.shape == (12, 1000)
    store = vqecg.prepare(tmp_path / "data", tmp_path / "store", sampling_rate=50, progress=False)
    assert store.signals(slice(None)).shape == (20, 8, 500)
    again = vqecg.prepare(tmp_path / "data", tmp_path / "store", sampling_rate=50, progress=False)
    assert again.fingerprint == store.fingerprint
