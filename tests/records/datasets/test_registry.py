"""Which layout a folder is in, and reading a row of any of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io
import wfdb

from vqecg.records.datasets.registry import SOURCES, detect_source, read_record, read_table
from vqecg.records.leads import LEADS
from vqecg.records.record import table_columns


def write_wfdb(folder: Path, name: str, comments: tuple[str, ...] = ()) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        name, 100, ["mV"] * 12, list(LEADS), p_signal=np.full((100, 12), 0.5), fmt=["16"] * 12,
        adc_gain=[1000.0] * 12, baseline=[0] * 12, comments=list(comments), write_dir=str(folder),
    )  # fmt: skip


def write_ptbxl(root: Path) -> None:
    write_wfdb(root / "records100", "00001_lr", ("Dx: 426783006",))
    row = {"ecg_id": 1, "patient_id": 1, "age": 50, "sex": 0, "scp_codes": "{'NORM': 100.0}", "strat_fold": 1,
           "filename_lr": "records100/00001_lr"}  # fmt: skip
    pd.DataFrame([row]).to_csv(root / "ptbxl_database.csv", index=False)


def write_cpsc2018(root: Path) -> None:
    root.mkdir()
    ecg = {"sex": "Male", "age": 50.0, "data": np.full((12, 100), 0.5)}
    scipy.io.savemat(root / "A0001.mat", {"ECG": ecg})
    (root / "REFERENCE.csv").write_text("Recording,First_label,Second_label,Third_label\nA0001,5,,\n")


def write_challenge(root: Path) -> None:
    write_wfdb(root / "g1", "E00001", ("Age: 50", "Sex: Male", "Dx: 59118001"))


def write_folder(root: Path) -> None:
    write_wfdb(root, "r1")
    (root / "labels.csv").write_text("record_id,labels,age,sex\nr1,RBBB,50,male\n")


WRITERS = {"ptb-xl": write_ptbxl, "cpsc2018": write_cpsc2018, "challenge": write_challenge, "folder": write_folder}


@pytest.mark.parametrize("source", WRITERS)
def test_every_layout_is_recognised_and_read(tmp_path: Path, source: str) -> None:
    root = tmp_path / "set"
    WRITERS[source](root)
    table = read_table(root)
    assert detect_source(root) == table.source == source
    assert tuple(table.records.columns) == table_columns()
    for row in (next(table.records.itertuples()), table.records.iloc[0]):
        record = read_record(row)
        np.testing.assert_allclose(record.signal, 0.5)
        assert record.signal.dtype == np.float32 and record.leads == LEADS
        assert (record.age, record.sex) == (50.0, "male")
        assert Path(row.path).is_absolute()


@pytest.mark.parametrize("source", WRITERS)
def test_a_source_may_be_named_instead(tmp_path: Path, source: str) -> None:
    WRITERS[source](tmp_path / "set")
    assert read_table(tmp_path / "set", source=source).source == source


def test_a_labels_csv_makes_any_wfdb_folder_a_plain_one(tmp_path: Path) -> None:
    write_challenge(tmp_path / "set")
    (tmp_path / "mine.csv").write_text("record,labels\nE00001,mine\n")
    table = read_table(tmp_path / "set", labels_csv=tmp_path / "mine.csv")
    assert table.source == "folder" and table.records["statements"][0] == {"mine": 0.0}
    with pytest.raises(ValueError, match="goes with source 'folder'"):
        read_table(tmp_path / "set", source="challenge", labels_csv=tmp_path / "mine.csv")


def test_an_empty_folder_is_refused_with_the_layouts_understood(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no files") as caught:
        read_table(tmp_path)
    for source in SOURCES[1:]:
        assert f"- {source}:" in str(caught.value)


def test_a_folder_of_other_things_is_refused_with_what_was_found(tmp_path: Path) -> None:
    write_wfdb(tmp_path, "r1")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"1 \.hea") as caught:
        read_table(tmp_path)
    assert "notes.txt" in str(caught.value)


def test_no_folder_and_an_unknown_source_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no folder"):
        read_table(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="expected one of auto, ptb-xl"):
        read_table(tmp_path, source="mimic")


def test_a_row_of_an_unknown_source_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "set")
    row = read_table(tmp_path / "set").records.iloc[0].copy()
    row["source"] = "mimic"
    with pytest.raises(ValueError, match="'mimic'"):
        read_record(row)


@pytest.mark.real
@pytest.mark.parametrize(
    ("folder", "source"),
    [("ptb-xl", "ptb-xl"), ("cpsc2018", "cpsc2018"), ("challenge-2020", "challenge"), ("challenge-2021", "challenge")],
)
def test_real_layouts_are_recognised(real_data: Path, folder: str, source: str) -> None:
    assert read_table(real_data / folder).source == source


@pytest.mark.real
def test_ludb_has_no_labels_that_a_reader_understands(real_data: Path) -> None:
    with pytest.raises(ValueError, match="in no layout"):
        read_table(real_data / "ludb")
