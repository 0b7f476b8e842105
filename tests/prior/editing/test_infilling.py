"""Infilling: what is kept of a real record stays, the rest is drawn, and a record's streams are its own."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.prior.config import SamplingSettings
from vqecg.prior.editing.infilling import infill, infill_codes, kept_frames, kept_losses, resampled
from vqecg.prior.editing.settings import InfillingSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.likelihood import EncodedRecords, losses_of_records
from vqecg.prior.sampling import record_noise, sample_codes
from vqecg.records.beats.alignment import beat_edges
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection

SAMPLING = SamplingSettings(batch_size=8)


@pytest.fixture(scope="module")
def parents(simulated_store: RecordStore, simulated_split: SplitIndices) -> RecordSelection:
    return RecordSelection(simulated_store, simulated_split.train[:3])


def test_kept_frames_have_the_parents_codes_and_the_others_are_drawn(
    tiny_generator: ECGGenerator, parents: RecordSelection
):
    own = EncodedRecords.of_records(tiny_generator, parents).codes.numpy()
    for how in (InfillingSettings(kept=0.5), InfillingSettings(kept=0.3, unit="start", candidates=1)):
        made = infill(tiny_generator, parents, how, SAMPLING, np.arange(3))
        kept = made.real_frames
        assert kept is not None and made.parents[:, 0].tolist() == parents.rows.tolist()
        assert made.signal.shape == (3, 8, 1000) and made.signal.dtype == np.float32
        assert made.codes.shape == own.shape and kept.shape == own.shape[:2]
        np.testing.assert_array_equal(made.codes[kept], own[kept])
        assert (made.codes != own)[~kept].mean() > 0.5
        assert kept.any(1).all() and not kept.all(1).any()
        sketch = EncodedRecords.of_records(tiny_generator, parents).sketch
        decoded = tiny_generator.decode(torch.from_numpy(made.codes), sketch, correct=False)
        np.testing.assert_allclose(made.signal, decoded, atol=1e-5)


def test_a_record_depends_on_its_number_and_attempt_and_not_on_the_others(
    tiny_generator: ECGGenerator, parents: RecordSelection
):
    how = InfillingSettings(candidates=2, seed=5)
    together = infill(tiny_generator, parents, how, SAMPLING, np.array([4, 7, 9]))
    alone = infill(tiny_generator, RecordSelection(parents.store, parents.rows[1:2]), how, SAMPLING, np.array([7]))
    np.testing.assert_array_equal(together.codes[1], alone.codes[0])
    for numbers, attempt in (([8], 0), ([7], 1)):
        one = RecordSelection(parents.store, parents.rows[1:2])
        assert (infill(tiny_generator, one, how, SAMPLING, np.array(numbers), attempt).codes != alone.codes).any()
    none = RecordSelection(parents.store, parents.rows[:0])
    kept = np.zeros((0, tiny_generator.prior.config.frames), bool)
    assert len(infill_codes(tiny_generator, none, kept, how, SAMPLING, np.zeros(0, np.int64))) == 0


def test_without_codes_to_keep_sampling_is_as_before_and_with_all_nothing_is_drawn(
    tiny_generator: ECGGenerator, parents: RecordSelection
):
    told, prior = EncodedRecords.of_records(tiny_generator, parents), tiny_generator.prior
    noise = record_noise(0, 0, 3, prior.config.steps, prior.config.levels)
    drawn = sample_codes(prior, told.sketch, noise, SAMPLING)
    nothing = torch.full_like(told.codes, -1)
    assert torch.equal(sample_codes(prior, told.sketch, noise, SAMPLING, nothing), drawn)
    assert torch.equal(sample_codes(prior, told.sketch, noise, SAMPLING, told.codes), told.codes)


def test_the_loss_of_what_is_kept_adds_up_to_the_loss_of_all_codes(
    tiny_generator: ECGGenerator, parents: RecordSelection
):
    told, prior = EncodedRecords.of_records(tiny_generator, parents), tiny_generator.prior
    everything = torch.ones(told.codes.shape[:2], dtype=torch.bool)
    with torch.inference_mode():
        losses = kept_losses(prior, told.codes, told, everything)
        output = prior(told.codes, told.sketch)
        whole = prior.negative_log_likelihood(told.codes, told.condition, told.sketch)
        half = everything.clone()
        half[:, ::2] = False
        parts = kept_losses(prior, told.codes, told, half) + kept_losses(prior, told.codes, told, ~half)
    codes = told.codes.shape[1] * output.level_losses.sum()
    torch.testing.assert_close(losses.mean(), codes, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(parts, losses, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(losses_of_records(tiny_generator, parents), whole, rtol=1e-4)


def test_the_candidate_that_fits_is_chosen_in_proportion_to_its_likelihood():
    losses = torch.tensor([[0.0, 50.0], [50.0, 0.0]])
    assert resampled(losses, torch.tensor([0.99, 0.01])).tolist() == [0, 1]
    even = torch.zeros(1000, 4)
    counts = torch.bincount(resampled(even, torch.rand(1000, generator=torch.Generator().manual_seed(0))), minlength=4)
    assert counts.min() > 200
    assert resampled(torch.zeros(1, 3), torch.tensor([1.0])).tolist() == [2]


@settings(deadline=None, max_examples=60)
@given(
    beats=st.lists(st.integers(0, 999), max_size=12, unique=True),
    kept=st.floats(0.01, 0.99),
    unit=st.sampled_from(["beats", "start"]),
    seed=st.integers(0, 100),
)
def test_the_beginning_is_kept_and_some_frames_are_drawn(beats: list[int], kept: float, unit: str, seed: int):
    peaks, how = np.sort(np.array(beats, np.int64)), InfillingSettings(kept=kept, unit=unit)
    mask = kept_frames(peaks, 1000, 8, 125, how, np.random.default_rng(seed))
    assert mask.shape == (125,) and mask.dtype == bool and mask[0] and not mask.all()
    if unit == "start":
        assert abs(mask.sum() - kept * 125) <= 1 and (np.diff(mask.astype(int)) != 0).sum() == 1
    edges = beat_edges(peaks, 1000)
    assert edges[0] == 0 and edges[-1] == 1000 and len(edges) == max(2, len(beats) + 1)


def test_whole_beats_are_kept():
    peaks = np.arange(50, 1000, 100)
    mask = kept_frames(peaks, 1000, 8, 125, InfillingSettings(kept=0.4), np.random.default_rng(0))
    edges = beat_edges(peaks, 1000)
    assert edges[1:-1].tolist() == (peaks[:-1] + 62).tolist()
    inside = [mask[int(np.ceil(start / 8)) : int(end // 8)] for start, end in pairwise(edges)]
    assert all(part.all() or not part.any() for part in inside) and sum(part.all() for part in inside) == 4
    assert inside[0].all(), "or the prior would begin without a beat of the record"


def test_settings_that_keep_all_or_nothing_are_refused():
    for kept in (0.0, 1.0):
        with pytest.raises(ValueError, match=r"kept is .*; expected a number above 0 and below 1"):
            InfillingSettings(kept=kept)
    with pytest.raises(ValueError, match="unit is 'hours'; expected one of beats, start"):
        InfillingSettings(unit="hours")
