"""The stateless sampler: a pure function of seed and step that shows every example equally often."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.training.sampler import batch_indices, epoch_permutation


@settings(deadline=None, max_examples=20)
@given(examples=st.integers(1, 40), batch_size=st.integers(1, 60), steps=st.integers(1, 30), seed=st.integers(0, 9))
def test_every_example_is_seen_equally_often(examples: int, batch_size: int, steps: int, seed: int):
    seen = np.concatenate([batch_indices(examples, batch_size, step, seed) for step in range(steps)])
    counts = np.bincount(seen, minlength=examples)
    assert len(seen) == steps * batch_size and len(counts) == examples
    assert counts.max() - counts.min() <= 1


@settings(deadline=None, max_examples=20)
@given(examples=st.integers(1, 40), batch_size=st.integers(1, 60), seed=st.integers(0, 9))
def test_batches_are_windows_of_one_row_of_epochs(examples: int, batch_size: int, seed: int):
    row = np.concatenate([epoch_permutation(examples, epoch, seed) for epoch in range(4 * batch_size // examples + 2)])
    for step in range(4):
        window = row[step * batch_size : (step + 1) * batch_size]
        np.testing.assert_array_equal(batch_indices(examples, batch_size, step, seed), window)


def test_an_epoch_shows_every_example_once_in_an_order_of_its_own():
    first, second = epoch_permutation(50, 0, 3), epoch_permutation(50, 1, 3)
    np.testing.assert_array_equal(np.sort(first), np.arange(50))
    assert not np.array_equal(first, second)


def test_another_seed_gives_another_order_and_the_same_seed_the_same():
    assert not np.array_equal(batch_indices(100, 32, 0, 0), batch_indices(100, 32, 0, 1))
    np.testing.assert_array_equal(batch_indices(100, 32, 7, 5), batch_indices(100, 32, 7, 5))


def test_a_second_stream_has_an_order_of_its_own_and_the_first_that_of_a_lone_one():
    lone, first, second = (batch_indices(100, 32, 3, 5, *stream) for stream in ((), (0,), (1,)))
    np.testing.assert_array_equal(lone, first)
    assert not np.array_equal(first, second)


def test_a_late_step_needs_no_earlier_one():
    late = batch_indices(100, 32, 10**6, 0)
    assert late.shape == (32,) and late.min() >= 0 and late.max() < 100


def test_a_kept_permutation_cannot_be_changed_by_its_reader():
    with pytest.raises(ValueError, match="read-only"):
        epoch_permutation(10, 0, 0)[0] = 5


@pytest.mark.parametrize(("examples", "batch_size"), [(0, 4), (4, 0)])
def test_nothing_to_draw_from_is_refused(examples: int, batch_size: int):
    with pytest.raises(ValueError, match="at least 1"):
        batch_indices(examples, batch_size, 0, 0)
