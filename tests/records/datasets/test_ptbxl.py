"""The PTB-XL layout: versions, subsets, missing files, and csv files that a spreadsheet has been at."""

import math
import os
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
import wfdb

from vqecg.records.datasets import ptbxl
from vqecg.records.datasets.ptbxl import find_ptbxl, read_ptbxl
from vqecg.records.datasets.registry import read_record
from vqecg.records.label_tables import statement_table
from vqecg.records.labels import LabelTask
from vqecg.records.leads import LEADS

ROWS = [
    {"ecg_id": 1, "patient_id": 15709.0, "age": 56.0, "sex": 1, "scp_codes": "{'NORM': 100.0, 'SR': 0.0}"},
    {"ecg_id": 2, "patient_id": 13243.0, "age": 300.0, "sex": 0, "scp_codes": "{'1AVB': 80, 'AFIB': 0.0}"},
    {"ecg_id": 3, "patient_id": 13243.0, "age": math.nan, "sex": math.nan, "scp_codes": "{}"},
]


@cache
def record_files(rate: int) -> dict[str, bytes]:
    """Header and samples of one second, written by wfdb; NAME stands for the record's name."""
    with TemporaryDirectory() as place:
        wfdb.wrsamp(
            "NAME", rate, ["mV"] * 12, [lead.upper() for lead in LEADS], p_signal=np.full((rate, 12), 0.5),
            fmt=["16"] * 12, adc_gain=[1000.0] * 12, baseline=[0] * 12, write_dir=place,
        )  # fmt: skip
        return {ending: Path(place, f"NAME{ending}").read_bytes() for ending in (".hea", ".dat")}


def write_set(folder: Path, rates: tuple[int, ...] = (100,), **changes: Any) -> Path:
    """Three records in PTB-XL's layout; `changes` replace columns of ptbxl_database.csv."""
    folder.mkdir(exist_ok=True)
    table = pd.DataFrame(ROWS)
    table["strat_fold"] = [1, 10, 10]
    for rate, column, suffix in ((100, "filename_lr", "lr"), (500, "filename_hr", "hr")):
        table[column] = [f"records{rate}/00000/{number:05d}_{suffix}" for number in table["ecg_id"]]
        for name in table[column] if rate in rates else ():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            for ending, content in record_files(rate).items():
                (path.parent / f"{path.name}{ending}").write_bytes(content.replace(b"NAME", path.name.encode()))
    table = table.assign(**changes)
    table.to_csv(folder / "ptbxl_database.csv", index=False)
    published = statement_table().drop(columns="cpsc2018").rename_axis(None)
    flags = ["diagnostic", "form", "rhythm"]
    published[flags] = published[flags].astype(float).replace(0.0, math.nan)  # as PTB-XL writes them
    published.to_csv(folder / "scp_statements.csv")
    return folder


def test_rows_become_records(tmp_path: Path) -> None:
    table = read_ptbxl(write_set(tmp_path / "set"))
    records = table.records
    assert records["record_id"].tolist() == ["1", "2", "3"]
    assert records["patient_id"].tolist() == ["15709", "13243", "13243"]
    assert records["fold"].tolist() == [1, 10, 10]
    assert records["age"].tolist()[:2] == [56.0, 90.0] and math.isnan(records["age"][2])
    assert records["sex"].tolist() == ["female", "male", "unknown"]
    assert records["statements"].tolist() == [{"NORM": 100.0, "SR": 0.0}, {"1AVB": 80.0, "AFIB": 0.0}, {}]
    assert table.statement_table is not None and table.statement_table["form"].sum() == 19


def test_a_row_is_read_in_millivolt_with_canonical_leads(tmp_path: Path) -> None:
    table = read_ptbxl(write_set(tmp_path / "set", rates=(100, 500)), sampling_rate=500)
    record = read_record(next(table.records.itertuples()))
    assert record.signal.shape == (12, 500) and record.sampling_rate == 500
    np.testing.assert_allclose(record.signal, 0.5)
    assert record.leads == LEADS
    assert (record.record_id, record.patient_id, record.age, record.sex) == ("1", "15709", 56.0, "female")


def test_the_folder_above_will_do_if_it_holds_one_set(tmp_path: Path) -> None:
    write_set(tmp_path / "set")
    assert find_ptbxl(tmp_path) == tmp_path / "set"
    assert len(read_ptbxl(tmp_path)) == 3
    shutil.copytree(tmp_path / "set", tmp_path / "other")
    with pytest.raises(ValueError, match="several PTB-XL folders"):
        read_ptbxl(tmp_path)


def test_rows_without_files_are_left_out_and_counted(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    (folder / "records100/00000/00002_lr.dat").unlink()
    table = read_ptbxl(folder)
    assert table.records["record_id"].tolist() == ["1", "3"]
    assert "2 read, 1 without files at 100 Hz left out" in table.description


def test_a_rate_of_which_nothing_is_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no record at 500 Hz; there: 100 Hz \(3 records\)"):
        read_ptbxl(write_set(tmp_path / "set"), sampling_rate=500)
    with pytest.raises(ValueError, match="no record files at all"):
        read_ptbxl(write_set(tmp_path / "empty", rates=()))
    with pytest.raises(ValueError, match=r"no record at 250 Hz; there: 100 Hz"):
        read_ptbxl(tmp_path / "set", sampling_rate=250)


def test_a_set_of_our_own_may_have_another_rate(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", rates=())
    (folder / "records250").mkdir()
    for name in ("1", "2", "3"):
        for suffix in (".hea", ".dat"):
            (folder / "records250" / f"{name}{suffix}").touch()
    file = folder / "ptbxl_database.csv"
    names = [f"records250/{number}" for number in (1, 2, 3)]
    pd.read_csv(file).assign(filename_lr=names, filename_250=names).to_csv(file, index=False)
    assert "3 records" in read_ptbxl(folder, sampling_rate=250).description
    assert read_ptbxl(folder, sampling_rate=100).description.endswith("250 Hz"), "the lowest rate that is enough"
    with pytest.raises(ValueError, match=r"no record at 500 Hz; there: 250 Hz"):
        read_ptbxl(folder, sampling_rate=500)


def test_the_description_says_version_subset_or_synthetic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_set(tmp_path / "set")
    assert "a subset: the whole has 21,837 (1.0.1) or 21,799 (1.0.3)" in read_ptbxl(folder).description
    monkeypatch.setattr(ptbxl, "VERSIONS", {3: "1.0.3"})
    assert read_ptbxl(folder).description.startswith("PTB-XL 1.0.3, 3 records")
    (folder / "manifest.parquet").touch()
    assert read_ptbxl(folder).description.startswith("synthetic records")


def test_the_folders_own_statement_table_counts(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", scp_codes=["{'MI': 100.0}", "{'NORM': 100.0}", "{}"])
    with pytest.raises(ValueError, match=r"line 2 \(ecg_id 1\).*'MI'.*scp_statements"):
        read_ptbxl(folder)
    with (folder / "scp_statements.csv").open("a") as file:
        file.write("MI,any infarction,1.0,,,MI,\n")
    table = read_ptbxl(folder)
    task = LabelTask.named("superdiagnostic", table.statement_table)
    assert [task.names(row) for row in task.encode(table.records["statements"].tolist())] == [("MI",), ("NORM",), ()]


def test_without_a_statement_table_the_packaged_one_is_used_and_named(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    (folder / "scp_statements.csv").unlink()
    table = read_ptbxl(folder)
    assert "packaged statement table" in table.description
    assert table.statement_table is not None and len(table.statement_table) == 71


def test_extra_columns_and_extensions_are_no_trouble(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set", parent_a="7", report="ä, ö")
    text = (folder / "ptbxl_database.csv").read_text().replace("_lr,records", "_lr.dat,records")
    (folder / "ptbxl_database.csv").write_text("\ufeff" + text)
    assert len(read_ptbxl(folder)) == 3


@pytest.mark.bad_input("a damaged cell of ptbxl_database.csv")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scp_codes": ["{'1.0AVB': 80.0}", "{}", "{}"]}, r"line 2 \(ecg_id 1\).*'1\.0AVB'.*spreadsheet"),
        ({"scp_codes": ["{}", "{'1.00E+00': 80.0}", "{}"]}, r"line 3 \(ecg_id 2\).*'1\.00E\+00'.*spreadsheet"),
        ({"scp_codes": ["{}", "{}", "{1.0: 80.0}"]}, r"line 4 .*1\.0.*spreadsheet"),
        ({"scp_codes": ["{}", "{'NORM': 100.0, 'S", "{}"]}, r"line 3 .*does not parse"),
        ({"scp_codes": ["", "{}", "{}"]}, r"line 2 .*does not parse"),
        ({"scp_codes": ["['NORM']", "{}", "{}"]}, r"line 2 .*does not parse"),
        ({"scp_codes": ["{'NORM': 'high'}", "{}", "{}"]}, "0 to 100 percent"),
        ({"scp_codes": ["{'NORM': 800.0}", "{}", "{}"]}, "0 to 100 percent"),
        ({"patient_id": ["1.57E+04", "2", "3"]}, r"patient_id '1\.57E\+04'.*spreadsheet"),
        ({"strat_fold": [0, 1, 2]}, "strat_fold '0'"),
        ({"strat_fold": ["", 1, 2]}, "strat_fold ''"),
        ({"ecg_id": [1, 1, 2]}, r"ecg_id '1' is there twice, the second in line 3"),
        ({"ecg_id": ["1", "1.0", "2"]}, r"ecg_id '1' is there twice, the second in line 3"),
        ({"ecg_id": ["", 1, 2]}, r"line 2 .*ecg_id '', expected a number"),
        ({"strat_fold": ["²", 1, 2]}, "strat_fold '²'"),
        ({"strat_fold": [1, "1e0", 2]}, "line 3.*strat_fold '1e0'"),
        ({"scp_codes": ["(" * 5000, "{}", "{}"]}, r"line 2 .*does not parse"),
        ({"scp_codes": ["{'NORM': 100,0}", "{}", "{}"]}, r"line 2 .*does not parse"),
        ({"scp_codes": ["{}", "{[]: 1}", "{}"]}, r"line 3 .*does not parse"),
        ({"scp_codes": ["{}", "{1if 1else 2: '\\d'}", "{}"]}, r"line 3 .*does not parse"),
        ({"scp_codes": ["{}", "{'NORM': 1e999}", "{}"]}, "0 to 100 percent"),
        ({"scp_codes": ["{}", "__import__('os').system('true')", "{}"]}, r"line 3 .*does not parse"),
    ],
)
def test_a_damaged_cell_is_named_with_its_row(tmp_path: Path, changes: dict[str, list], message: str) -> None:
    folder = write_set(tmp_path / "set", (100,), **changes)
    with pytest.raises(ValueError, match=message):
        read_ptbxl(folder)


def test_a_csv_of_another_shape_is_refused(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    file = folder / "ptbxl_database.csv"
    text = file.read_text()
    file.write_text(text.replace(",", ";"))
    with pytest.raises(ValueError, match=r"line 2 .*does not parse.*spreadsheet"):
        read_ptbxl(folder)
    file.write_text(text.replace("patient_id", "patient"))
    with pytest.raises(ValueError, match=r"lacks the columns \['patient_id'\].*spreadsheet"):
        read_ptbxl(folder)
    file.write_bytes(text.replace("SR", "S\u00e4").encode("latin-1"))
    with pytest.raises(ValueError, match="names 'Sä', which the statement table lacks"):
        read_ptbxl(folder)
    file.write_text("")
    with pytest.raises(ValueError, match="is empty"):
        read_ptbxl(folder)


@pytest.mark.bad_input("dialects of csv")
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_a_database_in_any_dialect_is_read_alike(tmp_path: Path, separator: str, encoding: str) -> None:
    folder = write_set(tmp_path / "set", report=["größer", "a;b,c", "\n"])
    usual = read_ptbxl(folder)
    file = folder / "ptbxl_database.csv"
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    if separator == ";":  # and decimal commas
        table[["patient_id", "age", "sex"]] = table[["patient_id", "age", "sex"]].replace(r"\.0", ",0", regex=True)
    table.to_csv(file, index=False, sep=separator, encoding=encoding)
    other = read_ptbxl(folder)
    pd.testing.assert_frame_equal(other.records, usual.records)
    assert ("ptbxl_database.csv is" in other.description) == (separator != "," or encoding in ("utf-16", "latin-1"))


@pytest.mark.bad_input("an age or sex that cannot be")
def test_an_odd_age_or_sex_costs_the_value_alone(tmp_path: Path) -> None:
    table = read_ptbxl(write_set(tmp_path / "set", age=["999", "60Y", "old"], sex=["2", "F", "1"]))
    np.testing.assert_array_equal(table.records["age"], [math.nan, 60, math.nan])
    assert table.records["sex"].tolist() == ["unknown", "female", "female"]
    assert "; 2 records with an age that cannot be (999, old): unknown; 1 record with a sex" in table.description


@pytest.mark.bad_input("no csv, or a damaged one")
def test_rows_are_never_shifted(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    file = folder / "ptbxl_database.csv"
    lines = file.read_text().splitlines()
    for line, change in ((1, lambda text: text + ",x"), (2, lambda text: text.rpartition(",")[0])):
        file.write_text("\n".join([*lines[:line], change(lines[line]), *lines[line + 1 :]]))
        with pytest.raises(ValueError, match=rf"line {line + 1} has \d cells, the header has 8"):
            read_ptbxl(folder)
    file.write_text("\n".join([lines[0], *(f"{text},x" for text in lines[1:])]))
    with pytest.raises(ValueError, match="line 2 has 9 cells"):
        read_ptbxl(folder)


@pytest.mark.bad_input("a damaged cell of ptbxl_database.csv")
def test_files_of_other_records_are_refused(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    table = pd.read_csv(folder / "ptbxl_database.csv", dtype=str)
    table["filename_lr"] = table["filename_lr"].tolist()[::-1]
    table.to_csv(folder / "ptbxl_database.csv", index=False)
    with pytest.raises(ValueError, match=r"line 2: ecg_id 1 has the file .*00003_lr, which is that of 3: .*sorted"):
        read_ptbxl(folder)


OUT_OF_THE_FOLDER = [
    "../../etc/passwd",
    "/etc/passwd",
    "records100/../../x",
    "C:\\ecg\\00001_lr",
    "//server/x/00001_lr",
]


@pytest.mark.bad_input("paths out of the folder")
@pytest.mark.parametrize("path", OUT_OF_THE_FOLDER)
@pytest.mark.parametrize("column", ["filename_lr", "filename_hr"])
def test_a_path_out_of_the_folder_is_refused(tmp_path: Path, path: str, column: str) -> None:
    folder = write_set(tmp_path / "set")
    table = pd.read_csv(folder / "ptbxl_database.csv", dtype=str)
    table.loc[1, column] = path
    table.to_csv(folder / "ptbxl_database.csv", index=False)
    with pytest.raises(ValueError, match=rf"line 3, {column}: .*leads out of the data set's folder"):
        read_ptbxl(folder)


@pytest.mark.bad_input("paths out of the folder")
def test_an_absolute_path_into_the_folder_is_read_and_no_path_is_no_file(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    table = pd.read_csv(folder / "ptbxl_database.csv", dtype=str)
    table.loc[0, "filename_lr"] = str(folder / "records100/00000/00001_lr.hea")
    table.loc[1, "filename_lr"] = "records100\\00000\\00002_lr.dat"
    table.loc[2, "filename_lr"] = ""
    table.to_csv(folder / "ptbxl_database.csv", index=False)
    assert [Path(path).name for path in read_ptbxl(folder).records["path"]] == ["00001_lr", "00002_lr"]


@pytest.mark.bad_input("odd item in a data set")
@pytest.mark.parametrize("ending", ["hea", "dat"])
@pytest.mark.parametrize("instead", ["nothing", "fifo", "link to nothing", "folder"])
def test_half_a_record_is_left_out_and_listed(tmp_path: Path, ending: str, instead: str) -> None:
    folder = write_set(tmp_path / "set")
    file = folder / f"records100/00000/00002_lr.{ending}"
    file.unlink()
    if instead == "fifo":
        os.mkfifo(file)
    elif instead == "folder":
        file.mkdir()
    elif instead == "link to nothing":
        file.symlink_to(tmp_path / "gone")
    table = read_ptbxl(folder)
    assert table.records["record_id"].tolist() == ["1", "3"]
    assert [(item.record_id, item.reason) for item in table.left_out] == [("2", "unreadable")]
    assert "1 without files at 100 Hz left out, 1 of them with one of their two files (2)" in table.description


@pytest.mark.bad_input("two layouts in one folder")
def test_recordings_beside_the_set_are_said_to_be_unread(tmp_path: Path) -> None:
    write_set(tmp_path / "set")
    (tmp_path / "other" / "deep").mkdir(parents=True)
    assert "not read" not in read_ptbxl(tmp_path).description
    (tmp_path / "other" / "deep" / "A0001.hea").touch()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "A0001.hea").touch()
    assert "; not read are the recordings in other beside set" in read_ptbxl(tmp_path).description


def test_a_mangled_statement_table_is_refused(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "set")
    file = folder / "scp_statements.csv"
    file.write_text(file.read_text().replace("\n1AVB,", "\n1.0AVB,"))
    with pytest.raises(ValueError, match=r"'1\.0AVB'.*spreadsheet"):
        read_ptbxl(folder)


@pytest.mark.real
def test_the_real_subset(real_data: Path) -> None:
    table = read_ptbxl(real_data / "ptb-xl")
    assert len(table) == 3864 and "a subset" in table.description
    assert (table.records["fold"] == 9).sum() == 481
    task = LabelTask.named("superdiagnostic", table.statement_table)
    training = table.records[table.records["fold"] <= 8]
    labels = task.encode(training["statements"].tolist())
    assert len(training) == 3383
    assert dict(zip(task.class_names, labels.sum(0).astype(int).tolist(), strict=True)) == {
        "NORM": 1663, "STTC": 801, "MI": 720, "CD": 706, "HYP": 395
    }  # fmt: skip
    assert (labels.sum(1) == 0).sum() == 50
    assert table.records["age"].max() < 100
    record = read_record(table.records.iloc[0])
    assert record.signal.shape == (12, 1000) and record.leads == LEADS


@pytest.mark.real
def test_the_few_real_records_at_500_hz(real_data: Path) -> None:
    table = read_ptbxl(real_data, sampling_rate=500)
    assert 0 < len(table) <= 40
    assert read_record(table.records.iloc[0]).signal.shape == (12, 5000)
