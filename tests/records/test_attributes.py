"""Attributes: their values in the spellings of publishers, and one that is registered from outside the package."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqecg.records.attributes import ATTRIBUTES, Attribute, AttributeTally, with_unknown
from vqecg.records.datasets.registry import read_record, read_table
from vqecg.records.export.dataset import write_dataset
from vqecg.records.export.wfdb_writing import write_record
from vqecg.records.label_tables import statement_table
from vqecg.records.simulation.simulator import simulate_record
from vqecg.records.store.building import build_store
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec


@pytest.mark.bad_input("an age or sex that cannot be")
@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("56.0", 56), ("0", 0), ("300", 90), (" 91 ", 91), ("+5", 5), ("63,5", 63.5), ("6e1", 60), ("60Y", 60),
        ("060Y", 60), ("60 years", 60), ("60 Yrs", 60), ("1 year", 1), ("018M", 1.5), ("5 months", 5 / 12),
        ("300Y", 90), ("3W", 3 * 7 / 365.25), ("012D", 12 / 365.25), ("20 days", 20 / 365.25), ("125", 125),
    ],
)  # fmt: skip
def test_ages(text: str, age: float) -> None:
    assert ATTRIBUTES.get("age").parse(text) == pytest.approx(age)


@pytest.mark.bad_input("an age or sex that cannot be")
@pytest.mark.parametrize("text", ["", "NaN", "Unknown", "-1", "n/a", "-1.0", "<NA>", "None", "?"])
def test_unknown_ages_are_nan(text: str) -> None:
    assert math.isnan(ATTRIBUTES.get("age").parse(text))


@pytest.mark.bad_input("an age or sex that cannot be")
@pytest.mark.parametrize(
    "text",
    ["old", "126", "inf", "-inf", "1e9", "999", "-5", "6_0", "0x3C", "60Z", "60 kg", "3,500", "1.2.3", "60-70", ">89",
     "1e999", "2019-01-01", "60 61", "Y", "٦٠", "4000M"],
)  # fmt: skip
def test_impossible_ages_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="age"):
        ATTRIBUTES.get("age").parse(text)


@pytest.mark.bad_input("an age or sex that cannot be")
@pytest.mark.parametrize(
    ("text", "sex"),
    [("Female", "female"), ("f", "female"), (" MALE ", "male"), ("M", "male"), ("", "unknown"), ("U", "unknown"),
     ("woman", "female"), ("unknown", "unknown"), ("NaN", "unknown")],
)  # fmt: skip
def test_sexes(text: str, sex: str) -> None:
    assert ATTRIBUTES.get("sex").parse(text) == sex


@pytest.mark.bad_input("an age or sex that cannot be")
@pytest.mark.parametrize("text", ["1", "0", "2", "fm", "other", "Female,"])
def test_a_number_or_another_word_is_no_sex(text: str) -> None:
    with pytest.raises(ValueError, match=f"sex '{text}'"):
        ATTRIBUTES.get("sex").parse(text)


def test_cells_that_cannot_be_cost_the_value_alone_and_are_counted() -> None:
    tally = AttributeTally()
    rows = [{"age": "999", "sex": "F"}, {"age": "-1", "sex": "9"}, {"age": "60Y"}, {"age": "unknown", "sex": "U"}]
    rows += [{"age": text} for text in ("999", "999", "-1", "=1+cmd|'x\n'!A1 and more of it", "-5")]
    values = [tally.of_row(row) for row in rows]
    assert [value["sex"] for value in values[:4]] == ["female", "unknown", "unknown", "unknown"]
    assert values[2]["age"] == 60 and all(math.isnan(value["age"]) for value in values[:2] + values[3:])
    assert tally.note == (
        "; 7 records with an age that cannot be (999, -1, =1+cmd|'x\\n'!A1 a..., ...): unknown"
        "; 1 record with a sex that cannot be (9): unknown"
    )
    assert AttributeTally().note == ""


@pytest.mark.bad_input("an age or sex that cannot be")
def test_a_column_of_other_things_is_refused() -> None:
    tally = AttributeTally()
    for _ in range(9):
        tally.of_row({"sex": "56", "age": "1"})
    tally.check_columns()
    tally.of_row({"sex": "61", "age": "0"})
    with pytest.raises(ValueError, match=r"10 of 10 cells of the column sex cannot be a sex \(56, 61\)"):
        tally.check_columns()


def body_mass_index(cells: dict[str, str]) -> float:
    """kg/m2 from PTB-XL's columns of height in cm and weight in kg."""
    try:
        return float(cells["weight"]) / (float(cells["height"]) / 100) ** 2
    except (KeyError, ValueError, ZeroDivisionError):
        return math.nan


@pytest.fixture
def bmi() -> Iterator[None]:
    ATTRIBUTES.register("bmi")(Attribute("bmi", unit="kg/m2", highest=100.0, scale=25.0, derive=body_mass_index))
    yield
    ATTRIBUTES.remove("bmi")


def csv_folder(folder: Path) -> Path:
    """Three WFDB records with a csv of labels and body mass indices."""
    folder.mkdir()
    for number in range(3):
        record = simulate_record(["NORM", "SR"], np.random.default_rng(number)).record
        write_record(folder, f"r{number}", record.signal, record.sampling_rate)
    (folder / "labels.csv").write_text("record,labels,age,BMI\nr0,NORM,50,21.5\nr1,NORM,60,\nr2,AF,,30\n")
    return folder


def test_a_registered_attribute_is_read_by_its_name_and_stored(tmp_path: Path, bmi: None):
    table = read_table(csv_folder(tmp_path / "in"), source="folder")
    np.testing.assert_array_equal(table.records["bmi"], [21.5, math.nan, 30.0])
    assert read_record(table.records.iloc[0]).attributes == {"age": 50.0, "sex": "unknown", "bmi": 21.5}
    store = build_store(table, SignalSpec(), tmp_path / "store", progress=False)
    assert list(store.table.columns[3:6]) == ["age", "sex", "bmi"]
    np.testing.assert_array_equal(store.table["bmi"], [21.5, math.nan, 30.0])


def test_an_attribute_without_values_changes_no_fingerprint(tmp_path: Path):
    table = read_table(csv_folder(tmp_path / "in"), source="folder")
    before = build_store(table, SignalSpec(), tmp_path / "store", progress=False)
    assert "bmi" not in before.table.columns
    ATTRIBUTES.register("bmi")(Attribute("bmi"))
    try:
        after = RecordStore.open(tmp_path / "store")
        assert after.table["bmi"].isna().all() and after.fingerprint == before.fingerprint
        known = build_store(
            read_table(tmp_path / "in", source="folder"), SignalSpec(), tmp_path / "other", progress=False
        )
        assert known.fingerprint != before.fingerprint, "here the values enter"
    finally:
        ATTRIBUTES.remove("bmi")


def test_a_written_data_set_keeps_an_attribute(tmp_path: Path, bmi: None):
    rows = pd.DataFrame(
        {
            "patient_id": ["1", "2"],
            "fold": [1, 2],
            "age": [40.0, math.nan],
            "sex": ["male", "unknown"],
            "bmi": [22.5, math.nan],
            "statements": [{"NORM": 100.0}, {"NORM": 100.0}],
        }
    )
    signals = np.zeros((2, 8, 1000), np.float32)
    signals[..., 500] = 1
    write_dataset(tmp_path / "out", signals, 100, rows, statement_table(), pd.DataFrame(index=rows.index))
    back = read_table(tmp_path / "out").records
    np.testing.assert_array_equal(back["bmi"], rows["bmi"])
    assert "bmi: 22.5" in (tmp_path / "out/records100/00000/00001_lr.hea").read_text()
    assert "bmi" not in (tmp_path / "out/records100/00000/00002_lr.hea").read_text()


def test_an_attribute_is_derived_from_other_columns(tmp_path: Path, bmi: None):
    folder = csv_folder(tmp_path / "in")
    (folder / "labels.csv").write_text("record,labels,height,weight\nr0,NORM,180,81\nr1,NORM,180,\n")
    np.testing.assert_array_equal(read_table(folder, source="folder").records["bmi"], [25.0, math.nan])


def test_an_attribute_is_derived_where_its_own_cell_is_empty(tmp_path: Path, bmi: None):
    folder = csv_folder(tmp_path / "in")
    (folder / "labels.csv").write_text("record,labels,bmi,height,weight\nr0,NORM,,180,81\nr1,NORM,30,180,81\n")
    np.testing.assert_array_equal(read_table(folder, source="folder").records["bmi"], [25.0, 30.0])


def test_names_and_values_are_checked(bmi: None):
    assert with_unknown({"sex": "male"})["sex"] == "male"
    with pytest.raises(ValueError, match="attribute 'height' is unknown; expected one of age, sex, bmi"):
        with_unknown({"height": 180})
    with pytest.raises(ValueError, match="bmi 120, expected 0 to 100 kg/m2"):
        with_unknown({"bmi": 120})
