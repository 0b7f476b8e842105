"""Ids in the spellings of publishers, and the record table."""

from pathlib import Path

import pytest

from vqecg.records.datasets.parsing import id_text, listed, naming, record_frame
from vqecg.records.record import LeftOut, RecordTable


@pytest.mark.bad_input("ids that a spreadsheet changed")
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("15709.0", "15709"), ("00012", "00012"), ("p 7", "p 7"), ("12E4", "12E4"), ("nan", ""), ("15709,0", "15709"),
        ("9007199254740993.0", "9007199254740993"), ("1,5", "1,5"), ("7.00", "7"), ("1_0", "1_0"), ("", ""),
    ],
)  # fmt: skip
def test_ids(text: str, name: str) -> None:
    assert id_text(text, "patient_id") == name


@pytest.mark.bad_input("ids that a spreadsheet changed")
@pytest.mark.parametrize("text", ["1.57E+04", "1,57E+04", "1.57e4", "2E+15"])
def test_a_rounded_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"patient_id '[12].*spreadsheet"):
        id_text(text, "patient_id")


def test_every_message_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.hea"
    assert naming(file, int, "7") == 7
    with pytest.raises(ValueError, match=r"a\.hea: invalid literal"):
        naming(file, int, "x")
    with pytest.raises(ValueError, match=r"a\.hea"):
        naming(file, file.read_text)


def test_records_left_out_are_counted_and_named() -> None:
    items = [LeftOut(f"A{number}", "unreadable", "") for number in range(5)]
    assert listed("odd headers", items) == "; 5 odd headers left out (A0, A1, A2, ...)"
    assert (listed("odd headers", items[:1]), listed("odd headers", [])) == ("; 1 odd headers left out (A0)", "")


def test_no_rows_make_an_empty_table() -> None:
    assert len(RecordTable(record_frame([]), "folder", "nothing")) == 0
