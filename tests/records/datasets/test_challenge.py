"""The layout of the Challenges 2020 and 2021: every kind of header, units, codes outside the map."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import wfdb

from vqecg.records.datasets.challenge import comment_fields, has_diagnoses, read_challenge
from vqecg.records.datasets.registry import detect_source, read_record
from vqecg.records.export.wfdb_writing import write_record
from vqecg.records.leads import LEADS
from vqecg.records.simulation.simulator import simulate_record
from vqecg.records.store.building import build_store
from vqecg.records.store.signal_spec import SignalSpec

DIGITAL = np.random.default_rng(0).integers(-2000, 2000, (12, 100)).astype(np.int16)


def write(
    folder: Path, name: str, *comments: str, form: str = "16+24", gain: str = "1000/mV", signal: bool = True
) -> Path:
    """One record: MATLAB v4 file of int16 and a header; returns the path without extension."""
    folder.mkdir(parents=True, exist_ok=True)
    if signal:
        scipy.io.savemat(folder / f"{name}.mat", {"val": DIGITAL}, format="4")
    lines = [f"{name} 12 500 100 05-Feb-2020 11:39:16"]
    lines += [f"{name}.mat {form} {gain} 16 0 {row[0]} 0 0 {lead}" for lead, row in zip(LEADS, DIGITAL, strict=True)]
    (folder / f"{name}.hea").write_text("\n".join([*lines, *comments]) + "\n", encoding="utf-8")
    return folder / name


def only_row(folder: Path):
    return next(read_challenge(folder).records.itertuples())


@pytest.mark.parametrize(
    ("comments", "statements", "age", "sex"),
    [
        (("#Age: 74", "#Sex: Male", "#Dx: RBBB", "#Rx: Unknown", "#Sx: Unknows"), {"RBBB"}, 74.0, "male"),
        (("#Age: 49", "#Sex: Female", "#Dx: Normal"), {"SNR"}, 49.0, "female"),
        (("#Age: 49", "#Sex: Female", "#Dx: I-AVB,STD"), {"IAVB", "STD"}, 49.0, "female"),
        (("#Age: 80", "#Sex: F", "#Dx: 429622005"), {"STD"}, 80.0, "female"),
        (("# Age: 84", "# Sex: Female", "# Dx: 284470004,427084000"), {"PAC", "STach"}, 84.0, "female"),
        (("# Age: NaN", "# Sex: Unknown", "# Dx: 59118001, 164889003"), {"RBBB", "AF"}, math.nan, "unknown"),
        (("# Age: 300", "# Sex: M", "# Dx: Unknown"), set(), 90.0, "male"),
        (("# Age: -1", "# Sex: ", "# Dx: "), set(), math.nan, "unknown"),
        (("# Age: ??", "# Sex: neither", "# dx: 426783006"), {"NSR"}, math.nan, "unknown"),
        ((), set(), math.nan, "unknown"),
    ],
)
def test_every_kind_of_header(
    tmp_path: Path, comments: tuple[str, ...], statements: set[str], age: float, sex: str
) -> None:
    write(tmp_path, "A0001", *comments)
    row = only_row(tmp_path)
    assert set(row.statements) == statements and set(row.statements.values()) <= {0.0}
    assert row.sex == sex
    assert row.age == age or (math.isnan(row.age) and math.isnan(age))


@pytest.mark.parametrize("form", ["16+24", "16x1+24"])
@pytest.mark.parametrize(
    ("gain", "millivolt"),
    [("1000/mV", 1e-3), ("1000.0(0)/mv", 1e-3), ("4880(0)/mV", 1 / 4880), ("1/uV", 1e-3), ("0.5/µV", 2e-3)],
)
def test_samples_are_those_of_the_mat_file_in_millivolt(tmp_path: Path, form: str, gain: str, millivolt: float) -> None:
    write(tmp_path, "A0001", "#Dx: 59118001", form=form, gain=gain)
    record = read_record(only_row(tmp_path))
    np.testing.assert_allclose(record.signal, DIGITAL * millivolt, rtol=1e-6)
    assert (record.leads, record.sampling_rate) == (LEADS, 500.0)


def test_subfolders_are_searched_and_records_without_signal_counted(tmp_path: Path) -> None:
    write(tmp_path / "training" / "georgia" / "g1", "E00001", "# Dx: 426783006")
    write(tmp_path / "training" / "georgia" / "g2", "E00002", "# Dx: 426783006", signal=False)
    table = read_challenge(tmp_path)
    assert table.records["record_id"].tolist() == ["E00001"]
    assert "1 headers without signal file left out" in table.description


@pytest.mark.bad_input("channels that are no leads")
def test_a_missing_file_of_another_channel_costs_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "A0001", "# Dx: 426783006")
    header = Path(f"{path}.hea")
    lines = header.read_text().replace("A0001 12 ", "A0001 13 ").splitlines()
    header.write_text("\n".join([*lines[:13], "pleth.dat 16 100/NU 16 0 0 0 0 PLETH", *lines[13:]]) + "\n")
    table = read_challenge(tmp_path)
    assert read_record(next(table.records.itertuples(index=False))).leads == LEADS


def test_a_code_outside_the_map_is_kept_as_its_number_and_counted(tmp_path: Path) -> None:
    write(tmp_path, "A0001", "#Dx: 123456789,59118001")
    write(tmp_path, "A0002", "#Dx: 123456789")
    table = read_challenge(tmp_path)
    assert [set(statements) for statements in table.records["statements"]] == [{"123456789", "RBBB"}, {"123456789"}]
    assert "1 codes outside the Challenge's map kept as they are: 123456789 (2)" in table.description


def test_one_name_in_two_folders_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a", "A0001", "#Dx: AF")
    write(tmp_path / "b", "A0001", "#Dx: AF")
    with pytest.raises(ValueError, match="A0001 is in two folders"):
        read_challenge(tmp_path)


def test_every_record_is_a_patient_and_gets_a_fold(tmp_path: Path) -> None:
    for number in range(12):
        write(tmp_path, f"A{number:04d}", "#Dx: AF" if number % 2 else "#Dx: Normal")
    table = read_challenge(tmp_path)
    assert table.records["patient_id"].tolist() == table.records["record_id"].tolist()
    assert sorted(set(table.records["fold"])) == list(range(1, 11))


def test_no_record_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="0 headers"):
        read_challenge(tmp_path)


def without_record_line(text: str) -> str:
    return text.partition("\n")[2]


DAMAGED = {
    "empty": lambda text: "",
    "blank": lambda text: "\n\n \n",
    "cut off in the record line": lambda text: text[:4],
    "cut off after the record line": lambda text: text.splitlines()[0],
    "cut off in the middle": lambda text: "\n".join(text.splitlines()[:5]),
    "no record line": without_record_line,
    "comments alone": lambda text: "\n".join(line for line in text.splitlines() if line.startswith("#")),
    "no signals": lambda text: text.replace(" 12 500", " 0 500"),
    "binary": lambda text: "\0\5\x16\7\0\2\0\0Mac OS X",
    "a web page": lambda text: "<!DOCTYPE html>\n<html><head><title>404</title></head></html>",
    "format in words": lambda text: text.replace(" 16+24", " sixteen"),
    "a file that is not there": lambda text: text.replace("A0003.mat", "B0003.mat"),
}


@pytest.mark.bad_input("odd item in a data set")
@pytest.mark.parametrize("damage", DAMAGED)
def test_an_odd_header_costs_itself_alone(tmp_path: Path, damage: str) -> None:
    for number in range(1, 13):
        file = write(tmp_path, f"A{number:04d}", "#Dx: AF").with_suffix(".hea")
    file = tmp_path / "A0003.hea"
    file.write_text(DAMAGED[damage](file.read_text()))
    table = read_challenge(tmp_path)
    assert len(table) == 11 and "A0003" not in set(table.records["record_id"])
    (item,) = table.left_out
    assert (item.record_id, item.reason) == ("A0003", "unreadable") and str(file) in item.detail
    assert "1 unreadable headers left out (A0003)" in table.description or "without signal file" in table.description
    assert str(tmp_path) not in table.description, "it goes into model cards"


@pytest.mark.bad_input("odd item in a data set")
@pytest.mark.parametrize("kind", ["fifo", "folder", "link to nothing", "link in a circle", "device", "capitals"])
def test_an_odd_entry_costs_itself_alone(tmp_path: Path, kind: str) -> None:
    write(tmp_path, "A0001", "#Dx: AF")
    odd = tmp_path / "A0002.hea"
    if kind == "fifo":
        os.mkfifo(odd)
    elif kind == "folder":
        odd.mkdir()
    elif kind == "capitals":
        write(tmp_path, "A0002", "#Dx: AF").with_suffix(".hea").rename(tmp_path / "A0002.HEA")
    else:
        odd.symlink_to({"link to nothing": tmp_path / "gone", "link in a circle": odd, "device": "/dev/zero"}[kind])
    table = read_challenge(tmp_path)
    assert table.records["record_id"].tolist() == ["A0001"]
    assert [item.record_id for item in table.left_out] == ([] if kind == "folder" else ["A0002"])
    assert detect_source(tmp_path) == "challenge"


@pytest.mark.bad_input("files that are no part of a data set")
def test_what_macos_leaves_behind_counts_for_nothing(tmp_path: Path) -> None:
    write(tmp_path, "A0001", "#Dx: AF")
    (tmp_path / "._A0001.hea").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "A0001.hea").write_bytes(b"\0\5\x16\7")
    table = read_challenge(tmp_path)
    assert len(table) == 1 and not table.left_out and "left out" not in table.description


@pytest.mark.bad_input("linked folders")
def test_a_linked_folder_is_read_and_a_circle_ends(tmp_path: Path) -> None:
    write(tmp_path / "far", "A0002", "#Dx: AF")
    write(tmp_path / "set", "A0001", "#Dx: AF")
    (tmp_path / "set" / "g2").symlink_to(tmp_path / "far")
    (tmp_path / "set" / "again").symlink_to(tmp_path / "set")
    assert read_challenge(tmp_path / "set").records["record_id"].tolist() == ["A0001", "A0002"]


@pytest.mark.bad_input("odd diagnoses in a header")
@pytest.mark.parametrize(
    ("line", "statements"),
    [
        ("#Dx: AF,59118001", {"AF", "RBBB"}), ("#Dx: 59118001;164889003", {"AF", "RBBB"}), ("#dx:AF", {"AF"}),
        ("#Dx: 59118001 164889003", {"AF", "RBBB"}), ("#Dx: atrial fibrillation", {"AF"}), ("#Dx: af, AF", {"AF"}),
        ("#Dx: Unknown", set()), ("#Dx:", set()), ("#Dx: nan, ,-", set()), ("#Dx: ,AF,", {"AF"}),
        ("#Dx: 164889003.0,59118001.0", {"AF", "RBBB"}), ("#Dx: ['164889003', '59118001']", {"AF", "RBBB"}),
        ("#Dx: 59118001|N/A", {"RBBB"}), ("#Dx: no code", {"no code"}), ("#Dx: 0", {"0"}),
    ],
)  # fmt: skip
def test_odd_diagnoses_are_read_or_kept_and_counted(tmp_path: Path, line: str, statements: set[str]) -> None:
    write(tmp_path, "A0001", line)
    table = read_challenge(tmp_path)
    assert set(table.records["statements"][0]) == statements
    assert ("without diagnosis" in table.description) == (not statements)
    assert ("outside the Challenge's map" in table.description) == bool(statements & {"no code", "0"})


@pytest.mark.bad_input("an age or sex that cannot be")
def test_ages_and_sexes_that_cannot_be_are_counted(tmp_path: Path) -> None:
    for number, (age, sex) in enumerate(
        [("NaN", "F"), ("-1", "Female"), ("300", "female"), ("60Y", "U"), ("999", "?")]
    ):
        write(tmp_path, f"A000{number}", f"#Age: {age}", f"#Sex: {sex}", "#Dx: AF")
    table = read_challenge(tmp_path)
    np.testing.assert_array_equal(table.records["age"], [math.nan, math.nan, 90, 60, math.nan])
    assert table.records["sex"].tolist() == ["female"] * 3 + ["unknown"] * 2
    assert "; 2 records with an age that cannot be (-1, 999): unknown" in table.description


@pytest.mark.bad_input("hostile text")
def test_text_that_would_move_the_cursor_is_escaped(tmp_path: Path) -> None:
    write(tmp_path, "A0001", "#Age: \x1b[2J", "#Dx: \x1b[31mAF,59118001")
    (tmp_path / "B\x1b[2J.hea").write_text("")
    table = read_challenge(tmp_path)
    assert table.description.isprintable()
    assert table.records["statements"][0] == {"\\x1b[31mAF": 0.0, "RBBB": 0.0}


@pytest.mark.bad_input("odd item in a data set")
def test_a_set_of_odd_headers_alone_is_refused_with_the_first(tmp_path: Path) -> None:
    (tmp_path / "A0001.hea").write_text("")
    with pytest.raises(ValueError, match=r"1 headers, none with its signal file.*A0001\.hea"):
        read_challenge(tmp_path)


@pytest.mark.bad_input("odd item in a data set")
def test_signal_files_without_header_are_counted(tmp_path: Path) -> None:
    write(tmp_path, "A0001", "#Dx: AF")
    scipy.io.savemat(tmp_path / "A0002.mat", {"val": DIGITAL}, format="4")
    assert "1 .mat files without header left out" in read_challenge(tmp_path).description


@pytest.mark.bad_input("odd item in a data set")
def test_what_is_left_out_stands_in_the_store(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(3):
        record = simulate_record(["NORM"], rng).record
        write_record(tmp_path / "set", f"A000{number}", record.signal, record.sampling_rate, comments=["Dx: 426783006"])
    (tmp_path / "set" / "A0001.hea").write_text("")
    store = build_store(read_challenge(tmp_path / "set"), SignalSpec(), tmp_path / "store", progress=False)
    assert store.table["record_id"].tolist() == ["A0000", "A0002"]
    assert store.rejected[["record_id", "reason"]].to_numpy().tolist() == [["A0001", "unreadable"]]
    assert "A0001.hea" in store.rejected["detail"][0] and store.config["rejected"]["unreadable"] == 1


def test_comment_fields_joins_repeated_keys() -> None:
    assert comment_fields(("Dx: 1", "Dx: 2", "no colon", "<age>: 51")) == {"dx": "1,2", "age": "51"}


def test_diagnoses_tell_the_layout(tmp_path: Path) -> None:
    assert has_diagnoses(write(tmp_path, "A0001", "# Dx: 1"))
    assert not has_diagnoses(write(tmp_path, "A0002", "# Age: 1"))


@pytest.mark.real
@pytest.mark.parametrize("folder", ["challenge-2020", "challenge-2021"])
def test_real_records_equal_wfdb_and_loadmat(real_data: Path, folder: str) -> None:
    table = read_challenge(real_data / folder)
    assert "outside" not in table.description and "without" not in table.description
    for row in table.records.itertuples():
        record = read_record(row)
        np.testing.assert_allclose(record.signal, scipy.io.loadmat(f"{row.path}.mat")["val"] / 1000.0, atol=1e-6)
        np.testing.assert_allclose(record.signal, wfdb.rdrecord(row.path).p_signal.T, atol=1e-6)
        assert record.leads == LEADS and row.sex in ("female", "male") and row.statements


@pytest.mark.real
def test_real_statements(real_data: Path) -> None:
    records = read_challenge(real_data / "challenge-2020").records.set_index("record_id")["statements"]
    assert [set(records[name]) for name in ("A0001", "A0002", "A0003", "A0004", "Q0001")] == [
        {"RBBB"}, {"SNR"}, {"AF"}, {"AF"}, {"OldMI", "STach"}
    ]  # fmt: skip
