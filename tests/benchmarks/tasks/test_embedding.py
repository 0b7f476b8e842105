"""The benchmark of embeddings at tiny size, and its strongest control."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.tasks import embedding
from benchmarks.tasks.minirocket import KERNELS, LENGTH, MiniRocket, convolved
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.reports.results import read_experiment


def test_kernels_are_those_of_the_paper():
    assert KERNELS.shape == (84, LENGTH) and (KERNELS.sum(1) == 0).all()
    assert {tuple(row) for row in KERNELS.tolist()} == set(map(tuple, KERNELS.tolist()))


def test_a_convolution_is_numpys():
    signal = np.random.default_rng(0).standard_normal((2, 3, 60)).astype(np.float32)
    channels = np.zeros((len(KERNELS), 3), np.float32)
    channels[:, [0, 2]] = 1
    found = convolved(signal, 2, channels)
    spread = np.zeros(2 * LENGTH - 1)
    spread[::2] = KERNELS[5]
    expected = np.convolve(signal[1, 0] + signal[1, 2], spread[::-1], "same")
    np.testing.assert_allclose(found[1, 5], expected, atol=1e-4)


def test_features_are_shares_that_know_a_rhythm():
    generator = np.random.default_rng(0)
    slow, fast = (
        np.sin(2 * np.pi * np.arange(300) / period + generator.uniform(0, 6, (30, 4, 1))) for period in (50, 12)
    )
    signals = np.concatenate([slow, fast]).astype(np.float32)
    rocket = MiniRocket.fit(signals, features=500)
    features = rocket.features(signals)
    assert features.shape[0] == 60 and 250 < features.shape[1] <= 500
    assert features.min() >= 0 and features.max() <= 1
    apart = np.abs(features[:30].mean(0) - features[30:].mean(0)).max()
    assert apart > 0.3
    np.testing.assert_array_equal(features, MiniRocket.fit(signals, features=500).features(signals))


@pytest.mark.slow
def test_probes_of_every_feature_stand_beside_a_network(
    tiny_generator: ECGGenerator, simulated_store: RecordStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    tiny_generator.save_pretrained(tmp_path / "generator")
    words = ["--store", str(simulated_store.folder), "--generator", str(tmp_path / "generator")]
    words += ["--train", "1", "2", "3", "4", "5", "6", "7", "--test", "8", "9", "10", "--shares", "0.5", "1.0"]
    result = tmp_path / "embedding.json"
    embedding.main([*words, "--seeds", "0", "1", "--steps", "3", "--result", str(result)])
    printed = capsys.readouterr().out
    for name in ("tokenizer", "sketch", "transformer", "all parts", "untrained tokenizer", "MiniRocket", "ResNet"):
        assert name in printed
    assert len(read_experiment(result).figures) == 2 * 2 * 7
