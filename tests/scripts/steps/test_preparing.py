"""`vqecg prepare`: what it says about what it read, and the labels by fold."""

from pathlib import Path

import pandas as pd
import pytest

from vqecg.records.simulation.dataset import simulate_dataset
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main
from vqecg.scripts.steps.preparing import LABELS_LISTED, labels_by_fold


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty simulated records in a folder, without their tables."""
    folder = tmp_path_factory.mktemp("own") / "ecgs"
    simulate_dataset(folder, records=20, seed=0, progress=False)
    for table in folder.glob("*.csv"):
        table.unlink()
    return folder


def prepare(folder: Path, csv: str, out: Path, *words: str) -> int:
    """`vqecg prepare` with a csv of labels."""
    (out.parent / "labels.csv").write_text(csv, encoding="utf-8")
    options = ["--data", folder, "--labels-csv", out.parent / "labels.csv", "--out", out]
    return main(["prepare", *map(str, options), *words])


def names(folder: Path) -> list[str]:
    return [file.stem for file in sorted(folder.rglob("*.hea"))]


def test_what_was_read_as_what_is_printed_and_stays_with_the_store(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"{name},{number % 2},{number % 3 // 2},1\n" for number, name in enumerate(names(folder)))
    assert prepare(folder, f"exam_id,AF,LBBB,death\n{rows}", tmp_path / "store") == 0
    said = capsys.readouterr().out
    notes = RecordStore.open(tmp_path / "store").config["notes"]
    assert notes[:3] == [
        "read: 'exam_id' as the record",
        "ignored: 'death' (no diagnosis by its name; if it is one, label_columns reads it)",
        "labels: one column each, 'AF', 'LBBB'",
    ]
    assert notes[-1].startswith("WARNING: no patient column. Every record counts as a patient of its own")
    assert all(f"- {note}\n" in said for note in notes)
    assert "10 folds assigned by record, as no patients are known" in said
    table = [line.split() for line in said.splitlines() if line.startswith(("records", "AF", "LBBB", "no label"))]
    assert [row[-1] for row in table] == ["20", "10", "6", "7"]


def test_label_columns_are_an_option(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"{name},{number % 2},1,{number // 2}\n" for number, name in enumerate(names(folder)))
    words = ("--label-columns", "death", "AF")
    assert prepare(folder, f"exam_id,AF,death,patient_id\n{rows}", tmp_path / "store", *words) == 0
    assert RecordStore.open(tmp_path / "store").task("own").class_names == ("AF", "death")
    assert "WARNING" not in capsys.readouterr().out


@pytest.mark.bad_input("columns that are no diagnoses")
def test_label_columns_that_are_not_there_are_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"{name},1\n" for name in names(folder))
    assert prepare(folder, f"exam_id,AFIB\n{rows}", tmp_path / "store", "--label-columns", "AFB") == 1
    said = capsys.readouterr().err
    assert "no column 'AFB', which label_columns names; did you mean 'AFIB'?" in said and "Traceback" not in said
    assert not (tmp_path / "store").exists()


@pytest.mark.bad_input("columns that are no diagnoses")
def test_run_takes_label_columns_too(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "labels.csv").write_text("exam_id,AFIB\n" + "".join(f"{name},1\n" for name in names(folder)))
    words = [
        "--data",
        folder,
        "--labels-csv",
        tmp_path / "labels.csv",
        "--label-columns",
        "AFB",
        "--out",
        tmp_path / "run",
    ]
    assert main(["run", *map(str, words)]) == 1
    assert "no column 'AFB', which label_columns names; did you mean 'AFIB'?" in capsys.readouterr().err


def test_labels_are_counted_by_fold() -> None:
    table = pd.DataFrame(
        {"fold": [1, 1, 2, 10], "statements": [{"AF": 0.0}, {"AF": 0.0, "LBBB": 0.0}, {}, {"x\x1b[31m" * 9: 0.0}]}
    )
    assert labels_by_fold(table).splitlines() == [
        "                                          fold 1  fold 2  fold 10  all",
        "records                                        2       1        1    4",
        "AF                                             2       0        0    2",
        "LBBB                                           1       0        0    1",
        "x?[31mx?[31mx?[31mx?[31mx?[31mx?[31mx...       0       0        1    1",
        "no label                                       0       1        0    1",
    ]


def test_labels_beyond_the_commonest_are_summed() -> None:
    every = [{f"label {number:02d}": 0.0 for number in range(row)} for row in range(1, 31)]
    lines = labels_by_fold(pd.DataFrame({"fold": 0, "statements": every})).splitlines()
    assert len(lines) == LABELS_LISTED + 4
    assert lines[0].split() == ["no", "fold", "all"]
    assert lines[-2].split() == ["any", "of", "10", "other", "labels", "10", "10"]
