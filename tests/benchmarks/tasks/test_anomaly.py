"""The benchmark of anomalies on simulated recordings."""

from pathlib import Path

import numpy as np

from benchmarks.tasks.anomaly import main, residual
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.reports.results import read_experiment


def test_a_residual_is_what_known_rows_do_not_show():
    generator = np.random.default_rng(0)
    plane = generator.normal(size=(100, 3)) @ generator.normal(size=(3, 50))
    beside = plane[:1] + np.eye(50)[:1]
    found = residual(np.concatenate([plane, plane[:2], beside]), slice(0, 100))
    assert found[:2].max() < 1e-6 < 0.05 < found[2]


def test_every_score_is_judged(tiny_generator: ECGGenerator, simulated_store: RecordStore, tmp_path: Path):
    folder, result = tmp_path / "generator", tmp_path / "anomaly.json"
    tiny_generator.save_pretrained(folder)
    words = ["--store", str(simulated_store.folder), "--generator", str(folder), "--train", *"1234567"]
    main([*words, "--test", "8", "9", "10", "--result", str(result)])
    figures = {f"{one.of}, {one.measure}" for one in read_experiment(result).figures}
    for name in ("ratio of the sketch", "error of the reconstruction", "isolation forest", "residual of PCA of normal"):
        assert any(name in one and "the rest" in one for one in figures), (name, figures)
