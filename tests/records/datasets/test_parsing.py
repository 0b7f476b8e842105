"""Ids in the spellings of publishers, and the record table."""

import pytest

from vqecg.records.datasets.parsing import id_text, record_frame
from vqecg.records.record import RecordTable


@pytest.mark.parametrize(
    ("text", "name"), [("15709.0", "15709"), ("00012", "00012"), ("p 7", "p 7"), ("12E4", "12E4"), ("nan", "")]
)
def test_ids(text: str, name: str) -> None:
    assert id_text(text, "patient_id") == name


def test_a_rounded_id_is_refused() -> None:
    with pytest.raises(ValueError, match=r"patient_id '1\.57E\+04'.*spreadsheet"):
        id_text("1.57E+04", "patient_id")


def test_no_rows_make_an_empty_table() -> None:
    assert len(RecordTable(record_frame([]), "folder", "nothing")) == 0
