"""The Challenge's layout, read as its scripts of 2020 and 2021 read it, and by our own reader."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import loadmat

from vqecg.records.datasets.registry import read_record, read_table
from vqecg.records.export.dataset import write_dataset
from vqecg.records.export.wfdb_writing import snomed_codes
from vqecg.records.label_tables import snomed_table, statement_table
from vqecg.records.leads import LEADS
from vqecg.records.store.preprocessing import resample

WriteSet = Callable[..., str]


def line_values(header: str, start: str) -> list[str]:
    """What the lines of a header that begin with `start` say after ": ", as the scripts of 2021 look for it."""
    return [line.split(": ")[1] for line in header.split("\n") if line.startswith(start) and ": " in line]


def read_as_in_2021(folder: Path) -> dict[str, dict[str, object]]:
    """Every recording as helper_code.py of the Challenge 2021 sees it: pairs of .hea and .mat of a flat folder; header
    lines split at single blanks; the lead's name last, the gain before the slash, the baseline in the fifth field."""
    records = {}
    for file in sorted(folder.iterdir()):
        if file.suffix != ".hea" or file.name.startswith(".") or not file.with_suffix(".mat").is_file():
            continue
        header = file.read_text()
        first, *rest = header.split("\n")
        fields = [line.split(" ") for line in rest[: int(first.split(" ")[1])]]
        ages = [float(text.strip()) for text in line_values(header, "#Age")]
        records[first.split(" ")[0]] = {
            "leads": tuple(entries[-1] for entries in fields),
            "gains": [float(entries[2].split("/")[0]) for entries in fields],
            "baselines": [float(entries[4].split("/")[0]) for entries in fields],
            "rate": float(first.split(" ")[2]),
            "samples": float(first.split(" ")[3]),
            "age": ages[-1],
            "sex": line_values(header, "#Sex")[-1].strip(),
            "labels": [code.strip() for text in line_values(header, "#Dx") for code in text.split(",")],
            "recording": loadmat(str(file.with_suffix(".mat")))["val"],
        }
    return records


def read_as_in_2020(folder: Path) -> dict[str, tuple[int, list[int], list[str]]]:
    """Rate, gains and labels as the scripts of 2020 take them: whole numbers, and diagnoses in the sixteenth line."""
    records = {}
    for file in sorted(folder.glob("*.hea")):
        lines = file.read_text().splitlines(keepends=True)
        name, count, rate, *_ = lines[0].split(" ")
        gains = [int(line.split(" ")[2].split("/")[0]) for line in lines[1 : 1 + int(count)]]
        age = lines[13].split(": ")[1].strip()
        assert lines[13].startswith("#Age") and (age == "NaN" or int(age) >= 0)
        assert lines[14].startswith("#Sex") and lines[15].startswith("#Dx")
        records[name] = (int(rate), gains, [code.strip() for code in lines[15].split(": ")[1].split(",")])
    return records


def test_the_scripts_of_2021_read_what_was_written(
    tmp_path: Path, write_set: WriteSet, simulated_signals: np.ndarray
) -> None:
    remark = write_set(tmp_path / "set", layout="challenge", rates=(500,))
    records = read_as_in_2021(tmp_path / "set")
    assert list(records) == ["VQ1000000", "VQ1000001", "VQ1000002"]
    assert [record["labels"] for record in records.values()] == [
        ["426783006"],
        ["164889003", "713427006"],
        ["426783006", "270492004"],
    ]
    assert [record["sex"] for record in records.values()] == ["Female", "Male", "Unknown"]
    np.testing.assert_array_equal([record["age"] for record in records.values()], [61, math.nan, 40])
    for record, signal in zip(records.values(), simulated_signals, strict=True):
        assert record["leads"] == LEADS and record["gains"] == [1000.0] * 12 and record["baselines"] == [0.0] * 12
        assert record["rate"] == 500 and record["samples"] == 5000
        recording = record["recording"]
        assert isinstance(recording, np.ndarray) and recording.dtype == np.int16 and recording.shape == (12, 5000)
        np.testing.assert_allclose(recording[:2] / 1000, resample(signal, 100, 500)[:2], atol=0.00051)
    assert remark.startswith("Labels without a SNOMED code") and "NORM (1)" in remark and "IMI (1)" in remark
    assert remark in (tmp_path / "set" / "README.md").read_text()


def test_the_scripts_of_2020_read_what_was_written(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "set", layout="challenge", rates=(500,))
    assert read_as_in_2020(tmp_path / "set")["VQ1000001"] == (500, [1000] * 12, ["164889003", "713427006"])


def test_wfdb_reads_the_matlab_files_with_right_checksums(tmp_path: Path, write_set: WriteSet) -> None:
    write_set(tmp_path / "set", layout="challenge", rates=(500,))
    record = wfdb.rdrecord(str(tmp_path / "set" / "VQ1000001"), physical=False)
    matrix = loadmat(str(tmp_path / "set" / "VQ1000001.mat"))["val"]
    np.testing.assert_array_equal(record.d_signal.T, matrix)
    assert record.checksum == [int(lead.sum(dtype=np.int64)) % 65536 for lead in matrix]
    assert record.init_value == matrix[:, 0].tolist() and record.byte_offset == [24] * 12


def test_a_record_without_code_has_an_empty_line_and_is_counted(
    tmp_path: Path, write_set: WriteSet, rows_of_set: pd.DataFrame
) -> None:
    rows = rows_of_set.assign(statements=[{"NORM": 100.0}, {"AFIB": 0.0, "HYP": 0.0}, {}])
    remark = write_set(tmp_path / "set", layout="challenge", rows=rows)
    labels = [record["labels"] for record in read_as_in_2021(tmp_path / "set").values()]
    assert labels == [[], ["164889003"], []]  # an empty entry would be a class of its own
    assert "2 records have no other label" in remark
    back = read_table(tmp_path / "set").records.sort_values("record_id")
    assert back["statements"].tolist() == [{}, {"AF": 0.0}, {}]


def test_synthetic_records_are_read_into_the_training_fold(
    tmp_path: Path, write_set: WriteSet, simulated_signals: np.ndarray
) -> None:
    rows = pd.DataFrame({"patient_id": [str(n) for n in range(30)], "fold": 1, "statements": [{"AFIB": 0.0}] * 30})
    signals, manifest = simulated_signals[[n % 3 for n in range(30)]], pd.DataFrame(index=rows.index)
    write_set(tmp_path / "set", layout="challenge", rows=rows, signals8=signals, manifest=manifest)
    table = read_table(tmp_path / "set")
    assert set(table.records["fold"]) == {1} and "30 synthetic records, in fold 1" in table.description


@pytest.mark.bad_input("layouts and rates")
@pytest.mark.parametrize("statements", [{"NORM": 100.0}, {"CD": 0.0, "HYP": 0.0}, {}])
def test_a_set_of_labels_without_codes_is_refused(
    tmp_path: Path, write_set: WriteSet, rows_of_set: pd.DataFrame, statements: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match="has a SNOMED code"):
        write_set(tmp_path / "set", layout="challenge", rows=rows_of_set.assign(statements=[statements] * 3))
    assert list(tmp_path.iterdir()) == []


def test_ages_are_whole_years(tmp_path: Path, write_set: WriteSet, rows_of_set: pd.DataFrame) -> None:
    write_set(tmp_path / "set", layout="challenge", rows=rows_of_set.assign(age=[60.6, math.nan, 0.2]))
    ages = [record["age"] for record in read_as_in_2021(tmp_path / "set").values()]
    np.testing.assert_array_equal(ages, [61, math.nan, 0])
    assert "whole years" in (tmp_path / "set" / "README.md").read_text()


NAMES = sorted({*statement_table().index, *snomed_table()["abbreviation"][snomed_table()["scp"] != ""]})


@settings(deadline=None, max_examples=25)
@given(
    labels=st.lists(st.lists(st.sampled_from(NAMES), max_size=5, unique=True), min_size=2, max_size=3),
    age=st.one_of(st.just(math.nan), st.integers(0, 125).map(float)),
    sex=st.sampled_from(["unknown", "female", "male"]),
    seed=st.integers(0, 99),
)
def test_our_own_reader_gives_back_labels_ages_sexes_and_signals(
    tmp_path_factory: pytest.TempPathFactory, labels: list[list[str]], age: float, sex: str, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("challenge") / "set"
    statements = [{"AFIB": 0.0}, *({name: 0.0 for name in names} for names in labels)]
    rows = pd.DataFrame({"patient_id": "", "fold": 1, "age": age, "sex": sex, "statements": statements})
    signals = np.random.default_rng(seed).uniform(-15, 15, (len(rows), 8, 600)).astype(np.float32)
    shared = (rows, statement_table(), pd.DataFrame(index=rows.index))
    write_dataset(folder, signals, 100, *shared, layout="challenge")
    table = snomed_table()
    abbreviation = dict(zip(table["snomed"], table["abbreviation"], strict=True))
    back = read_table(folder).records.sort_values("record_id")
    assert len(back) == len(rows) and set(back["sex"]) == {sex}
    for row, written, signal in zip(back.itertuples(), statements, signals, strict=True):
        assert row.age == age or (math.isnan(row.age) and math.isnan(age))
        assert list(row.statements) == [abbreviation[code] for code in snomed_codes(written)[0]]
        np.testing.assert_allclose(read_record(row).signal[[0, 1, *range(6, 12)]], signal, atol=0.00051)
