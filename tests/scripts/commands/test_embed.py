"""`vqecg embed` on simulated recordings: its table, and what it refuses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqecg.downstream.tasks.embedding.embedding import embed_store
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main


def test_the_command_writes_a_row_for_each_record(
    tiny_generator: ECGGenerator,
    simulated_store: RecordStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    refused: Callable[..., str],
):
    folder, out = tmp_path / "generator", tmp_path / "vectors.parquet"
    tiny_generator.save_pretrained(folder)
    words = ["embed", "--store", str(simulated_store.folder), "--generator", str(folder)]
    assert main([*words, "--out", str(out), "--parts", "sketch"]) == 0
    assert f"vectors of {len(simulated_store):,} records" in capsys.readouterr().out
    table = pd.read_parquet(out)
    assert table["record_id"].tolist() == simulated_store.table["record_id"].tolist()
    assert {"record_id", "patient_id", "fold", "sketch"} == set(table.columns)
    expected = np.concatenate([part["sketch"] for part in embed_store(tiny_generator, simulated_store, ["sketch"])])
    np.testing.assert_array_equal(np.stack(table["sketch"]), expected)
    assert "must end in .parquet" in refused(*words, "--out", str(tmp_path / "vectors.csv"))
    assert "there already" in refused(*words, "--out", str(out))
    assert "part of an embedding" in refused(*words, "--out", str(tmp_path / "a.parquet"), "--parts", "all")
