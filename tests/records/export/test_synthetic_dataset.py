"""Made records as a data set: labels, patients, folds and the manifest."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqecg.records.datasets.registry import read_table
from vqecg.records.export.layouts import OutputSettings
from vqecg.records.export.synthetic_dataset import FIRST_RECORD, write_synthetic
from vqecg.records.folds import TRAINING_FOLD
from vqecg.records.labels import LabelTask

AT_100_HZ = OutputSettings(rates=(100,))
TASK = LabelTask.named("superdiagnostic")
LABELS = np.array([[1, 0, 0, 0, 0], [0, 1, 0, 1, 0]], np.float32)
ATTRIBUTES = {"age": np.array([60, math.nan], np.float32), "sex": np.array(["male", "unknown"], object)}


def chunks() -> list[np.ndarray]:
    return [np.random.default_rng(number).normal(0, 0.2, (1, 8, 1000)).astype(np.float32) for number in range(2)]


def test_labels_become_certain_statements_of_new_patients_in_the_training_fold(tmp_path: Path):
    made = pd.DataFrame({"method": ["x", "y"]})
    write_synthetic(tmp_path / "out", chunks(), LABELS, ATTRIBUTES, TASK, 100, made, AT_100_HZ, note="A note.")
    table = read_table(tmp_path / "out").records
    assert table["statements"].tolist() == [{"NORM": 100.0}, {"MI": 100.0, "CD": 100.0}]
    assert table["patient_id"].tolist() == [str(FIRST_RECORD), str(FIRST_RECORD + 1)]
    assert set(table["fold"]) == {TRAINING_FOLD}
    np.testing.assert_array_equal(table["age"], [60.0, math.nan])
    manifest = pd.read_parquet(tmp_path / "out" / "manifest.parquet")
    assert manifest["labels"].tolist() == ["NORM", "MI+CD"] and manifest["method"].tolist() == ["x", "y"]
    assert manifest["sex"].tolist() == ["male", "unknown"]
    assert (tmp_path / "out" / "README.md").read_text().endswith("A note.\n")


def test_statements_may_be_given_and_may_be_of_ones_own(tmp_path: Path):
    statements = [{"NORM": 80.0}, {"LQTS": 0.0}]
    made = pd.DataFrame(index=range(2))
    write_synthetic(tmp_path / "out", chunks(), LABELS, {}, TASK, 100, made, AT_100_HZ, statements, copies=True)
    table = read_table(tmp_path / "out").records
    assert table["statements"].tolist() == statements and set(table["sex"]) == {"unknown"}
    assert "copies of recordings" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.bad_input("unknown labels of a data set that cannot say so")
def test_labels_that_are_open_are_not_written_as_absent(tmp_path: Path):
    labels = np.where(LABELS == 1, LABELS, math.nan)
    with pytest.raises(ValueError, match="2 of 2 synthetic records have labels other than 0 and 1"):
        write_synthetic(tmp_path / "out", chunks(), labels, {}, TASK, 100, pd.DataFrame(index=range(2)), AT_100_HZ)
    assert not (tmp_path / "out").exists()
