"""The benchmark of gaps that are filled: its scores by hand, and a run on simulated recordings."""

from pathlib import Path

import numpy as np

from benchmarks.tasks.infilling import GAPS, main, scores_of
from vqecg.downstream.tasks.infilling.registry import FILLERS
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.reports.results import read_experiment


def test_the_scores_are_those_of_their_definitions():
    generator = np.random.default_rng(0)
    truth, drawn = generator.normal(size=(8, 20)).astype(np.float32), generator.normal(size=(5, 8, 20))
    crps, error, covered = scores_of(truth, drawn.astype(np.float32))
    pairs = np.abs(drawn[:, None] - drawn[None]).sum((0, 1)) / (5 * 4)
    np.testing.assert_allclose(crps, (np.abs(drawn - truth).mean(0) - pairs / 2).mean(), rtol=1e-5)
    np.testing.assert_allclose(error, np.abs(np.median(drawn, 0) - truth).mean(), rtol=1e-5)
    np.testing.assert_allclose(covered, ((drawn.min(0) <= truth) & (truth <= drawn.max(0))).mean())
    alike = np.repeat(drawn[:1], 4, 0).astype(np.float32)
    assert scores_of(truth, alike)[0] == scores_of(truth, alike)[1]


def test_every_gap_is_filled_by_every_method(
    tiny_generator: ECGGenerator, simulated_store: RecordStore, tmp_path: Path
):
    folder, result = tmp_path / "generator", tmp_path / "infilling.json"
    tiny_generator.save_pretrained(folder)
    words = ["--store", str(simulated_store.folder), "--generator", str(folder), "--test", "9", "--records", "8"]
    main([*words, "--draws", "3", "--result", str(result)])
    names = [f"{one.of}, {one.measure}" for one in read_experiment(result).figures]
    for gap in GAPS:
        for method in FILLERS.names():
            assert any(gap in name and method in name and "CRPS" in name for name in names), (gap, method)
