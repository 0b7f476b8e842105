"""The benchmark of archives at tiny size."""

from pathlib import Path

import pytest

from benchmarks.codec import archive
from benchmarks.codec.archive import plain_rate
from vqecg.records.store.record_store import RecordStore
from vqecg.reports.results import read_experiment
from vqecg.tokenizer.modeling import ECGTokenizer


@pytest.mark.slow
def test_archives_stand_beside_plain_codes_and_compressors(
    tiny_tokenizer: ECGTokenizer, simulated_store: RecordStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    tiny_tokenizer.save_pretrained(tmp_path / "tokenizer")
    words = ["--store", str(simulated_store.folder), "--tokenizer", str(tmp_path / "tokenizer"), "--test", "9"]
    result = tmp_path / "archive.json"
    words += ["--errors", "40", "--beams", "1", "2", "--timed", "8", "--rounds", "1", "--result", str(result)]
    archive.main(words)
    printed = capsys.readouterr().out
    assert "fewer bits" in printed and "zlib" in printed and "decompress" in printed
    figures = read_experiment(result).figures
    of_archives = [one for one in figures if one.of.startswith("archives") and one.measure == "bit/s"]
    assert len(of_archives) == 2


def test_the_rate_of_plain_codes_is_between_its_levels():
    points = [(125.0, 40.0), (250.0, 20.0), (375.0, 10.0)]
    assert plain_rate(points, 20.0) == pytest.approx(250)
    assert 250 < plain_rate(points, 15.0) < 375
    assert plain_rate(points, 5.0) != plain_rate(points, 5.0)  # NaN
