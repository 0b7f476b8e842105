"""The benchmark of groups and neighbours on simulated recordings."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.tasks.groups import main, nearest, shared_labels
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.reports.results import read_experiment


def test_neighbours_are_of_other_patients_and_labels_are_shared_in_part():
    points = np.array([[0.0], [0.1], [5], [6], [7], [8], [9], [10]])
    patients = np.array(list("aabcdefg"))
    assert nearest(points, patients)[0].tolist() == [2, 3, 4, 5, 6]
    labels = np.array([[1, 0], [1, 1], [0, 0]], float)
    shared = shared_labels(np.array([[1, 2], [0, 0], [0, 1]]), labels)
    np.testing.assert_allclose(shared, [0.25, 0.5, np.nan])


def test_every_set_of_vectors_is_judged(tiny_generator: ECGGenerator, simulated_store: RecordStore, tmp_path: Path):
    folder, result = tmp_path / "generator", tmp_path / "groups.json"
    tiny_generator.save_pretrained(folder)
    words = ["--store", str(simulated_store.folder), "--generator", str(folder), "--groups", "3"]
    main([*words, "--test", *"123456789", "--result", str(result)])
    figures = {(one.of, one.measure): one.value for one in read_experiment(result).figures}
    for name in ("all parts", "tokenizer", "sketch", "transformer", "median beat", "untrained tokenizer", "by lot"):
        assert any(name in f"{of}, {measure}" for of, measure in figures), name
    with pytest.raises(SystemExit):
        main([*words, "--test"])
