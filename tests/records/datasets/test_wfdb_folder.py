"""A plain folder of WFDB records with a csv of labels."""

import math
from pathlib import Path

import numpy as np
import pytest
import wfdb

from vqecg.records.datasets.registry import read_record
from vqecg.records.datasets.wfdb_folder import read_folder
from vqecg.records.leads import LEADS


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        wfdb.wrsamp(
            path.name, 250, ["mV"] * 12, list(LEADS), p_signal=np.full((50, 12), 0.25), fmt=["16"] * 12,
            adc_gain=[1000.0] * 12, baseline=[0] * 12, write_dir=str(path.parent),
        )  # fmt: skip


def write_csv(root: Path, *lines: str, name: str = "labels.csv") -> Path:
    (root / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root / name


def test_a_column_of_labels_with_everything_known(tmp_path: Path) -> None:
    write(tmp_path, "a/r1", "a/r2")
    write_csv(
        tmp_path,
        "Path,Labels,Patient_ID,Age,Sex,Fold,device",
        "a/r1.hea,AF;PVC,7,60,F,1,x",
        "a/r2, STD ,8.0,,male,10,y",
    )
    table = read_folder(tmp_path)
    first, second = table.records.itertuples()
    assert (first.record_id, first.patient_id, first.fold, first.age, first.sex) == ("a/r1", "7", 1, 60.0, "female")
    assert first.statements == {"AF": 0.0, "PVC": 0.0}
    assert (second.record_id, second.patient_id, second.fold, second.sex) == ("a/r2", "8", 10, "male")
    assert math.isnan(second.age) and second.statements == {"STD": 0.0}
    record = read_record(first)
    assert record.signal.shape == (12, 50) and record.sampling_rate == 250
    np.testing.assert_allclose(record.signal, 0.25)


@pytest.mark.parametrize("cell", ["AF;PVC", "AF|PVC", '"AF,PVC"', '" AF ; PVC; "'])
def test_labels_may_be_separated_in_three_ways(tmp_path: Path, cell: str) -> None:
    write(tmp_path, "r1")
    write_csv(tmp_path, "record_id,statements", f"r1,{cell}")
    assert set(read_folder(tmp_path).records["statements"][0]) == {"AF", "PVC"}


def test_columns_of_zero_and_one_are_labels_and_others_are_not(tmp_path: Path) -> None:
    write(tmp_path, "r1", "r2")
    write_csv(tmp_path, "filename,AF,site,STD,age,empty", "r1,1,3,False,1,", "r2,,4,true,0,")
    assert read_folder(tmp_path, empty_labels="none").records["statements"].tolist() == [{"AF": 0.0}, {"STD": 0.0}]


def test_folds_are_dealt_by_patient_where_there_are_none(tmp_path: Path) -> None:
    names = [f"r{number}" for number in range(20)]
    write(tmp_path, *names)
    write_csv(tmp_path, "record_id,labels,patient_id", *(f"{name},AF,p{int(name[1:]) // 2}" for name in names))
    table = read_folder(tmp_path)
    assert sorted(set(table.records["fold"])) == list(range(1, 11))
    assert (table.records.groupby("patient_id")["fold"].nunique() == 1).all()
    assert "10 folds assigned by patient" in table.description


def test_rows_without_files_are_left_out_and_counted(tmp_path: Path) -> None:
    write(tmp_path, "r1")
    write_csv(tmp_path, "record_id,labels", "r1,AF", "r2,AF")
    assert "1 records; 1 rows without files left out" in read_folder(tmp_path).description


def test_a_bare_name_is_found_in_a_subfolder_if_it_is_unique(tmp_path: Path) -> None:
    write(tmp_path, "deep/down/r1", "a/r2", "b/r2")
    write_csv(tmp_path, "record_id,labels", "r1.dat,AF", "./a/r2,AF")
    assert read_folder(tmp_path).records["record_id"].tolist() == ["deep/down/r1", "a/r2"]
    write_csv(tmp_path, "record_id,labels", "r2,AF")
    with pytest.raises(ValueError, match="2 records are called 'r2'"):
        read_folder(tmp_path)


def test_the_csv_may_lie_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / "records", "r1")
    file = write_csv(tmp_path, "record_id,labels", "r1,AF")
    assert len(read_folder(tmp_path / "records", file)) == 1
    with pytest.raises(ValueError, match="no file"):
        read_folder(tmp_path / "records", tmp_path / "other.csv")


def test_several_csv_files_need_a_choice(tmp_path: Path) -> None:
    write(tmp_path, "r1")
    write_csv(tmp_path, "record_id,labels", "r1,AF")
    write_csv(tmp_path, "record_id,labels", "r1,PVC", name="other.csv")
    write_csv(tmp_path, "a,b", "1,2", name="unrelated.csv")
    with pytest.raises(ValueError, match=r"labels\.csv, other\.csv.*labels_csv"):
        read_folder(tmp_path)
    assert read_folder(tmp_path, tmp_path / "other.csv").records["statements"].tolist() == [{"PVC": 0.0}]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("record_id,notes", "r1,AF"), "no labels: its columns are 'record_id', 'notes'"),
        (("record_id,labels", "r9,AF"), "none of the 1 records"),
        (("record_id,labels,fold", "r1,AF,11"), "line 2: fold '11'"),
        (("record_id,labels,fold", "r1,AF,"), "line 2: fold ''"),
        (("record_id,labels,age", "r1,AF,old", "r2,AF,x"), "2 of 2 cells of the column 'age' cannot be an age"),
        (("record_id,labels,sex", "r1,AF,1"), "sex '1' in the column 'sex' may mean either"),
        (("record_id,labels,patient_id", "r1,AF,1.5E+12"), "line 2: patient_id"),
        (("record_id,labels", ",AF"), "line 2: no record name"),
        (("record_id,labels", "r1,AF", "r1.hea,PVC"), "line 3: r1 is in two rows"),
        (("record_id,labels,Labels", "r1,AF,AF"), "one column twice"),
        (("name,labels", "r9,AF"), "labels.csv: no column that names records: its columns are 'name', 'labels'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, lines: tuple[str, ...], message: str) -> None:
    write(tmp_path, "r1")
    write(tmp_path, "r2")
    write_csv(tmp_path, *lines)
    with pytest.raises(ValueError, match=message):
        read_folder(tmp_path)


def test_a_csv_that_names_no_records_is_refused_with_its_columns(tmp_path: Path) -> None:
    write(tmp_path, "r1")
    file = write_csv(tmp_path, "name,labels", "Ms Smith,AF")
    with pytest.raises(ValueError, match="no column that names records: its columns are 'name', 'labels'"):
        read_folder(tmp_path, file)


def test_a_folder_without_csv_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no csv at all"):
        read_folder(tmp_path)


@pytest.mark.real
def test_real_records_in_a_plain_folder(real_data: Path, tmp_path: Path) -> None:
    file = write_csv(tmp_path, "record,rhythm AF,rhythm SB", "data/1,0,1", "data/8,1,0")
    table = read_folder(real_data / "ludb", file)
    assert table.records["statements"].tolist() == [{"rhythm SB": 0.0}, {"rhythm AF": 0.0}]
    assert read_record(table.records.iloc[0]).leads == LEADS
