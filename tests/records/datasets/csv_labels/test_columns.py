"""Names of columns: their synonyms, and what is said where there are none or too many."""

from collections.abc import Callable

import pytest

from vqecg.records.attributes import ATTRIBUTES
from vqecg.records.record import RecordTable

ReadCsv = Callable[..., RecordTable]


@pytest.mark.bad_input("names of columns")
@pytest.mark.parametrize(
    "column",
    ["record_id", "Record_ID", "Record ID", "record-id", "RecordID", "recordId", " record ", "recording", "filename",
     "file_name", "FileName", "File Name", "FILE", "path", "file_path", "ecg_id", "exam_id", "study_id", "StudyID",
     "id", "ID", "name", "ecg"],
)  # fmt: skip
def test_records_are_named_by_many_columns(read_csv: ReadCsv, column: str) -> None:
    table = read_csv(f"{column},labels", "r0,AF", "r1,NORM")
    assert table.records["record_id"].tolist() == ["r0", "r1"]
    assert table.notes[0] == f"read: {column.strip()!r} as the record"


@pytest.mark.bad_input("names of columns")
@pytest.mark.parametrize(
    "column",
    ["labels", "Label", "statements", "dx", "Dx", "DX", "diagnosis", "Diagnoses", "scp_codes", "class", "target",
     "rhythm", "Rhythms", "Findings", "SNOMED codes", "diagnostic_superclass", "Diagnose"],
)  # fmt: skip
def test_labels_are_named_by_many_columns(read_csv: ReadCsv, column: str) -> None:
    table = read_csv(f"record_id,{column}", "r0,AF", "r1,\"['NORM', 'LVH']\"")
    assert [list(one) for one in table.records["statements"]] == [["AF"], ["NORM", "LVH"]]
    assert f"labels: {column!r}, one name in a cell and lists" in table.notes


@pytest.mark.bad_input("names of columns")
@pytest.mark.parametrize(
    "column",
    ["patient_id", "Patient_ID", "PatientID", "patientId", "Patient ID", "patient", "subject_id", "SubjectID",
     "subject", "pid", "person_id", "PATIENT-NR", "MRN"],
)  # fmt: skip
def test_patients_are_named_by_many_columns(read_csv: ReadCsv, column: str) -> None:
    table = read_csv(f"record_id,labels,{column}", "r0,AF,p1", "r1,NORM,p1")
    assert table.records["patient_id"].tolist() == ["p1", "p1"]
    assert f"{column!r} as the patient" in table.notes[0]


@pytest.mark.bad_input("names of columns")
@pytest.mark.parametrize(
    ("column", "cells", "sexes"),
    [
        ("sex", ("F", "M"), ("female", "male")),
        ("Sex", ("Female", "MALE"), ("female", "male")),
        ("gender", ("female", "male"), ("female", "male")),
        ("Gender", (" f", "m "), ("female", "male")),
        ("Geschlecht", ("w", "m"), ("female", "male")),
        ("Geschlecht", ("weiblich", "männlich"), ("female", "male")),
        ("patient_sex", ("woman", "man"), ("female", "male")),
        ("is_male", ("0", "1"), ("female", "male")),
        ("is_male", ("False", "True"), ("female", "male")),
        ("isMale", ("no", "yes"), ("female", "male")),
        ("male", ("0.0", "1.0"), ("female", "male")),
        ("is_female", ("1", "0"), ("female", "male")),
        ("Female", ("true", "false"), ("female", "male")),
        ("sex", ("unknown", ""), ("unknown", "unknown")),
        ("sex", ("nan", "N/A"), ("unknown", "unknown")),
        ("is_male", ("", "-1"), ("unknown", "unknown")),
    ],
)
def test_the_sex_is_read_from_many_columns(
    read_csv: ReadCsv, column: str, cells: tuple[str, str], sexes: tuple[str, str]
) -> None:
    table = read_csv(f"record_id,labels,{column}", *(f"r{row},AF,{cell}" for row, cell in enumerate(cells)))
    assert tuple(table.records["sex"]) == sexes


@pytest.mark.bad_input("names of columns")
@pytest.mark.parametrize(
    ("column", "cell"),
    [("sex", "0"), ("sex", "1"), ("Gender", "2"), ("sex", "1.0"), ("is_male", "M"), ("is_male", "maybe"),
     ("is_female", "female")],
)  # fmt: skip
def test_a_sex_of_no_clear_meaning_is_refused(read_csv: ReadCsv, column: str, cell: str) -> None:
    with pytest.raises(ValueError, match=f"column '{column}'.*(expected|else)"):
        read_csv(f"record_id,labels,{column}", f"r0,AF,{cell}", f"r1,AF,{cell}", "r2,AF,unknown")


@pytest.mark.bad_input("an age or sex that cannot be")
@pytest.mark.parametrize(
    ("column", "cell", "usual"),
    [("age", cell, "60") for cell in ("old", "999", "60-65", ">80", "1e9", "inf", "6O", "60 minutes", "-5", "#VALUE!",
                                      "1958-03-01")]
    + [("PatientAge", "999", "60"), ("sex", "x", "F"), ("sex", "2", "F"), ("Gender", "divers", "female"),
       ("is_male", "2", "1"), ("is_female", "maybe", "no")],
)  # fmt: skip
def test_an_odd_age_or_sex_costs_itself_alone_and_is_counted(
    read_csv: ReadCsv, column: str, cell: str, usual: str
) -> None:
    table = read_csv(f"record_id,labels,{column}", f"r0,AF,{usual}", f"r1,PVC,{cell}", f"r2,AF,{usual}")
    what = "an age" if "age" in column.lower() else "a sex"
    assert f"; 1 record with {what} that cannot be ({cell}; the first in line 3): unknown" in table.description
    values = table.records["age" if what == "an age" else "sex"]
    assert ATTRIBUTES.get(values.name).is_unknown(values[1])
    assert not any(ATTRIBUTES.get(values.name).is_unknown(values[row]) for row in (0, 2))
    assert table.records["statements"].map(list).tolist() == [["AF"], ["PVC"], ["AF"]]


@pytest.mark.bad_input("an age or sex that cannot be")
@pytest.mark.parametrize("cell", ["-1", "-1.0", "nan", "unknown", "not available", "", "unbekannt"])
def test_most_ages_may_be_unknown(read_csv: ReadCsv, cell: str) -> None:
    table = read_csv("record_id,labels,age", f"r0,AF,{cell}", f"r1,AF,{cell}", "r2,AF,60")
    assert table.records["age"].isna().sum() == 2 and "cannot be" not in table.description


@pytest.mark.bad_input("names of columns")
@pytest.mark.parametrize(
    ("column", "cell", "age"),
    [("age", "60", 60.0), ("Age", "60.0", 60.0), ("age_years", "60Y", 60.0), ("patient_age", "060Y", 60.0),
     ("Age (years)", "60 years", 60.0), ("AGE", "18M", 1.5), ("age", "60 y", 60.0), ("Alter", "60", 60.0),
     ("age", '"60,5 y"', 60.5), ("age", "300", 90.0), ("age", ">89", 90.0), ("age", "> 89", 90.0),
     ("age", "90+", 90.0), ("age", ">90", 90.0), ("age", "90 or older", 90.0)],
)  # fmt: skip
def test_ages_are_read_with_their_units(read_csv: ReadCsv, column: str, cell: str, age: float) -> None:
    assert read_csv(f"record_id,labels,{column}", f"r0,AF,{cell}").records["age"][0] == age


@pytest.mark.bad_input("names of columns")
@pytest.mark.parametrize("cell", ["old", "999", "60-65", ">80", "1950"])
def test_a_column_of_other_things_than_ages_is_refused(read_csv: ReadCsv, cell: str) -> None:
    message = rf"labels.csv: 2 of 3 cells of the column 'Age' cannot be an age \({cell}; the first in line 3\)"
    with pytest.raises(ValueError, match=message):
        read_csv("record_id,labels,Age", "r0,AF,60", f"r1,AF,{cell}", f"r2,AF,{cell}")


@pytest.mark.bad_input("names of columns")
@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("record_id,labels,subject,pid", "'subject', 'pid' may all be the patient: rename the right one patient_id"),
        ("record_id,labels,gender,is_male", "'gender', 'is_male' may all be the sex: rename the right one sex"),
        ("record_id,labels,is_female,is_male", "'is_male', 'is_female' may all be the sex"),
        ("record_id,dx,diagnosis,x", "'dx', 'diagnosis' may all be the labels: say which with label_columns"),
        ("record_id,labels,patient_age,age_years", "'age_years', 'patient_age' may all be the age"),
        ("record_id,labels,Patient_ID,patient id", "one column twice: 'Patient_ID', 'patient id'"),
        ("record_id,Labels,labels,x", "one column twice: 'Labels', 'labels'"),
        (
            "x,y,z,w",
            "no column that names records and no labels: its columns are 'x', 'y', 'z', 'w'; not read: 'x', 'y'",
        ),
        (
            "record_id,y,z,w",
            r"no labels: its columns are 'record_id', 'y', 'z', 'w'; not read: 'y', 'z', 'w' \(other values",
        ),
        ("x,labels,z,w", "no column that names records: its columns are"),
    ],
)
def test_columns_that_lack_or_contradict_each_other_are_said_at_once(
    read_csv: ReadCsv, header: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read_csv(header, "r0,AF,7,8", "r1,AF,7,8", records=("s0", "s1"))


@pytest.mark.parametrize(
    ("header", "ignored"),
    [
        ("record_id,labels,patient_id,subject", "'subject' ('patient_id' is read as the patient)"),
        ("record_id,labels,sex,gender", "'gender' ('sex' is read as sex)"),
        ("record_id,labels,fold,kfold", "'kfold' ('fold' is read as the fold)"),
        ("record_id,labels,dx,x", "'dx', 'x' ('labels' holds the labels)"),
    ],
)
def test_the_usual_name_wins_and_that_is_said(read_csv: ReadCsv, header: str, ignored: str) -> None:
    cells = {"sex": "f,f", "fold": "1,1"}.get(header.split(",")[2], "a,a")
    assert f"ignored: {ignored}" in read_csv(header, f"r0,AF,{cells}", f"r1,AF,{cells}").notes


@pytest.mark.bad_input("names of columns")
@pytest.mark.parametrize("column", ["waveform_path", "key", "ID", "", "filename_hr", "EKG-Datei", "basename"])
def test_a_column_whose_cells_name_files_is_read_whatever_it_is_called(read_csv: ReadCsv, column: str) -> None:
    table = read_csv(f"{column},labels,age", "r0.hea,AF,60", "r1,AF,61")
    assert table.records["record_id"].tolist() == ["r0", "r1"]
    assert any(f"read: {column or 'Unnamed: 0'!r} as the record" in note for note in table.notes)


@pytest.mark.bad_input("names of columns")
def test_numbers_that_happen_to_name_files_are_no_records(read_csv: ReadCsv) -> None:
    table = read_csv("beat,nr,labels,age", "1,11,AF,12", "2,12,AF,12", "3,13,PVC,61", records=("11", "12", "13"))
    assert table.records["record_id"].tolist() == ["11", "12", "13"]
    table = read_csv("patient_id,labels", "11,AF", "12,PVC", records=("11", "12"))
    assert table.records["record_id"].tolist() == ["11", "12"]


@pytest.mark.bad_input("names of columns")
def test_of_two_columns_of_records_the_one_that_names_files_is_read(read_csv: ReadCsv) -> None:
    table = read_csv("record_id,path,labels", "1,r0,AF", "2,r1,AF")
    assert table.records["record_id"].tolist() == ["r0", "r1"]
    assert "ignored: 'record_id' (no cell names a file)" in table.notes
    table = read_csv("exam_id,file_name,labels", "1,r0.dat,AF", "2,r1.dat,AF")
    assert "ignored: 'exam_id' (no cell names a file)" in table.notes
    table = read_csv("filename,record_id,labels", "r0,r0,AF", "r1,r1,AF")
    assert "ignored: 'filename' ('record_id' names the records)" in table.notes
    with pytest.raises(ValueError, match="'exam_id', 'study_id' may all be the record: rename the right one record_id"):
        read_csv("exam_id,study_id,labels", "r0,r1,AF", "r1,r0,AF")


@pytest.mark.bad_input("names of columns")
def test_a_split_in_words_is_said_to_be_ignored(read_csv: ReadCsv) -> None:
    table = read_csv("record_id,AF,split", "r0,1,train", "r1,0,test")
    assert any(
        note.startswith("ignored: 'split' (folds are dealt anew; to keep a split write fold:") for note in table.notes
    )


@pytest.mark.bad_input("names of columns")
def test_an_index_without_a_name_may_name_the_records(read_csv: ReadCsv) -> None:
    table = read_csv(",labels", "r0,AF", "r1,NORM")
    assert table.records["record_id"].tolist() == ["r0", "r1"]
    assert table.notes[0] == "read: 'Unnamed: 0' as the record"
    with pytest.raises(ValueError, match="no column that names records"):
        read_csv(",labels", "0,AF", "1,NORM")


@pytest.mark.bad_input("one-hot columns")
@pytest.mark.parametrize("cells", [("0", "1"), ("1.0", "0.0"), ("yes", "no"), ("True", "False")])
def test_a_column_of_labels_with_0_and_1_alone_is_a_warning(read_csv: ReadCsv, cells: tuple[str, str]) -> None:
    table = read_csv("record_id,label", f"r0,{cells[0]}", f"r1,{cells[1]}")
    assert any(
        note.startswith("WARNING: the labels are '") and "alone and count as names" in note for note in table.notes
    )


@pytest.mark.bad_input("one-hot columns")
def test_a_column_of_labels_with_0_and_1_beside_others_of_0_and_1_is_refused(read_csv: ReadCsv) -> None:
    rows = ("r0,1,0,1", "r1,0,1,0")
    with pytest.raises(
        ValueError, match=r"'target' may be the labels by its name, but holds 0 and 1 alone.*'AF', 'SR'"
    ):
        read_csv("record_id,target,AF,SR", *rows)
    table = read_csv("record_id,target,AF,SR", *rows, label_columns=("AF", "SR"))
    assert [list(one) for one in table.records["statements"]] == [["SR"], ["AF"]]


@pytest.mark.bad_input("columns that are no diagnoses")
def test_a_column_that_is_wanted_as_a_label_is_no_attribute(read_csv: ReadCsv) -> None:
    table = read_csv("record_id,sex,AF", "r0,1,0", "r1,0,1", label_columns=("sex", "AF"))
    assert [list(one) for one in table.records["statements"]] == [["sex"], ["AF"]]
    assert set(table.records["sex"]) == {"unknown"}


def test_the_dialect_of_the_csv_is_said(read_csv: ReadCsv) -> None:
    assert read_csv("record_id;labels", "r0;AF", "r1;SR").notes[0] == "labels.csv is separated by semicolons"
