"""The benchmark of identity on simulated recordings."""

from pathlib import Path

import pytest

from benchmarks.tasks.identity import main
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.reports.results import read_experiment


def test_every_measure_is_judged_and_the_attack_is_made(
    tiny_generator: ECGGenerator, simulated_store: RecordStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder, result = tmp_path / "generator", tmp_path / "identity.json"
    tiny_generator.save_pretrained(folder)
    words = ["--store", str(simulated_store.folder), "--generator", str(folder)]
    main([*words, "--train", *"1234567", "9", "--test", "8", "10", "--result", str(result)])
    names = {one.of for one in read_experiment(result).figures}
    for name in ("verifier", "correlation of median beats", "vectors, sketch", "by the verifier"):
        assert any(name in of for of in names), names
    assert "1 test patients with several recordings" in capsys.readouterr().out
