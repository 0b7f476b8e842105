"""Ages, sexes and ids in the spellings of publishers."""

import math

import pytest

from vqecg.records.datasets.parsing import age_years, id_text, record_frame, sex_name
from vqecg.records.record import RecordTable


@pytest.mark.parametrize(("text", "age"), [("56.0", 56.0), ("0", 0.0), ("300", 90.0), (" 91 ", 91.0)])
def test_ages(text: str, age: float) -> None:
    assert age_years(text) == age


@pytest.mark.parametrize("text", ["", "NaN", "Unknown", "-1", "n/a"])
def test_unknown_ages_are_nan(text: str) -> None:
    assert math.isnan(age_years(text))


@pytest.mark.parametrize("text", ["old", "126", "inf"])
def test_impossible_ages_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="age"):
        age_years(text)


@pytest.mark.parametrize(
    ("text", "sex"), [("Female", "female"), ("f", "female"), (" MALE ", "male"), ("M", "male"), ("", "unknown")]
)
def test_sexes(text: str, sex: str) -> None:
    assert sex_name(text) == sex


def test_a_number_is_no_sex() -> None:
    with pytest.raises(ValueError, match="sex '1'"):
        sex_name("1")


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
