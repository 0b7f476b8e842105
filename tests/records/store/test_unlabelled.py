"""One store of recordings with labels and of recordings without."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from vqecg.records.datasets.registry import read_table
from vqecg.records.folds import FoldSplit
from vqecg.records.record import RecordTable
from vqecg.records.store.building import prepare_data_set
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.unlabelled import PREFIX, read_unlabelled, with_unlabelled


@pytest.fixture(scope="module")
def halves(simulated_store: RecordStore, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The simulated data set, and a folder of the WFDB files of some of its records and of a record of its own."""
    data, more = simulated_store.folder.parent / "data", tmp_path_factory.mktemp("more")
    for file in sorted(data.rglob("0000[1-4]_lr.*")):
        shutil.copy(file, more)
    (path,) = more.glob("00004_lr.dat")
    for header in more.glob("*.hea"):  # without comments, in which there may be labels
        header.write_text("\n".join(line for line in header.read_text().splitlines() if line[0] != "#") + "\n")
    samples = np.fromfile(path, "<i2").reshape(-1, 12)[::-1].copy()  # another recording
    samples.tofile(path)
    header = more / "00004_lr.hea"
    first, *leads = header.read_text().splitlines()
    words = [line.split() for line in leads]
    lines = [
        [*line[:5], str(lead[0]), str((lead.sum() + 2**15) % 2**16 - 2**15), *line[7:]]
        for line, lead in zip(words, samples.T.astype(int), strict=True)
    ]
    header.write_text("\n".join([first, *map(" ".join, lines)]) + "\n")
    return data, more


def test_recordings_of_both_folders_are_in_one_store_once(halves: tuple[Path, Path], tmp_path: Path):
    store = prepare_data_set(halves[0], tmp_path / "store", unlabelled=halves[1], progress=False)
    alone = prepare_data_set(halves[0], tmp_path / "alone", progress=False)
    assert len(store) == len(alone) + 1, "three of the four are copies"
    assert store.table["record_id"].iloc[-1] == f"{PREFIX}00004_lr"
    rejected = store.rejected.set_index("record_id")
    assert rejected.loc[f"{PREFIX}00001_lr", "detail"] == "duplicate of 1"
    assert store.config["format_version"] == 2 and alone.config["format_version"] == 1
    again = RecordStore.open(tmp_path / "store")
    assert again.table["unknown"].iloc[-1] == ("*",) and not again.table["statements"].iloc[-1]
    task = store.task("superdiagnostic")
    with pytest.raises(ValueError, match="1 of"):
        again.labels(task)
    np.testing.assert_array_equal(again.labels(task, np.arange(len(alone))), alone.labels(task))
    rows = FoldSplit(tuple(range(1, 11)), (), ()).indices(again.table)
    assert rows.unlabelled.tolist() == [len(alone)]
    assert any("patients of 4 of 4 recordings without labels are not known" in note for note in store.config["notes"])


def test_a_store_in_which_every_recording_without_labels_is_a_copy_is_the_store_without_them(
    halves: tuple[Path, Path], tmp_path: Path
):
    copies = tmp_path / "copies"
    shutil.copytree(halves[1], copies)
    for file in copies.glob("00004_lr.*"):
        file.unlink()
    store = prepare_data_set(halves[0], tmp_path / "store", unlabelled=copies, progress=False)
    alone = prepare_data_set(halves[0], tmp_path / "alone", progress=False)
    assert store.config["format_version"] == 1 and store.fingerprint == alone.fingerprint


def with_patients(table: RecordTable, patients: list[str]) -> RecordTable:
    return RecordTable(table.records.assign(patient_id=patients), table.source, table.description)


def test_a_patient_has_one_fold_in_both(halves: tuple[Path, Path]):
    labelled, more = read_table(halves[0]), read_unlabelled(halves[1])
    patient, fold = labelled.records["patient_id"].iloc[7], labelled.records["fold"].iloc[7]
    joined = with_unlabelled(labelled, with_patients(more, [patient, "new", "new", ""])).records
    added = joined[joined["record_id"].str.startswith(PREFIX)]
    assert added["fold"].iloc[0] == fold and added["fold"].iloc[1] == added["fold"].iloc[2]
    assert set(added["fold"]) <= set(labelled.records["fold"])
    FoldSplit(tuple(range(1, 9)), (9,), (10,)).indices(joined)


def test_labels_of_the_folder_without_labels_are_not_read(halves: tuple[Path, Path], tmp_path: Path):
    more = tmp_path / "more"
    shutil.copytree(halves[1], more)
    (more / "who.csv").write_text("record_id,patient_id,age\n00001_lr,p1,50\n00002_lr,p1,51\n")
    table = read_unlabelled(more).records
    assert table["patient_id"].tolist() == ["p1", "p1"] and table["age"].tolist() == [50, 51]
    assert not any(table["statements"]) and set(table["unknown"]) == {("*",)}
    whole = read_unlabelled(halves[0]).records
    (more / "who.csv").write_text("record_id,patient_id,age\n00001_lr,p1,50\n00002_lr,,51\n")
    assert any("patients of 1 of 2 recordings" in note for note in read_unlabelled(more).notes)
    assert not any(whole["statements"]) and whole["patient_id"].nunique() > 1


@pytest.mark.bad_input("a folder of recordings without labels that holds none, or that has labels")
def test_a_folder_without_recordings_or_with_labels_is_refused(halves: tuple[Path, Path], tmp_path: Path):
    with pytest.raises(ValueError, match="in no layout that is understood"):
        read_unlabelled(tmp_path)
    with pytest.raises(ValueError, match="expected none"):
        with_unlabelled(read_table(halves[0]), read_table(halves[0]))
