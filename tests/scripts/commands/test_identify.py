"""`vqecg identify` end to end on simulated recordings."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main

FOLDS = ["--folds.train", *"1234567", "9", "--folds.validation", "--folds.test", "10"]


def test_a_verifier_is_learned_measured_and_searched_with(
    simulated_store: RecordStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
):
    out, store = tmp_path / "identity", str(simulated_store.folder)
    given = ["identify", "--store", store, *FOLDS, "--bootstrap.replicates", "20", "--out", str(out)]
    assert main(given) == 0
    said = capsys.readouterr().out
    figures = json.loads((out / "verification.json").read_text(encoding="utf-8"))
    assert f"AUROC: {figures['auroc'][0]:.3f}" in said and figures["people"] == 1
    assert "wrong\ntoo often" in (out / "verifier" / "README.md").read_text(encoding="utf-8")
    searched = ["identify", "--store", store, "--verifier", str(out), "--against", store]
    assert main([*searched, "--out", str(tmp_path / "matches")]) == 0
    table = pd.read_csv(tmp_path / "matches" / "matches.csv")
    assert len(table) == len(simulated_store) and not (table["nearest"] == table["record_id"]).any()
    assert table["false_matches"].gt(0).all() and table["score"].is_monotonic_decreasing
    assert "already holds an earlier output" in refused(*given)
    assert "holds something else" in refused(*searched, "--out", str(out), "--overwrite"), "a verifier is no table"
    assert "or neither, to learn" in refused("identify", "--store", store, "--verifier", str(out), "--out", "a")
    few = ["identify", "--store", store, "--folds.train", "1", "--folds.test", "10", "--out", str(tmp_path / "b")]
    assert "patients have several recordings in the training folds" in refused(*few)
    none = ["identify", "--store", store, *FOLDS[:-1], "8", "--out", str(tmp_path / "b")]
    assert "no patient has several recordings in the test folds" in refused(*none)
    assert not (tmp_path / "b").exists()
