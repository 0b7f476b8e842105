"""`vqecg denoise` end to end on simulated recordings."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqecg.records.datasets.wfdb_reading import read_wfdb
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main

TINY = ["--preset", "tiny", "--training.fit.steps", "2", "--training.fit.batch-size", "8"]
TINY += ["--training.model.width", "8", "--training.model.levels", "2", "--training.model.codebook-size", "16"]


def test_a_tokenizer_learns_to_denoise_and_recordings_come_out_of_it(
    simulated_store: RecordStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
):
    plain, denoiser, out = tmp_path / "plain", tmp_path / "denoiser", tmp_path / "cleaned"
    train = ["train-tokenizer", "--store", str(simulated_store.folder), *TINY]
    assert main([*train, "--out", str(plain)]) == 0
    noise = ["--training.model.noise-share", "0.9", "--training.noise.kinds", "wander", "muscle"]
    assert main([*train, "--out", str(denoiser), "--start", str(plain), *noise]) == 0
    card = " ".join((denoiser / "README.md").read_text("utf-8").split())
    assert "It denoises: 90 % of its training records had noise (wander, muscle; 0.2 to 2.5 times" in card
    assert "It denoises" not in (plain / "README.md").read_text("utf-8")
    assert json.loads((denoiser / "config.json").read_text("utf-8"))["config"]["noise_share"] == 0.9

    words = ["denoise", "--data", str(simulated_store.folder), "--tokenizer", str(denoiser)]
    assert main([*words, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "120 recordings at 100 Hz; removed from the median one: " in said
    table = pd.read_csv(out / "removed.csv")
    assert len(table) == 120 and (table[["wander_microvolt", "noise_microvolt"]] > 0).all().all()
    assert len(list(out.glob("*.hea"))) == 120 and len(list(out.glob("*.png"))) == 3
    record = read_wfdb(out / str(table["file"][0]))
    assert record.signal.shape == (12, 1000) and np.isfinite(record.signal).all()
    # what comes out of one command goes into another, with no table of labels
    again = ["denoise", "--data", str(out), "--tokenizer", str(denoiser), "--out", str(tmp_path / "twice")]
    assert main(again) == 0 and len(list((tmp_path / "twice").glob("*.hea"))) == 120
    header = (out / f"{table['file'][0]}.hea").read_text("utf-8")
    assert "noise removed by vqecg (codes, tokenizer " in header and "not the recording itself" in header

    assert "gives a recording back with its noise" in refused(
        *words[:-1], str(plain), "--out", str(tmp_path / "nothing")
    )
    assert not (tmp_path / "nothing").exists()
    assert "already holds an earlier output" in refused(*words, "--out", str(out))
    assert "expected one of codes, high pass and codes, without codes, filter" in refused(
        *words, "--out", str(tmp_path / "b"), "--method", "magic"
    )
    other = [*train, "--out", str(tmp_path / "c"), "--start", str(plain), "--training.model.width", "16"]
    assert "has width 8 (asked for: 16)" in refused(*other)
