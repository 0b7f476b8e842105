"""One ECG by its path: with any ending, with what its header says, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vqecg.records.datasets.registry import read_records
from vqecg.records.export.wfdb_writing import write_record
from vqecg.records.leads import LEADS, twelve_leads
from vqecg.records.reading import read_ecg, with_header
from vqecg.records.store.record_store import RecordStore


@pytest.fixture
def signal() -> np.ndarray:
    """(12, 500) mV in whole microvolt."""
    return twelve_leads(np.rint(1000 * np.random.default_rng(0).normal(0, 0.3, (8, 500))) / 1000)


@pytest.mark.parametrize("ending", ["", ".hea", ".dat"])
def test_a_record_is_read_with_any_ending_and_what_its_header_says(ending: str, signal: np.ndarray, tmp_path: Path):
    write_record(tmp_path, "one", signal, 250, ["AFIB", "HYP"], {"age": 61.0, "sex": "male"}, ["Synthetic: yes"])
    record = read_ecg(f"{tmp_path / 'one'}{ending}")
    assert record.record_id == "one" and record.sampling_rate == 250 and record.leads == LEADS
    np.testing.assert_allclose(record.signal, signal, atol=0.0011)
    assert set(record.statements) == {"AF", "HYP"} and record.unknown == ()
    assert record.age == 61 and record.sex == "male" and record.synthetic


def test_a_header_without_diagnoses_leaves_them_unknown(signal: np.ndarray, tmp_path: Path):
    write_record(tmp_path, "one.".strip("."), signal, 250)
    header = tmp_path / "one.hea"
    header.write_text("".join(line for line in header.read_text().splitlines(True) if not line.startswith("#")))
    record = read_ecg(tmp_path / "one")
    assert record.statements == {} and record.unknown == ("*",) and not record.synthetic
    assert np.isnan(record.age) and record.sex == "unknown"


def test_a_record_of_a_data_set_has_the_samples_that_the_set_has(simulated_store: RecordStore):
    folder = simulated_store.folder.parent / "data"
    first = next(iter(read_records(folder)))
    (path,) = folder.glob("records100/*/00001_lr.hea")
    np.testing.assert_array_equal(read_ecg(path).signal, first.signal)


def test_what_is_no_record_is_refused_by_name(signal: np.ndarray, tmp_path: Path):
    with pytest.raises(ValueError, match="is a folder, expected one WFDB record: for a data set there is read_records"):
        read_ecg(tmp_path)
    with pytest.raises(ValueError, match=r"no header .*absent\.hea"):
        read_ecg(tmp_path / "absent.dat")
    write_record(tmp_path, "cut", signal, 250)
    content = (tmp_path / "cut.dat").read_bytes()
    (tmp_path / "cut.dat").write_bytes(content[:-24])
    with pytest.raises(ValueError, match=r"cut\.dat"):
        read_ecg(tmp_path / "cut")


@pytest.mark.parametrize(
    ("comment", "band"),
    [
        ("Filter: 0.05-150 Hz", "0.05-150 Hz"),
        ("highpass: 0.5 Hz\n#lowpass: 40 Hz", "high-pass 0.5 Hz, low-pass 40 Hz"),
        ("Low-pass: 40 Hz", "low-pass 40 Hz"),
        ("Rx: Unknown", ""),
    ],
)
def test_a_filter_band_is_that_of_the_header(comment: str, band: str, signal: np.ndarray, tmp_path: Path):
    write_record(tmp_path, "one", signal, 250)
    header = tmp_path / "one.hea"
    header.write_text(f"{header.read_text()}#{comment}\n")
    record = read_ecg(tmp_path / "one")
    assert record.filter_band == band
    bare = replace(record, filter_band="")
    assert with_header(bare, tmp_path / "one").filter_band == band
    assert with_header(bare, tmp_path / "absent") is bare
