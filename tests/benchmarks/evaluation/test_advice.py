"""The benchmark of advices: what following one loses, by a file of settings."""

from pathlib import Path

import pytest

from benchmarks.evaluation import advice
from vqecg.records.store.record_store import RecordStore
from vqecg.reports.results import read_experiment

SETTINGS = """\
settings:
  - name: small
    arms: [mixup]
    budget: 1h
    target_classes: [NORM]
    folds: {train: [1, 2, 3], validation: [4, 5, 6], test: [7, 8, 9, 10]}
    training: {fit: {steps: 2, batch_size: 8, warmup_steps: 1, evaluate_every: 1}, crop_seconds: 1.0}
    advice: {steps: [1.0], seeds: 4, fractions: []}
"""


@pytest.mark.slow
def test_an_advice_is_set_beside_the_best_in_hindsight(simulated_store: RecordStore, tmp_path: Path, run):
    settings, result = tmp_path / "settings.yaml", tmp_path / "advice.json"
    settings.write_text(SETTINGS, encoding="utf-8")
    words = ["--store", str(simulated_store.folder), "--settings", str(settings), "--out", str(tmp_path / "advices")]
    printed = run(advice, *words, "--networks", "2", "--result", str(result))
    assert "1 settings" in printed and "small" in printed
    assert 0 <= read_experiment(result).value("advise", "mean loss").value < 1


@pytest.mark.bad_input("settings file")
def test_a_file_without_settings_is_refused(tmp_path: Path, run):
    settings = tmp_path / "settings.yaml"
    settings.write_text("cells: []", encoding="utf-8")
    with pytest.raises(ValueError, match="expected a mapping with a list `settings:`"):
        run(advice, "--store", str(tmp_path), "--settings", str(settings), "--out", str(tmp_path / "out"))
