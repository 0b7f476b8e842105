"""Patients and folds of a csv: unknown ones, ids in several spellings, and patients in several folds."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vqecg.records.record import RecordTable

ReadCsv = Callable[..., RecordTable]


def said(table: RecordTable, words: str) -> bool:
    return any(words in note for note in table.notes)


@pytest.mark.bad_input("patients and folds of a csv")
def test_without_patients_every_record_is_one_and_that_is_a_warning(read_csv: ReadCsv) -> None:
    table = read_csv("record_id,labels", *(f"r{row},AF" for row in range(12)))
    assert table.records["patient_id"].nunique() == 12
    assert said(table, "WARNING: no patient column. Every record counts as a patient of its own")
    assert table.description.endswith("; 10 folds assigned by record, as no patients are known")


@pytest.mark.bad_input("patients and folds of a csv")
@pytest.mark.parametrize(
    "cell", ["", "nan", "NA", "N/A", "None", "null", "unknown", "Unknown", "?", "-", "-1", "-9", "-1.0", "#N/A", " "]
)
def test_a_word_for_no_patient_is_not_one_patient(read_csv: ReadCsv, cell: str) -> None:
    table = read_csv("record_id,labels,patient_id", f"r0,AF,{cell}", f"r1,AF,{cell}", "r2,AF,p1")
    assert table.records["patient_id"].tolist() == ["r0", "r1", "p1"]
    assert said(table, "2 of 3 records have no patient in 'patient_id': each is a patient of its own")


def test_a_record_of_no_patient_does_not_take_the_name_of_one(read_csv: ReadCsv) -> None:
    table = read_csv("record_id,labels,patient_id", "7,AF,", "8,AF,7", records=("7", "8"))
    assert table.records["patient_id"].tolist() == ["record 7", "7"]


@pytest.mark.bad_input("patients and folds of a csv")
@pytest.mark.parametrize("cells", [("1", "1.0"), ("1.0", " 1 "), ("p1", "p1\u00a0"), ("p 1", "p  1")])
def test_one_patient_in_two_spellings_is_one(read_csv: ReadCsv, cells: tuple[str, str]) -> None:
    table = read_csv("record_id,labels,patient_id", *(f"r{row},AF,{cell}" for row, cell in enumerate(cells)))
    assert table.records["patient_id"].nunique() == 1


@pytest.mark.bad_input("patients and folds of a csv")
@pytest.mark.parametrize("cells", [("p1", "P1"), ("007", "7")])
def test_ids_that_may_be_one_patient_are_a_warning(read_csv: ReadCsv, cells: tuple[str, str]) -> None:
    table = read_csv("record_id,labels,patient_id", *(f"r{row},AF,{cell}" for row, cell in enumerate(cells)))
    assert table.records["patient_id"].nunique() == 2
    assert said(table, f"WARNING: 1 patients are written in several ways and count as different ones, the first as "
                       f"'{cells[0]}', '{cells[1]}'")  # fmt: skip


@pytest.mark.bad_input("patients and folds of a csv")
@pytest.mark.parametrize("cell", ["0", "999", "anonymous"])
def test_a_patient_of_very_many_records_is_a_warning(read_csv: ReadCsv, cell: str) -> None:
    table = read_csv(
        "record_id,labels,patient_id", *(f"r{row},AF,{cell if row % 2 else row + 100}" for row in range(40))
    )
    assert said(table, f"WARNING: 20 records are of the patient {cell!r}, far more than of any other")
    assert (table.records["patient_id"] == cell).sum() == 20  # together, so that no fold divides them


@pytest.mark.bad_input("patients and folds of a csv")
@pytest.mark.parametrize("fold", ["0", "11", "1.5", "train", "", "-1", "nan", "1e1", "\u0663", "A"])
def test_a_fold_that_is_none_is_named_with_its_line(read_csv: ReadCsv, fold: str) -> None:
    with pytest.raises(ValueError, match=f"line 3: fold '{fold}', expected 1 to 10 in every row"):
        read_csv("record_id,labels,fold", "r0,AF,1", f"r1,AF,{fold}")


@pytest.mark.bad_input("patients and folds of a csv")
def test_a_patient_in_several_folds_is_refused(read_csv: ReadCsv) -> None:
    rows = ("r0,AF,p1,1", "r1,AF,p1,10", "r2,AF,p2,3", "r3,AF,p2,3", "r4,AF,,1", "r5,AF,,2")
    with pytest.raises(ValueError, match=r"1 patients have records in several folds.*'p1' in 1, 10.*or drop 'fold'"):
        read_csv("record_id,labels,patient_id,fold", *rows)
    table = read_csv("record_id,labels,patient_id,fold", rows[0], *rows[2:])
    assert table.records["fold"].tolist() == [1, 3, 3, 1, 2]


@pytest.mark.bad_input("patients and folds of a csv")
@pytest.mark.parametrize(
    ("folds", "words"),
    [
        (("1", "1.0"), "has the folds 1: no record is in validation or test"),
        (("1", "9"), "has the folds 1, 9: no record is in test"),
        (("9", "10"), "has the folds 9, 10: no record is in training"),
    ],
)
def test_a_part_without_records_is_a_warning(read_csv: ReadCsv, folds: tuple[str, str], words: str) -> None:
    table = read_csv("record_id,labels,strat_fold", *(f"r{row},AF,{fold}" for row, fold in enumerate(folds)))
    assert said(table, f"WARNING: the column 'strat_fold' {words}")


def test_folds_for_every_part_are_no_warning(read_csv: ReadCsv) -> None:
    table = read_csv("record_id,labels,patient_id,fold", "r0,AF,a,1", "r1,AF,b,9", "r2,AF,c,10")
    assert not said(table, "WARNING")


@pytest.mark.bad_input("names of records in a csv")
def test_rows_without_files_and_files_without_rows_are_counted(read_csv: ReadCsv, tmp_path: Path) -> None:
    table = read_csv("record_id,labels", "r0,AF", "x1,AF", "x2,AF", "x3,AF", "x4,AF", records=("r0", "r1", "sub/r2"))
    assert said(table, "4 rows name no file, the first: 'x1', 'x2', 'x3'")
    assert said(table, "2 records of the folder are in no row")


@pytest.mark.bad_input("names of records in a csv")
@pytest.mark.parametrize(
    ("cell", "record"),
    [
        ("C:\\ecg\\sub\\q0.dat", "sub/q0"),
        ("/nowhere/ecg/sub/q0.hea", "sub/q0"),
        ("sub/q0.mat", "sub/q0"),
        ("q0", "sub/q0"),
        ("Größe.1", "Größe.1"),
        ("12345.0", "12345"),
    ],
)
def test_records_are_named_in_many_ways(read_csv: ReadCsv, cell: str, record: str) -> None:
    table = read_csv("filename,labels", f"{cell},AF", records=("sub/q0", "Größe.1", "12345"))
    assert table.records["record_id"].tolist() == [record]
    assert said(table, f"1 rows name a path of another machine, matched by its last parts, the first: {cell!r}") is (
        cell[0] in "/C"
    )


@pytest.mark.bad_input("names of records in a csv")
def test_a_record_in_two_rows_is_refused_with_both_lines(read_csv: ReadCsv) -> None:
    with pytest.raises(ValueError, match="line 4: r0 is in two rows, the other is line 2"):
        read_csv("record_id,labels", "r0,AF", "r1,AF", "r0.dat,PVC")


@pytest.mark.bad_input("cells of no label")
def test_a_csv_without_any_label_is_refused(read_csv: ReadCsv) -> None:
    with pytest.raises(ValueError, match="no row has a label in 'labels'"):
        read_csv("record_id,labels", "r0,unknown", "r1,", empty_labels="none")


@pytest.mark.bad_input("patients and folds of a csv")
def test_a_column_of_patients_with_nothing_in_it_is_a_warning(read_csv: ReadCsv) -> None:
    table = read_csv("record_id,labels,patient_id", *(f"r{row},AF,unknown" for row in range(12)))
    assert said(table, "WARNING: no patient in the column 'patient_id'. Every record counts as a patient of its own")
    assert table.description.endswith("by record, as no patients are known")


@pytest.mark.bad_input("spellings of labels")
def test_labels_that_become_one_are_said(read_csv: ReadCsv) -> None:
    table = read_csv("record_id,labels", "r0,AF; Q  wave", "r1,af;Q wave", "r2,AF;Q wave")
    assert [list(statements) for statements in table.records["statements"]] == [["AF", "Q wave"]] * 3
    assert "labels that differ by case or blanks only count as one: 'Q  wave' as 'Q wave', 'af' as 'AF'" in table.notes


@pytest.mark.bad_input("spellings of labels")
def test_a_label_that_joins_two_is_a_warning(read_csv: ReadCsv) -> None:
    assert said(read_csv("record_id,labels", "r0,AF+PVC", "r1,AF"), "WARNING: 'AF+PVC': a label with + in it cannot be")
