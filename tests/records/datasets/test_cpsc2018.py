"""The original CPSC2018 layout."""

import math
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from vqecg.records.datasets.cpsc2018 import read_cpsc2018, read_cpsc2018_record
from vqecg.records.datasets.registry import read_record
from vqecg.records.labels import LabelTask
from vqecg.records.leads import LEADS

HEADER = "Recording,First_label,Second_label,Third_label"


def write_set(root: Path, labels: dict[str, str], missing: tuple[str, ...] = ()) -> Path:
    """Records of 200 samples in the layout of the organisers; sex and age as MATLAB holds them."""
    folder = root / "TrainingSet1"
    folder.mkdir(parents=True)
    for number, name in enumerate(name for name in labels if name not in missing):
        data = np.random.default_rng(number).normal(0, 0.3, (12, 200))
        ecg = {"sex": "Female" if number % 2 else "Male", "age": 40.0 + number, "data": data}
        scipy.io.savemat(folder / f"{name}.mat", {"ECG": ecg}, do_compression=True)
    lines = [HEADER, *(f"{name},{label}" for name, label in labels.items())]
    (root / "REFERENCE.csv").write_text("\n".join(lines) + "\n")
    return root


def test_labels_age_and_sex_become_a_table(tmp_path: Path) -> None:
    table = read_cpsc2018(write_set(tmp_path, {"A0001": "5,,", "A0002": "1,,", "A0003": "2,5,8"}))
    records = table.records
    assert records["record_id"].tolist() == ["A0001", "A0002", "A0003"]
    assert records["statements"].tolist() == [{"RBBB": 0.0}, {"SNR": 0.0}, {"AF": 0.0, "RBBB": 0.0, "STD": 0.0}]
    assert records["age"].tolist() == [40.0, 41.0, 42.0]
    assert records["sex"].tolist() == ["male", "female", "male"]
    assert table.description.startswith("CPSC2018, 3 of 3 records")


def test_every_code_is_its_class(tmp_path: Path) -> None:
    table = read_cpsc2018(write_set(tmp_path, {f"A000{code}": f"{code},," for code in range(1, 10)}))
    labels = LabelTask.named("cpsc2018").encode(table.records["statements"].tolist())
    np.testing.assert_array_equal(labels, np.eye(9))


def test_a_record_is_read_as_it_is_stored(tmp_path: Path) -> None:
    table = read_cpsc2018(write_set(tmp_path, {"A0001": "5,,"}))
    record = read_record(table.records.iloc[0])
    stored = scipy.io.loadmat(tmp_path / "TrainingSet1" / "A0001.mat")["ECG"]["data"][0, 0]
    np.testing.assert_allclose(record.signal, stored, atol=1e-6)
    assert (record.sampling_rate, record.leads, record.statements) == (500.0, LEADS, {"RBBB": 0.0})


def test_ten_records_get_ten_folds_and_fewer_none(tmp_path: Path) -> None:
    many = read_cpsc2018(write_set(tmp_path / "many", {f"A{number:04d}": "1,," for number in range(20)}))
    assert sorted(set(many.records["fold"])) == list(range(1, 11))
    few = read_cpsc2018(write_set(tmp_path / "few", {"A0001": "1,,"}))
    assert few.records["fold"].tolist() == [0] and "no folds" in few.description


def test_labelled_records_without_file_are_counted(tmp_path: Path) -> None:
    table = read_cpsc2018(write_set(tmp_path, {"A0001": "5,,", "A0002": "1,,"}, missing=("A0002",)))
    assert len(table) == 1
    assert "1 of 2 records" in table.description and "1 without .mat file left out" in table.description


def test_a_file_cut_off_anywhere_is_named_and_does_not_hide_the_others(tmp_path: Path) -> None:
    root = write_set(tmp_path, {"A0001": "5,,", "A0002": "1,,"})
    file = root / "TrainingSet1" / "A0001.mat"
    whole = file.read_bytes()
    for size in (0, 10, 127, 128, 130, 136, 200, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"A0001\.mat.*copy or download it again|A0001\.mat holds no struct ECG"):
            read_cpsc2018_record(file)
    table = read_cpsc2018(root)
    assert len(table) == 2 and "1 cut off or damaged" in table.description
    assert math.isnan(table.records["age"][0]) and table.records["sex"][0] == "unknown"


def test_references_of_several_folders_are_joined_unless_they_disagree(tmp_path: Path) -> None:
    write_set(tmp_path / "one", {"A0001": "5,,"})
    write_set(tmp_path / "two", {"A0002": "1,,"})
    assert len(read_cpsc2018(tmp_path)) == 2
    (tmp_path / "two" / "REFERENCE.csv").write_text(f"{HEADER}\nA0001,6,,\n")
    with pytest.raises(ValueError, match="A0001"):
        read_cpsc2018(tmp_path)


@pytest.mark.parametrize("label", ["10,,", "0,,", "AF,,", ",,"])
def test_a_label_that_is_none_is_named(tmp_path: Path, label: str) -> None:
    with pytest.raises(ValueError, match=r"line 2 \(A0001\).*1-9"):
        read_cpsc2018(write_set(tmp_path, {"A0001": label}))


def test_a_folder_without_reference_or_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no REFERENCE"):
        read_cpsc2018(tmp_path)
    with pytest.raises(ValueError, match="none of the 1 records"):
        read_cpsc2018(write_set(tmp_path, {"A0001": "1,,"}, missing=("A0001",)))


def test_other_matlab_files_are_refused(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"val": np.zeros((12, 5))})
    with pytest.raises(ValueError, match="no struct ECG"):
        read_cpsc2018_record(tmp_path / "a.mat")
    scipy.io.savemat(tmp_path / "b.mat", {"ECG": {"sex": "Male", "age": 4, "data": np.zeros((200, 12))}})
    with pytest.raises(ValueError, match=r"shape \(200, 12\)"):
        read_cpsc2018_record(tmp_path / "b.mat")
    scipy.io.savemat(tmp_path / "c.mat", {"ECG": {"data": np.zeros((12, 200))}})
    with pytest.raises(ValueError, match="lacks"):
        read_cpsc2018_record(tmp_path / "c.mat")
    with pytest.raises(ValueError, match="no file"):
        read_cpsc2018_record(tmp_path / "d.mat")


@pytest.mark.real
def test_real_records(real_data: Path) -> None:
    table = read_cpsc2018(real_data / "cpsc2018")
    assert dict(zip(table.records["record_id"], table.records["statements"], strict=True)) == {
        "A1980": {"PAC": 0.0}, "A1982": {"IAVB": 0.0}, "A1983": {"SNR": 0.0}, "A1985": {"STD": 0.0}
    }  # fmt: skip
    for row in table.records.itertuples():
        record = read_record(row)
        assert record.signal.shape[0] == 12 and 0.01 < record.signal.std() < 2
