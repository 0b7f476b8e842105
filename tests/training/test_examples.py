"""Training examples from a store: the right records, jittered reproducibly."""

import numpy as np
import pytest

from vqecg.records.store.record_store import RecordStore
from vqecg.training.examples import SignalExamples, jitter


def test_a_batch_holds_the_chosen_records_of_the_store(simulated_store: RecordStore):
    examples = SignalExamples(simulated_store, np.array([7, 3, 11]))
    batch = examples.batch(np.array([2, 0]), np.random.default_rng(0))
    assert len(examples) == 3 and set(batch) == {"signal"}
    np.testing.assert_array_equal(batch["signal"].numpy(), simulated_store.signals(np.array([11, 7])))


def test_further_arrays_go_along_row_by_row(simulated_store: RecordStore):
    labels = np.arange(6, dtype=np.float32).reshape(3, 2)
    examples = SignalExamples(simulated_store, np.array([7, 3, 11]), extra={"labels": labels})
    batch = examples.batch(np.array([2, 0]), np.random.default_rng(0))
    np.testing.assert_array_equal(batch["labels"].numpy(), labels[[2, 0]])


def test_the_same_generator_gives_the_same_bits_and_another_others(simulated_store: RecordStore):
    examples = SignalExamples(simulated_store, np.arange(10), shift=8, gain=0.1)
    rows = np.arange(10)
    first, again, other = (examples.batch(rows, np.random.default_rng(seed))["signal"].numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.dtype == np.float32 and not np.array_equal(first, other)


def test_jitter_moves_a_record_by_at_most_shift_samples_and_holds_its_ends():
    signal = np.broadcast_to(np.arange(50, dtype=np.float32), (200, 8, 50))
    moved = jitter(signal, 4, 0.0, np.random.default_rng(0)).signal
    moves = moved[:, 0, 25] - 25
    assert moves.min() == -4 and moves.max() == 4
    for record, move in zip(moved, moves, strict=True):
        np.testing.assert_array_equal(record, np.broadcast_to((np.arange(50) + move).clip(0, 49), (8, 50)))


def test_jitter_scales_all_leads_of_a_record_by_one_factor():
    signal = np.random.default_rng(0).normal(size=(500, 8, 10)).astype(np.float32)
    factors = jitter(signal, 0, 0.2, np.random.default_rng(1)).signal / signal
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1, :1], factors.shape), rtol=1e-5)
    assert np.log(factors[:, 0, 0]).std() == pytest.approx(0.2, rel=0.15)


def test_without_jitter_the_signal_is_as_it_was():
    signal = np.random.default_rng(0).normal(size=(3, 8, 20)).astype(np.float32)
    np.testing.assert_array_equal(jitter(signal, 0, 0.0, np.random.default_rng(0)).signal, signal)
