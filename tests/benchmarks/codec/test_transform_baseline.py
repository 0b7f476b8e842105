"""The transform codec that the tokenizer is measured against is what it claims to be."""

import numpy as np
import pytest

from benchmarks.codec import transform_baseline
from vqecg.records.store.record_store import RecordStore


def simulated_signals(store: RecordStore) -> tuple[np.ndarray, np.ndarray]:
    """90 training and 30 test records."""
    return store.signals(slice(0, 90)), store.signals(slice(90, 120))


def test_the_lead_transform_is_invertible_and_keeps_the_error_over_twelve_leads(simulated_store: RecordStore):
    train, test = simulated_signals(simulated_store)
    transform = transform_baseline.LeadTransform.fit(train)
    coefficients = transform.analyse(test)
    np.testing.assert_allclose(transform.synthesise(coefficients), test, atol=1e-5)
    twelve = transform_baseline.twelve_leads(test)
    np.testing.assert_allclose(np.square(coefficients).sum((1, 2)), np.square(twelve).sum((1, 2)), rtol=1e-4)


def test_the_code_lengths_are_those_of_probabilities_that_sum_to_one():
    coefficients = np.random.default_rng(0).laplace(scale=[[[0.3], [3.0]]], size=(50, 2, 1)).astype(np.float32)
    tables = transform_baseline.EntropyTables.fit(coefficients, step=1.0)
    every = np.arange(-400, 401, dtype=np.int32)
    zero = np.zeros(len(every), np.int32)
    first = tables.bits(np.stack([every, zero], axis=1)[..., None])
    second = tables.bits(np.stack([zero, every], axis=1)[..., None])
    # each sum is the probability of the other coefficient's zero, so their product is that of both being zero
    both = (2.0**-first).sum() * (2.0**-second).sum()
    assert both == pytest.approx(2.0 ** -first[400], rel=1e-3)


def test_a_symbol_never_seen_in_training_costs_many_bits_but_is_possible():
    tables = transform_baseline.EntropyTables.fit(np.zeros((50, 1, 1), np.float32), step=1.0)
    seen, unseen = tables.bits(np.array([[[0]], [[1]]], np.int32))
    assert seen < 0.1 and 8 < unseen < 40


def test_entropy_coding_comes_close_to_the_entropy_of_a_known_source():
    rng = np.random.default_rng(0)
    train, test = (rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=(n, 1, 20)) for n in (4000, 1000))
    tables = transform_baseline.EntropyTables.fit(train, step=1.0)
    entropy = -(0.8 * np.log2(0.8) + 0.2 * np.log2(0.1))
    assert tables.bits(transform_baseline.quantize(test, 1.0)).mean() / 20 == pytest.approx(entropy, rel=0.02)


def test_more_bits_give_less_error_and_the_curve_is_not_extended(simulated_store: RecordStore):
    curve = transform_baseline.rate_curve(
        *simulated_signals(simulated_store), seconds=10.0, steps=np.geomspace(0.05, 4.0, 5)
    )
    assert (np.diff(curve.bit_rate.mean(1)) < 0).all() and (np.diff(np.median(curve.prd, axis=1)) > 0).all()
    for read in (curve.at_same_rate, curve.at_mean_rate):
        assert read(300.0) > read(600.0) > 0
        assert np.isnan(read(1e5))


def test_the_baseline_decodes_at_the_error_of_its_curve(simulated_store: RecordStore):
    train, test = simulated_signals(simulated_store)
    curve = transform_baseline.rate_curve(train, test, seconds=10.0, steps=np.geomspace(0.05, 4.0, 8))
    decoded = transform_baseline.decode_at_rate(train, test, curve, 500.0)
    assert np.median(transform_baseline.prd(test, decoded)) == pytest.approx(curve.at_same_rate(500.0), rel=0.03)
    with pytest.raises(ValueError, match="cannot take 100000 bit/s"):
        transform_baseline.decode_at_rate(train, test, curve, 1e5)
