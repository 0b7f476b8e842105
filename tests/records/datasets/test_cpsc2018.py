"""The original CPSC2018 layout."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from vqecg.records.datasets.cpsc2018 import read_cpsc2018, read_cpsc2018_record
from vqecg.records.datasets.registry import detect_source, read_record
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


@pytest.mark.bad_input("samples that are no numbers")
@pytest.mark.parametrize("bits", [0x7FF0000000000001, 0x7FF8000000000000, 0x7FF0000000000000, 0x7E37E43C8800759C])
def test_what_float32_cannot_hold_is_not_finite(tmp_path: Path, bits: int) -> None:
    data = np.zeros((12, 200))
    data[3, 7] = np.array([bits], np.uint64).view(np.float64)[0]  # a signalling nan, a quiet one, infinity, 1e300
    scipy.io.savemat(tmp_path / "A0001.mat", {"ECG": {"sex": "Male", "age": 40.0, "data": data}})
    signal = read_cpsc2018_record(tmp_path / "A0001.mat").signal
    assert np.flatnonzero(~np.isfinite(signal)).tolist() == [3 * 200 + 7]


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


@pytest.mark.bad_input("odd labels in REFERENCE.csv")
@pytest.mark.parametrize("label", ["10,,", "0,,", "AF,,", ",,", "²,,", "1.5,,", "-1,,", "1 2,,", "nan,NaN,", "5,x,"])
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


REFERENCES = {
    "semicolons": HEADER.replace(",", ";") + "\nA0001;5;;\nA0002;1;2;\n",
    "tabs": HEADER.replace(",", "\t") + "\nA0001\t5\t\t\nA0002\t1\t2\t\n",
    "small letters": HEADER.lower() + "\nA0001,5,,\nA0002,1,2,\n",
    "more columns": f"no,{HEADER},comment\n1,A0001,5,,,x\n2,A0002,1,2,,\n",
    "other order": "Third_label,Second_label,First_label,Recording\n,,5,A0001\n,2,1,A0002\n",
    "decimals and words for nothing": f"{HEADER}\nA0001,5.0,nan,NaN\nA0002,1.0,2.0,\n",
    "names with the ending": f"{HEADER}\nA0001.mat,5,,\nA0002.MAT,1,2,\n",
    "Windows line ends and a mark": f"\ufeff{HEADER}\r\nA0001,5,,\r\nA0002,1,2,\r\n\r\n",
    "a row twice": f"{HEADER}\nA0001,5,,\nA0002,1,2,\nA0001,5,,\n",
}


@pytest.mark.bad_input("dialects of csv")
@pytest.mark.parametrize("dialect", REFERENCES)
@pytest.mark.parametrize("name", ["REFERENCE.csv", "reference.CSV"])
def test_a_reference_in_any_dialect_is_read_alike(tmp_path: Path, dialect: str, name: str) -> None:
    root = write_set(tmp_path, {"A0001": "5,,", "A0002": "1,2,"})
    (root / "REFERENCE.csv").unlink()
    (root / name).write_text(REFERENCES[dialect], newline="")
    assert read_cpsc2018(root).records["statements"].tolist() == [{"RBBB": 0.0}, {"SNR": 0.0, "AF": 0.0}]
    assert detect_source(root) == "cpsc2018"


@pytest.mark.bad_input("no csv, or a damaged one")
@pytest.mark.parametrize("row", ["A0001,5", "A0001,5,,,", "A0001,5,,,6"])
def test_a_row_of_more_or_fewer_cells_is_named(tmp_path: Path, row: str) -> None:
    root = write_set(tmp_path, {"A0002": "1,,"})
    with (root / "REFERENCE.csv").open("a") as file:
        file.write(row + "\n")
    with pytest.raises(ValueError, match=r"REFERENCE\.csv, line 3 has \d cells, the header has 4"):
        read_cpsc2018(root)


def save(file: Path, version: str = "5", **fields: object) -> None:
    ecg = {"sex": "Male", "age": 50.0, "data": np.full((12, 200), 0.5)} | fields
    scipy.io.savemat(file, {"ECG": {name: value for name, value in ecg.items() if value is not None}}, format=version)


@pytest.mark.bad_input("an age or sex that cannot be")
@pytest.mark.parametrize(
    ("age", "sex", "read", "note"),
    [
        (999.0, "Male", (math.nan, "male"), "an age that cannot be (999.0)"), ("60Y", "F", (60, "female"), ""),
        (-5.0, "Male", (math.nan, "male"), "an age that cannot be (-5.0)"), (math.nan, "", (math.nan, "unknown"), ""),
        ([], [], (math.nan, "unknown"), ""), (np.uint8(7), "male ", (7, "male"), ""),
        ("", "?", (math.nan, "unknown"), ""),
        (math.inf, 1.0, (math.nan, "unknown"), "an age that cannot be (inf): unknown; 1 record with a sex that"),
        ([50, 60], "Male", (math.nan, "male"), "an age that cannot be (50 60)"),
        ({"years": 5}, "Male", (math.nan, "male"), "an age that cannot be (a MATLAB object o..."),
        (1j, "Male", (math.nan, "male"), "an age that cannot be (a MATLAB complex ..."),
        (300.0, "Male", (90, "male"), ""),
    ],
)  # fmt: skip
def test_an_odd_age_or_sex_costs_the_value_alone(
    tmp_path: Path, age: object, sex: object, read: tuple, note: str
) -> None:
    root = write_set(tmp_path, {"A0001": "5,,"})
    save(root / "TrainingSet1" / "A0001.mat", age=age, sex=sex)
    table = read_cpsc2018(root)
    np.testing.assert_equal((table.records["age"][0], table.records["sex"][0]), read)
    assert note in table.description and ("cannot be" in table.description) == bool(note)
    np.testing.assert_array_equal(read_record(table.records.iloc[0]).signal, 0.5)


@pytest.mark.bad_input("MATLAB files of another kind")
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"data": np.zeros((200, 12))}, r"shape \(200, 12\)"), ({"data": np.zeros((12, 0))}, r"shape \(12, 0\)"),
        ({"data": "words"}, "has words"), ({"data": np.zeros((12, 5), np.int16)}, "int16, expected floating mV"),
        ({"data": np.zeros((12, 5, 2))}, r"shape \(12, 5, 2\)"), ({"data": np.full((12, 5), 1j)}, "a MATLAB complex"),
        ({"data": None}, r"lacks \['data'\]"), ({"data": [[{"a": 1}]]}, "has "),
    ],
)  # fmt: skip
def test_a_signal_of_another_form_is_refused(tmp_path: Path, fields: dict, message: str) -> None:
    save(tmp_path / "A0001.mat", **fields)
    with pytest.raises(ValueError, match=rf"A0001\.mat.*{message}"):
        read_cpsc2018_record(tmp_path / "A0001.mat")


@pytest.mark.bad_input("odd item in a data set")
@pytest.mark.parametrize("kind", ["version 4", "version 7.3", "empty", "text", "fifo"])
def test_an_odd_file_costs_itself_alone(tmp_path: Path, kind: str) -> None:
    root = write_set(tmp_path, {"A0001": "5,,", "A0002": "1,,"})
    file = root / "TrainingSet1" / "A0002.mat"
    file.unlink()
    if kind == "version 4":
        scipy.io.savemat(file, {"ECG": np.zeros((12, 200))}, format="4")
    elif kind == "fifo":
        os.mkfifo(file)
    else:
        hdf5 = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM" + b"\x89HDF\r\n".ljust(500, b"\0")
        file.write_bytes({"version 7.3": hdf5, "empty": b"", "text": b"no data\n" * 40}[kind])
    table = read_cpsc2018(root)
    if kind == "fifo":
        assert len(table) == 1 and "1 without .mat file left out" in table.description
        return
    assert len(table) == 2 and "; 1 cut off or damaged" in table.description
    with pytest.raises(ValueError, match=rf"A0002\.mat.*{'7.3' if kind == 'version 7.3' else 'MATLAB 5|cut off'}"):
        read_record(table.records.iloc[1])


@pytest.mark.bad_input("two layouts in one folder")
def test_files_of_other_sets_are_counted(tmp_path: Path) -> None:
    root = write_set(tmp_path, {"A0001": "5,,"})
    save(root / "B0001.mat")
    (root / "B0001.hea").touch()
    description = read_cpsc2018(root).description
    assert "; 1 .mat files without a row of REFERENCE.csv left out; 1 headers (.hea) are not read" in description
    save(root / "A0001.mat")
    with pytest.raises(ValueError, match="A0001 is there twice"):
        read_cpsc2018(root)


@pytest.mark.real
def test_real_records(real_data: Path) -> None:
    table = read_cpsc2018(real_data / "cpsc2018")
    assert dict(zip(table.records["record_id"], table.records["statements"], strict=True)) == {
        "A1980": {"PAC": 0.0}, "A1982": {"IAVB": 0.0}, "A1983": {"SNR": 0.0}, "A1985": {"STD": 0.0}
    }  # fmt: skip
    for row in table.records.itertuples():
        record = read_record(row)
        assert record.signal.shape[0] == 12 and 0.01 < record.signal.std() < 2
