"""Which layout a folder is in, and reading a row of any of them."""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import scipy.io
import wfdb

from vqecg.records.datasets.registry import (
    READERS,
    SourceName,
    detect_source,
    read_record,
    read_records,
    read_table,
)
from vqecg.records.leads import LEADS, twelve_leads
from vqecg.records.record import table_columns
from vqecg.records.registry import VARIABLE
from vqecg.records.store.building import prepare_data_set


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
    assert len(READERS) >= 4
    for source in READERS.names():
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


@pytest.mark.bad_input("no csv, or a damaged one")
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.csv", b"PK\3\4", r"labels\.csv is a spreadsheet"), ("labels.csv", b"", r"labels\.csv is empty"),
        ("labels.csv", "record,labels\nr1,AF\n".encode("utf-16-le"), r"labels\.csv, line 1 holds a zero byte"),
        ("LABELS.CSV", b"PAR1", r"LABELS\.CSV is a Parquet file"),
        ("r1.HEA", b"r1 12 100", r"r1\.HEA is a header whose ending"),
    ],
)  # fmt: skip
def test_the_true_cause_is_said_where_no_layout_is_understood(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / "r0.hea").write_text("r0 12 100 100\n")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path)


@pytest.mark.bad_input("no folder of a data set")
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("nothing", r"is no folder \(not there\)"),
        ("file", r"is no folder \(a file\)"),
        ("below a file", r"is no folder \(not there\)"),
        ("dangling", r"is no folder \(a link to nothing\)"),
        ("circle", "is no folder that can be listed"),
        ("fifo", r"is no folder \(a file\)"),
        ("user", "is no folder that can be listed"),
        ("long", "is no folder"),
    ],
)
def test_what_is_no_folder_is_said(tmp_path: Path, kind: str, message: str) -> None:
    path = tmp_path / "set"
    if kind in ("file", "below a file"):
        path.touch()
    elif kind in ("dangling", "circle"):
        path.symlink_to(tmp_path / ("gone" if kind == "dangling" else "set"))
    elif kind == "fifo":
        os.mkfifo(path)
    others = {"user": Path("~no-such-user/set"), "long": tmp_path / ("x" * 5000), "below a file": path / "deep"}
    with pytest.raises(ValueError, match=message):
        read_table(others.get(kind, path))


@pytest.mark.bad_input("names of records in a csv")
@pytest.mark.parametrize("name", ["rec.001", "two words", "Größe", unicodedata.normalize("NFD", "Größe"), "x" * 150])
@pytest.mark.parametrize("source", ["challenge", "folder"])
def test_records_of_odd_names_are_read(tmp_path: Path, name: str, source: str) -> None:
    write_wfdb(tmp_path, "NAME", ("Dx: 59118001",))
    header = (tmp_path / "NAME.hea").read_text().replace("NAME 12", "rec 12").replace("NAME.dat", "rec.dat")
    (tmp_path / f"{name}.hea").write_text(header)
    (tmp_path / "NAME.hea").unlink()
    (tmp_path / "NAME.dat").rename(tmp_path / "rec.dat")
    if source == "folder":
        spelled = unicodedata.normalize("NFC", name)
        (tmp_path / "labels.csv").write_text(f"record,labels\n{spelled}.hea,RBBB\n", encoding="utf-8")
    table = read_table(tmp_path, source=source)
    assert table.records["record_id"].tolist() == [name]
    np.testing.assert_allclose(read_record(table.records.iloc[0]).signal, 0.5)


def test_a_row_of_an_unknown_source_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "set")
    row = read_table(tmp_path / "set").records.iloc[0].copy()
    row["source"] = "mimic"
    with pytest.raises(ValueError, match="'mimic'"):
        read_record(row)


def test_records_are_read_one_after_another(tmp_path: Path) -> None:
    write_folder(tmp_path / "set")
    write_wfdb(tmp_path / "set", "r2")
    (tmp_path / "set" / "labels.csv").write_text("record_id,labels\nr1,RBBB\nr2,AF\n")
    records = read_records(tmp_path / "set")
    assert [record.record_id for record in records] == ["r1", "r2"] and not list(records)
    with pytest.raises(ValueError, match="is no folder"):
        read_records(tmp_path / "nowhere")


EXTENSION = '''
from pathlib import Path

import numpy as np

from vqecg.records.datasets.parsing import record_frame, with_folds
from vqecg.records.datasets.reader import READERS, DatasetReader, ReadingOptions
from vqecg.records.datasets.wfdb_reading import Waveform
from vqecg.records.leads import LEADS
from vqecg.records.record import RecordTable


@READERS.register("npy")
class NpyReader(DatasetReader):
    """Twelve leads in mV at 100 Hz in a .npy file per record; the folder's name is the label."""

    layout = "a folder per label with .npy files of twelve leads"

    def detect(self, root: Path) -> bool:
        """True where such files are there."""
        return any(root.glob("*/*.npy"))

    def read_table(self, root: Path, options: ReadingOptions) -> RecordTable:
        """A row per file."""
        rows = [
            {"record_id": file.stem, "path": str(file), "patient_id": "", "fold": 0, "source": "npy",
             "statements": {file.parent.name: 0.0}, "age": 50.0}
            for file in sorted(root.glob("*/*.npy"))
        ]
        return RecordTable(with_folds(record_frame(rows))[0], "npy", f"{len(rows)} files")

    def read_waveform(self, path: str) -> Waveform:
        """The array in the file."""
        return Waveform(np.load(path).astype(np.float32), 100.0, LEADS)
'''


@pytest.fixture
def extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data set in a layout that a file outside the package reads."""
    assert len(EXTENSION.strip().splitlines()) < 40
    place = tmp_path / f"npy_{tmp_path.name}.py"  # a name of its own: a module is imported once
    place.write_text(EXTENSION)
    monkeypatch.setenv(VARIABLE, str(place))
    for number in range(300):
        file = tmp_path / "set" / ("AF" if number % 2 else "NORM") / f"r{number:03d}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, twelve_leads(np.random.default_rng(number).normal(0, 0.2, (8, 1000))))
    yield tmp_path / "set"
    READERS.remove("npy")


def test_a_reader_from_outside_is_detected_named_and_prepared(extension: Path, tmp_path: Path) -> None:
    assert detect_source(extension) == "npy" and "npy" in get_args(SourceName)[1].documentation
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="- npy: a folder per label"):
        read_table(tmp_path / "empty")
    store = prepare_data_set(extension, tmp_path / "store", progress=False)
    assert len(store) == 300 and store.source == "npy" and set(store.table["age"]) == {50.0}


@pytest.mark.slow
def test_worker_processes_know_a_reader_from_outside(extension: Path, tmp_path: Path) -> None:
    assert len(prepare_data_set(extension, tmp_path / "store", workers=2, progress=False)) == 300


@pytest.mark.bad_input("recordings in another format")
@pytest.mark.parametrize("ending", [".edf", ".hdf5", ".npy", ".dcm", ".xml"])
def test_recordings_of_another_format_are_said_to_be_written_as_wfdb(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"a{ending}").write_bytes(b"0")
    with pytest.raises(ValueError, match=rf"Recordings in {ending} are not read: write each as WFDB first"):
        read_table(tmp_path)


@pytest.mark.real
@pytest.mark.parametrize(
    ("folder", "source"),
    [("ptb-xl", "ptb-xl"), ("cpsc2018", "cpsc2018"), ("challenge-2020", "challenge"), ("challenge-2021", "challenge")],
)
def test_real_layouts_are_recognised(real_data: Path, folder: str, source: str) -> None:
    assert read_table(real_data / folder).source == source


@pytest.mark.real
def test_ludb_has_no_labels_that_a_reader_understands(real_data: Path) -> None:
    with pytest.raises(ValueError, match=r"ludb\.csv: line .*has a control character or a line break"):
        read_table(real_data / "ludb")
