"""The benchmark of archives without loss at tiny size."""

from pathlib import Path

import pytest

from benchmarks.codec import lossless
from vqecg.records.store.record_store import RecordStore
from vqecg.reports.results import read_experiment
from vqecg.tokenizer.modeling import ECGTokenizer


@pytest.mark.slow
def test_archives_without_loss_stand_beside_flac(
    tiny_tokenizer: ECGTokenizer, simulated_store: RecordStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    tiny_tokenizer.save_pretrained(tmp_path / "tokenizer")
    words = ["--store", str(simulated_store.folder), "--tokenizer", str(tmp_path / "tokenizer"), "--test", "9"]
    result = tmp_path / "lossless.json"
    lossless.main([*words, "--errors", "40", "--timed", "4", "--rounds", "1", "--result", str(result)])
    printed = capsys.readouterr().out
    assert "no codes" in printed and "archive / this" in printed
    rates = {one.of: one.value.value for one in read_experiment(result).figures if one.measure == "bit/s"}
    assert len(rates) == 5 and rates["zlib"] > rates["FLAC"]
