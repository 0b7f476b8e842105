"""Mixup: signals and labels are mixed alike, with weights of the batch's generator."""

import numpy as np
import pytest

from vqecg.downstream.classifiers.mixup import Mixture, mixup


def mixed(alpha: float = 0.4, seed: int = 0) -> tuple[np.ndarray, np.ndarray, Mixture]:
    generator = np.random.default_rng(9)
    signal = generator.normal(size=(50, 2, 5)).astype(np.float32)
    labels = generator.integers(0, 2, (50, 3)).astype(np.float32)
    return signal, labels, mixup(signal, labels, alpha, np.random.default_rng(seed))


def test_signals_and_labels_have_the_same_weights_and_partners():
    signal, labels, found = mixed()
    for row, (weight, partner) in enumerate(zip(found.weights, found.partners, strict=True)):
        assert np.allclose(found.signal[row], weight * signal[row] + (1 - weight) * signal[partner], atol=1e-6)
        assert np.allclose(found.labels[row], weight * labels[row] + (1 - weight) * labels[partner], atol=1e-6)
    assert found.signal.dtype == found.labels.dtype == np.float32
    assert found.labels.min() >= 0 and found.labels.max() <= 1


def test_a_small_alpha_leaves_most_records_nearly_unmixed():
    weights = mixed(alpha=0.05)[2].weights
    assert (np.minimum(weights, 1 - weights) < 0.05).mean() > 0.7
    assert np.abs(mixed(alpha=200)[2].weights - 0.5).max() < 0.2


def test_every_record_is_a_partner_once_and_the_generator_is_all_that_counts():
    first, again, other = mixed()[2], mixed()[2], mixed(seed=1)[2]
    assert sorted(first.partners) == list(range(50))
    assert np.array_equal(first.signal, again.signal) and not np.array_equal(first.signal, other.signal)


def test_alpha_must_be_positive():
    with pytest.raises(ValueError, match="expected more than 0"):
        mixed(alpha=0)
