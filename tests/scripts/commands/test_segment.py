"""`vqecg train-segmenter` and `vqecg segment` end to end on a few simulated recordings."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb

from vqecg.evaluation.waves.delineation import INTERVAL_COLUMNS
from vqecg.records.export.wfdb_writing import write_record
from vqecg.records.leads import LEADS
from vqecg.records.simulation.marks import simulated_marks
from vqecg.records.simulation.simulator import simulate_record
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main
from vqecg.tokenizer.modeling import ECGTokenizer

TINY = ["--training.fit.steps", "2", "--training.fit.batch-size", "4", "--training.model.widths", "8", "12"]


@pytest.fixture(scope="module")
def ludb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five simulated recordings in LUDB's layout."""
    folder = tmp_path_factory.mktemp("ludb") / "data"
    folder.mkdir()
    symbols = {"P": "p", "QRS": "N", "T": "t"}
    for number in range(1, 6):
        marks = simulated_marks(simulate_record(["NORM", "SR"], np.random.default_rng(number)))
        write_record(folder, str(number), marks.record.signal, 500)
        for lead in LEADS:
            rows = marks.waves[marks.waves["lead"] == lead].round()
            times = rows[["onset", "peak", "offset"]].to_numpy(np.int64).ravel()
            kinds = [kind for wave in rows["wave"] for kind in ("(", symbols[wave], ")")]
            wfdb.wrann(str(number), "x", times, kinds, write_dir=str(folder))
            (folder / f"{number}.x").rename(folder / f"{number}.{lead.lower()}")  # wfdb allows no digit there
    return folder.parent


@pytest.fixture(scope="module")
def segmenter(ludb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A segmenter made by the command."""
    folder = tmp_path_factory.mktemp("segmenter") / "segmenter"
    assert main(["train-segmenter", "--ludb", str(ludb), "--out", str(folder), *TINY]) == 0
    return folder


def test_training_measures_on_records_held_out_and_is_not_done_twice(
    ludb: Path, segmenter: Path, capsys: pytest.CaptureFixture[str]
):
    card = (segmenter / "README.md").read_text()
    assert "At 500 Hz" in card and "At 100 Hz" in card and "not for diagnosis" in card
    before = (segmenter / "model.safetensors").stat().st_mtime_ns
    assert main(["train-segmenter", "--ludb", str(ludb), "--out", str(segmenter), *TINY]) == 0
    assert (segmenter / "model.safetensors").stat().st_mtime_ns == before
    assert "1 records held out, at 500 Hz" in capsys.readouterr().out
    assert main(["train-segmenter", "--ludb", str(ludb), "--out", str(segmenter), *TINY, "--training.parts", "4"]) == 1
    assert "other settings" in capsys.readouterr().err


@pytest.mark.slow
def test_a_data_set_and_its_store_give_the_same_rows(segmenter: Path, simulated_store: RecordStore, tmp_path: Path):
    tables = {}
    for name, place in (("data", simulated_store.folder.parent / "data"), ("store", simulated_store.folder)):
        out = tmp_path / f"{name}.parquet"
        assert main(["segment", "--data", str(place), "--segmenter", str(segmenter), "--out", str(out)]) == 0
        tables[name] = pd.read_parquet(out)
        assert list(tables[name].columns) == ["record_id", *INTERVAL_COLUMNS]
    assert tables["data"]["record_id"].tolist() == tables["store"]["record_id"].tolist()


@pytest.mark.slow
def test_waves_and_a_plot_are_written_on_demand(segmenter: Path, simulated_store: RecordStore, tmp_path: Path):
    out, waves, plot = tmp_path / "intervals.csv", tmp_path / "waves.csv", tmp_path / "one.png"
    given = ["segment", "--data", str(simulated_store.folder), "--segmenter", str(segmenter), "--out", str(out)]
    assert main([*given, "--waves", str(waves), "--plot", str(plot), "--record", "3"]) == 0
    assert pd.read_csv(waves).columns.tolist() == ["record_id", "lead", "wave", "onset", "peak", "offset"]
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["intervals.csv", "one.png", "waves.csv"]


def test_wrong_names_are_refused(segmenter: Path, simulated_store: RecordStore, ludb: Path, tmp_path: Path,
                                 capsys: pytest.CaptureFixture[str]):  # fmt: skip
    given = ["segment", "--data", str(simulated_store.folder), "--segmenter", str(segmenter)]
    assert main([*given, "--out", str(tmp_path / "x.txt")]) == 1
    assert "must end in .csv or .parquet" in capsys.readouterr().err
    out = ["--out", str(tmp_path / "x.csv")]
    assert main([*given, *out, "--plot", str(tmp_path / "x.png"), "--record", "nobody"]) == 1
    assert "no record 'nobody'" in capsys.readouterr().err
    assert main(["train-segmenter", "--ludb", str(tmp_path), "--out", str(tmp_path / "new")]) == 1
    assert "no record of LUDB" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_head_learns_on_the_codes_of_a_tokenizer(
    ludb: Path, tiny_tokenizer: ECGTokenizer, simulated_store: RecordStore, tmp_path: Path
):
    tiny_tokenizer.save_pretrained(tmp_path / "tokenizer")
    given = ["train-segmenter", "--ludb", str(ludb), "--tokenizer", str(tmp_path / "tokenizer"), *TINY[:4]]
    given += ["--training.head.width", "8", "--training.head.blocks", "1", "--training.simulated", "4"]
    assert main([*given, "--training.records", "3", "--out", str(tmp_path / "codes")]) == 0
    card = " ".join((tmp_path / "codes" / "README.md").read_text("utf-8").split())
    assert "# CodeHead" in card and "3, after 4 simulated records, trained it, 1 were held out" in card
    words = ["segment", "--data", str(simulated_store.folder), "--segmenter", str(tmp_path / "codes")]
    assert main([*words, "--out", str(tmp_path / "intervals.csv"), "--waves", str(tmp_path / "waves.csv")]) == 0
    assert len(pd.read_csv(tmp_path / "intervals.csv")) == len(simulated_store)
