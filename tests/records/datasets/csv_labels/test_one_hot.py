"""Columns with one cell for a label, and columns that are about something else."""

from collections.abc import Callable

import pytest

from vqecg.records.datasets.csv_labels.names import is_no_diagnosis
from vqecg.records.datasets.csv_labels.one_hot import presence
from vqecg.records.record import RecordTable

ReadCsv = Callable[..., RecordTable]
CODE15 = (
    "exam_id,age,is_male,nn_predicted_age,1dAVb,RBBB,LBBB,SB,ST,AF,patient_id,death,timey,normal_ecg,trace_file",
    "0,38,True,40.16,False,False,False,False,False,True,1,False,2.098,False,exams_part13.hdf5",
    "1,73,False,67.0,True,False,False,True,False,False,2,True,6.65,False,exams_part13.hdf5",
    "2,67,True,79.6,False,True,True,False,True,False,2,,,True,exams_part13.hdf5",
)


def labels(table: RecordTable) -> list[list[str]]:
    return [list(statements) for statements in table.records["statements"]]


@pytest.mark.bad_input("one-hot columns")
@pytest.mark.parametrize(
    ("cells", "present"),
    [
        (("1", "0", "1"), (0, 2)),
        (("1.0", "0.0", "1.0"), (0, 2)),
        (("1.00", "0.00", ""), (0,)),
        (("yes", "no", "YES"), (0, 2)),
        (("y", "n", "N"), (0,)),
        (("True", "False", "TRUE"), (0, 2)),
        (("t", "f", "f"), (0,)),
        (("positive", "negative", "Positive"), (0, 2)),
        (("x", "", "X"), (0, 2)),
        (("1", "-1", "0"), (0,)),
        (("1.0", "-1.0", "0.0"), (0,)),
        (("1", "NaN", "nan"), (0,)),
        (("1", "None", "N/A"), (0,)),
        (("1", "unknown", "?"), (0,)),
        ((" 1 ", "0 ", " 0"), (0,)),
        (('"1,0"', '"0,0"', '"0,0"'), (0,)),
        (("wahr", "falsch", "FALSCH"), (0,)),
        (("present", "absent", "absent"), (0,)),
    ],
)
def test_present_and_absent_are_read_however_they_are_written(
    read_csv: ReadCsv, cells: tuple[str, ...], present: tuple[int, ...]
) -> None:
    rows = [f"r{row},{cell},1" for row, cell in enumerate(cells)]
    table = read_csv("record_id,AF,LBBB", *rows, empty_labels="none")
    assert [row for row, names in enumerate(labels(table)) if "AF" in names] == list(present)


@pytest.mark.bad_input("one-hot columns")
@pytest.mark.parametrize(
    "cell", ["2", "maybe", "0.37", "10", "-2", "1;0", "11", "o", "l", "1 0", "inf", "é", "AF", "99"]
)
def test_an_odd_cell_is_named_with_line_and_column(read_csv: ReadCsv, cell: str) -> None:
    with pytest.raises(ValueError, match=rf"labels\.csv: line 4, column 'AF': '{cell}', expected 0 and 1"):
        read_csv("record_id,AF,LBBB", "r0,1,0", "r1,0,1", f"r2,{cell},1")


def test_how_many_cells_are_unknown_is_said(read_csv: ReadCsv) -> None:
    table = read_csv("record_id,AF,LBBB", "r0,1,", "r1,-1,1", "r2,0,0", empty_labels="none")
    assert "empty cells of labels in 2 rows count as no label" in table.notes
    assert "1 of 3 records have no label" in table.notes


@pytest.mark.bad_input("one-hot columns")
def test_probabilities_are_refused_with_the_reason(read_csv: ReadCsv) -> None:
    with pytest.raises(ValueError, match=r"no labels.*not read: 'AF' \(fractions; make 0 and 1"):
        read_csv("record_id,AF", "r0,0.37", "r1,0.91")
    with pytest.raises(ValueError, match=r"line 3, column 'AF': '0\.91'.*a probability is no label"):
        read_csv("record_id,AF", "r0,1", "r1,0.91")
    with pytest.raises(ValueError, match=r"line 2, column 'AF': '0\.37' \(2 such cells\).*a probability is no label"):
        read_csv("record_id,AF", "r0,0.37", "r1,0.91", label_columns=("AF",))


@pytest.mark.bad_input("one-hot columns")
@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("record_id,AF,af", "'AF' and 'af' are one column twice"),
        ("record_id,AF ,AF", "'AF' twice"),
        ("record_id,AF,AF.1", "'AF' and 'AF.1' are one column twice"),
        ("record_id,AF,[LBBB]", "the label"),
    ],
)
def test_columns_whose_names_cannot_be_labels_are_refused(read_csv: ReadCsv, header: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_csv(header, "r0,1,0", "r1,0,1")


def test_code15_has_six_diagnoses(read_csv: ReadCsv) -> None:
    table = read_csv(*CODE15, records=("0", "1", "2"))
    assert labels(table) == [["AF"], ["1dAVb", "SB"], ["RBBB", "LBBB", "ST"]]
    assert table.records["sex"].tolist() == ["male", "female", "male"]
    assert table.records["patient_id"].tolist() == ["1", "2", "2"]
    assert table.records["age"].tolist() == [38.0, 73.0, 67.0]
    assert table.notes[0] == (
        "read: 'exam_id' as the record, 'patient_id' as the patient, 'age' as age, 'is_male' as sex (1 is male)"
    )
    assert table.notes[1] == (
        "ignored: 'nn_predicted_age', 'death', 'timey', 'normal_ecg', 'trace_file' (no diagnosis by its name; if it is "
        "one, label_columns reads it)"
    )


@pytest.mark.bad_input("columns that are no diagnoses")
@pytest.mark.parametrize(
    "column",
    ["death", "is_male", "is_female", "Unnamed: 0", "", "index", "normal_ecg", "split", "validated", "site", "device",
     "pacemaker", "height", "weight", "is_train", "test", "burst_noise", "baseline_drift", "validated_by_human",
     "died_within_30_days", "InTrain", "level_0", "Death", "DEATH", "hospital", "age_over_60",
     "beta_blocker", "unknown", "None"],
)  # fmt: skip
def test_a_column_of_0_and_1_about_something_else_is_no_label(read_csv: ReadCsv, column: str) -> None:
    table = read_csv(f"record_id,{column},AF", "r0,1,1", "r1,0,0", "r2,1,1")
    assert labels(table) == [["AF"], [], ["AF"]]
    assert any((column or "Unnamed: 1") in note for note in table.notes)


@pytest.mark.parametrize(
    "column", ["AF", "1dAVb", "ST", "STEMI", "LBBB", "long QT", "age-undetermined infarct", "NORM", "normal", "is_AF",
               "poor R wave progression", "Mobitz_II", "SB", "old MI", "WPW", "left axis", "PACE", "426783006"],
)  # fmt: skip
def test_names_of_diagnoses_are_not_taken_for_something_else(column: str) -> None:
    assert not is_no_diagnosis(column)


@pytest.mark.bad_input("columns that are no diagnoses")
def test_label_columns_decides_exactly(read_csv: ReadCsv) -> None:
    lines = ("record_id,AF,death,site", "r0,1,0,1", "r1,0,1,0", "r2,0,0,1")
    assert labels(read_csv(*lines)) == [["AF"], [], []]
    assert labels(read_csv(*lines, label_columns=("death", "site"))) == [["site"], ["death"], ["site"]]
    assert "ignored: 'AF', 'site' (not among label_columns)" in read_csv(*lines, label_columns=("death",)).notes


@pytest.mark.bad_input("columns that are no diagnoses")
@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (("AFIB",), "no column 'AFIB', which label_columns names; did you mean 'AF'.*; there are 'record_id', 'AF'"),
        (("af",), "no column 'af'.*did you mean 'AF'"),
        (("AF", "AF"), "label_columns names 'AF' twice"),
        (("AF", "nothing"), "'nothing', which label_columns names, has nothing in it"),
        (("AF", "odd"), "line 3, column 'odd': '7'"),
    ],
)
def test_label_columns_that_cannot_be_are_refused(read_csv: ReadCsv, wanted: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_csv("record_id,AF,nothing,odd", "r0,1,,1", "r1,0,,7", "r2,0,,0", label_columns=wanted)


def test_label_columns_may_hold_lists_too(read_csv: ReadCsv) -> None:
    table = read_csv(
        "record_id,rhythm,diagnosis,AF", "r0,SR,['MI'],0", "r1,AFIB,[],1", label_columns=("rhythm", "diagnosis", "AF")
    )
    assert labels(table) == [["SR", "MI"], ["AFIB", "AF"]]


def test_a_column_of_labels_wins_over_columns_of_0_and_1(read_csv: ReadCsv) -> None:
    table = read_csv("record_id,labels,AF", "r0,STEMI,0", "r1,NORM,1")
    assert labels(table) == [["STEMI"], ["NORM"]]
    assert "ignored: 'AF' ('labels' holds the labels)" in table.notes


def test_presence_of_one_cell() -> None:
    assert presence("TRUE") is True and presence("0.0") is False and presence("") is None
