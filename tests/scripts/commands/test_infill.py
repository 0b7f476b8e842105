"""`vqecg infill` and `vqecg forecast` end to end on simulated recordings."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqecg.prior.generator import ECGGenerator
from vqecg.records.datasets.wfdb_reading import read_wfdb
from vqecg.records.leads import independent_leads
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main


@pytest.fixture
def words(tiny_generator: ECGGenerator, simulated_store: RecordStore, tmp_path: Path) -> list[str]:
    tiny_generator.save_pretrained(tmp_path / "generator")
    return ["--data", str(simulated_store.folder), "--generator", str(tmp_path / "generator")]


def read_signal(folder: Path, name: str) -> np.ndarray:
    record = read_wfdb(folder / name)
    return independent_leads(record.signal, record.leads)


def test_a_stretch_of_every_recording_is_blanked_and_filled(
    words: list[str],
    simulated_store: RecordStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    refused: Callable[..., str],
):
    out = tmp_path / "filled"
    given = ["infill", *words, "--start", "4", "--stop", "5", "--method", "noisy beats", "--draws", "2"]
    assert main([*given, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    table = pd.read_csv(out / "filled.csv", dtype={"file": str, "record_id": str})
    assert f"{table['record_id'].nunique():,} recordings, filled 2 times each" in said
    assert (
        table["draw"].value_counts().nunique() == 1 and (table["start_s"] == 4).all() and (table["stop_s"] == 5).all()
    )
    assert len(list(out.glob("*.png"))) == 3 and len(list(out.glob("*.hea"))) == len(table)
    first = table.iloc[:2]
    row = simulated_store.table["record_id"].tolist().index(str(first["record_id"].iloc[0]))
    signal, draws = simulated_store.signals([row])[0], [read_signal(out, name) for name in first["file"]]
    for draw in draws:
        known = np.r_[:400, 500:1000]
        np.testing.assert_allclose(draw[:, known], signal[:, known], atol=6e-4)
    assert np.abs(draws[0] - draws[1])[:, 400:500].max() > 0.01
    header = (out / f"{first['file'].iloc[0]}.hea").read_text()
    assert "filled by vqecg at 4 to 5 s: not recorded there" in header
    assert "must begin before it ends" in refused("infill", *words, "--out", "a", "--start", "5", "--stop", "4")
    assert "expected both, or neither" in refused("infill", *words, "--out", "a", "--start", "5")
    assert "nothing to fill" in refused("infill", *words, "--out", str(tmp_path / "b"))
    assert "way to fill a gap" in refused("infill", *words, "--out", "a", "--stop", "1", "--method", "guess")
    assert not (tmp_path / "b").exists()


def test_a_recording_goes_on_after_its_end(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "continued"
    assert main(["forecast", *words, "--out", str(out), "--seconds", "1.5", "--draws", "1"]) == 0
    assert "filled once each" in capsys.readouterr().out
    table = pd.read_csv(out / "filled.csv", dtype={"file": str, "record_id": str})
    assert (table["start_s"] == 10).all() and (table["stop_s"] == 11.5).all()
    assert read_signal(out, table["file"].iloc[0]).shape == (8, 1150)
