"""`vqecg score` end to end on simulated recordings."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main


def test_every_recording_has_a_row_the_least_normal_first(
    tiny_generator: ECGGenerator,
    simulated_store: RecordStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    refused: Callable[..., str],
):
    tiny_generator.save_pretrained(tmp_path / "generator")
    words = ["score", "--data", str(simulated_store.folder), "--generator", str(tmp_path / "generator")]
    out = tmp_path / "scores.csv"
    assert main([*words, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    table = pd.read_csv(out)
    assert len(table) == len(simulated_store) and table["score_nats"].is_monotonic_decreasing
    assert set(table["wave"]) <= {"P", "QRS", "ST", "T"} and f"{table['record_id'][0]}: " in said
    assert "a score is no diagnosis" in said
    assert main([*words, "--out", str(tmp_path / "scores.parquet"), "--normal", "NORM"]) == 0
    assert "there already" in refused(*words, "--out", str(out))
    assert "must end in .csv or .parquet" in refused(*words, "--out", str(tmp_path / "scores.txt"))
    assert "expected some of" in refused(*words, "--out", str(tmp_path / "a.csv"), "--normal", "COVID")
    assert not (tmp_path / "a.csv").exists()
