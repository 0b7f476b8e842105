"""The columns that name recordings of people: in private/, and nowhere else in a data set."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqecg.records.export.layouts import OutputSettings, is_dataset
from vqecg.records.export.origins import PRIVATE_COLUMNS, split_origins
from vqecg.records.export.synthetic_dataset import write_synthetic
from vqecg.records.labels import LabelTask

NAMES = ("real-00815", "real-04711")  # of recordings
TASK = LabelTask.named("superdiagnostic")


def write(folder: Path, manifest: pd.DataFrame, origins: bool = True) -> None:
    generator = np.random.default_rng(0)
    signals = iter([generator.normal(0, 0.2, (2, 8, 500)).astype(np.float32)])
    labels = np.eye(2, 5, dtype=np.float32)
    attributes = {"age": np.array([60.0, 70.0]), "sex": np.array(["male", "female"], object)}
    output = OutputSettings(rates=(100,), no_origins=not origins)
    write_synthetic(folder, signals, labels, attributes, TASK, 100, manifest, output)


def files_with(folder: Path, text: str) -> set[str]:
    """The files below a folder whose bytes hold a text."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and text.encode() in path.read_bytes()
    }


@pytest.mark.bad_input("what a set reveals")
@pytest.mark.parametrize("column", PRIVATE_COLUMNS)
def test_a_column_that_names_recordings_stands_in_private_alone(tmp_path: Path, column: str):
    write(tmp_path / "set", pd.DataFrame({"method": "mixing", column: NAMES}))
    assert files_with(tmp_path / "set", NAMES[0]) == {"private/origins.parquet"}
    origins = pd.read_parquet(tmp_path / "set" / "private" / "origins.parquet")
    assert origins.to_dict("list") == {"ecg_id": [1_000_000, 1_000_001], column: list(NAMES)}
    assert "do not publish" in (tmp_path / "set" / "private" / "README.md").read_text("utf-8")
    assert "**Do not publish it**" in (tmp_path / "set" / "README.md").read_text("utf-8")
    assert pd.read_parquet(tmp_path / "set" / "manifest.parquet")["method"].tolist() == ["mixing"] * 2


@pytest.mark.bad_input("what a set reveals")
def test_private_is_left_out_where_that_is_asked_for(tmp_path: Path):
    write(tmp_path / "set", pd.DataFrame(dict.fromkeys(PRIVATE_COLUMNS, NAMES)), origins=False)
    assert is_dataset(tmp_path / "set") and not (tmp_path / "set" / "private").exists()
    assert files_with(tmp_path / "set", NAMES[0]) == set()
    assert "private/" not in (tmp_path / "set" / "README.md").read_text("utf-8")


def test_records_without_parents_need_no_private_folder(tmp_path: Path):
    write(tmp_path / "set", pd.DataFrame({"method": ["samples"] * 2, "first_parent": "", "second_parent": ""}))
    assert not (tmp_path / "set" / "private").exists()
    manifest = pd.read_parquet(tmp_path / "set" / "manifest.parquet")
    assert not set(PRIVATE_COLUMNS) & set(manifest.columns)


def test_columns_without_a_name_in_them_are_left_out():
    manifest = pd.DataFrame({"draws": [1, 2], "first_parent": ["a", "b"], "second_parent": ["", ""]})
    shared, origins = split_origins(manifest)
    assert list(shared.columns) == ["draws"] and list(origins.columns) == ["first_parent"]
