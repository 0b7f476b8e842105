"""Recordings held to their sketches: beats as asked for, no noisier than asked for, and nothing else changed."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from vqecg.prior.sketch.correction import corrected, left_of, masked_median, on_level, smoothed
from vqecg.prior.sketch.layout import LEAD_TRAITS, P_TRAIT, PLAIN
from vqecg.prior.sketch.modeling import SketchModel
from vqecg.prior.sketch.traits import FEWEST_OTHERS, TraitBasis, measure_all
from vqecg.records.store.record_store import RecordStore

COMPONENTS = 8


@pytest.fixture(scope="module")
def recordings(simulated_store: RecordStore) -> np.ndarray:
    return simulated_store.signals(np.arange(min(40, len(simulated_store))))


@pytest.fixture(scope="module")
def model(recordings: np.ndarray) -> SketchModel:
    made = SketchModel(3, 1, 125, COMPONENTS, 100, 8)
    basis = TraitBasis.fit(measure_all(recordings, 100).measures, COMPONENTS)
    for name in ("offset", "projection", "loadings", "limits"):
        getattr(made, name).copy_(torch.from_numpy(getattr(basis, name)))
    return made


def noise(like: Tensor, size: float) -> Tensor:
    return size * torch.randn(like.shape, generator=torch.Generator().manual_seed(0))


def test_the_median_beat_becomes_that_of_the_sketch(model: SketchModel, recordings: np.ndarray):
    sketch = model.measured(recordings)
    wanted = replace(sketch, traits=sketch.traits.roll(1, 0))  # the beats of other records
    before = torch.from_numpy(recordings)
    after = corrected(before, wanted, model)
    apart = [(model.measured(one.numpy()).traits - wanted.traits)[:, PLAIN:].abs().mean() for one in (before, after)]
    assert float(apart[1]) < 0.2 * float(apart[0])
    p_waves = (model.measured(after.numpy()).traits - wanted.traits)[:, P_TRAIT].abs()
    assert float(p_waves.median()) < 0.2


def test_noise_beyond_the_sketchs_is_taken_off_and_less_is_left(model: SketchModel, recordings: np.ndarray):
    sketch, clean = model.measured(recordings), torch.from_numpy(recordings)
    most = model.levels(sketch.traits)[1]
    noisy = corrected(clean + noise(clean, 0.05), sketch, model)
    left = model.levels(model.measured(noisy.numpy()).traits)[1]
    there = model.levels(model.measured((clean + noise(clean, 0.05)).numpy()).traits)[1]
    assert float(left.median()) < 0.5 * float(there.median())
    louder = replace(sketch, traits=sketch.traits.clone())
    louder.traits[:, LEAD_TRAITS:PLAIN] += 3
    same = model.levels(model.measured(corrected(clean, louder, model).numpy()).traits)[1]
    assert float((same / most.clamp_min(1e-3)).median()) == pytest.approx(1, abs=0.15)


def test_a_recording_of_its_sketch_stays_as_it_is(model: SketchModel, recordings: np.ndarray):
    sketch = model.measured(recordings)
    peaks = sketch.times * model.hop_length
    drawn = on_level(peaks, model.beats(sketch.traits), recordings.shape[2], 100, None, sketch.kinds)
    again = corrected(drawn, sketch, model)
    some = torch.isfinite(sketch.times).sum(1) > 2
    assert bool(some.any())
    size = drawn[some].square().mean().sqrt()
    assert float((again - drawn)[some].square().mean().sqrt()) < 0.03 * float(size)


def test_between_the_beats_of_a_slow_heart_the_level_goes_on(model: SketchModel, recordings: np.ndarray):
    sketch = model.measured(recordings)
    times = torch.full_like(sketch.times, math.nan)
    times[:, :6] = torch.arange(6) * 20.0 + 10  # one beat in 1.6 s
    slow = replace(sketch, times=times)
    drawn = on_level(times * model.hop_length, model.beats(slow.traits), recordings.shape[2], 100, None, slow.kinds)
    for offset in (0.0, 0.3):  # what the decoder is off by as a whole is taken off as a whole
        held = corrected(drawn + offset, slow, model)
        steps = held.diff(dim=-1).abs().amax(-1)
        assert float((steps - drawn.diff(dim=-1).abs().amax(-1)).max()) < 0.05


def test_records_do_not_depend_on_their_batch(model: SketchModel, recordings: np.ndarray):
    sketch, signal = model.measured(recordings), torch.from_numpy(recordings)
    together = corrected(signal, sketch, model)
    for row in (0, 7):
        alone = corrected(signal[row : row + 1], sketch[row : row + 1], model)
        torch.testing.assert_close(together[row], alone[0], atol=1e-5, rtol=0)


def test_without_beats_nothing_is_changed(model: SketchModel, recordings: np.ndarray):
    sketch, signal = model.measured(recordings[:3]), torch.from_numpy(recordings[:3])
    times = sketch.times.clone()
    times[1] = math.nan
    held = corrected(signal, replace(sketch, times=times), model)
    assert torch.equal(held[1], signal[1]) and not torch.equal(held[0], signal[0])
    assert bool(torch.isfinite(held).all())


def test_a_peak_at_either_end_counts(model: SketchModel, recordings: np.ndarray):
    sketch, signal = model.measured(recordings[:1]), torch.from_numpy(recordings[:1])
    times = torch.full_like(sketch.times, math.nan)
    times[0, :2] = torch.tensor([0.0, 124.99])
    held = corrected(signal, replace(sketch, times=times), model)
    assert bool(torch.isfinite(held).all())
    edge = corrected(signal, replace(sketch, times=times[:, :1]), model)  # one beat, not whole
    assert bool(torch.isfinite(edge).all())


def test_beats_of_another_kind_become_the_other_beat(recordings: np.ndarray):
    signal, doubled = torch.from_numpy(recordings).clone(), measure_all(recordings, 100)
    for row, peaks in enumerate(doubled.peaks):  # every third beat upside down
        for peak in peaks[1::3]:
            signal[row, :, max(0, peak - 20) : peak + 40] *= -1.5
    measured = measure_all(signal.numpy(), 100, others=True)
    assert np.isfinite(measured.measures).all(1).sum() >= FEWEST_OTHERS
    basis = TraitBasis.fit(measured.measures, COMPONENTS, 4)
    model = SketchModel(3, 1, 125, basis.components, 100, 8, other_components=basis.other_components)
    for name, part in vars(basis).items():
        getattr(model, name).copy_(torch.from_numpy(part))
    sketch = model.measured(signal.numpy())
    having = sketch.kinds.any(1)
    usual = replace(sketch, unlike=torch.zeros_like(sketch.kinds))
    drawn = model.rendered(usual)[..., : signal.shape[2]]  # a decoder that made every beat the usual one
    held = corrected(drawn, sketch, model)
    wanted = model.rendered(sketch)[..., : signal.shape[2]]
    before, after = ((one - wanted)[having].square().mean() for one in (drawn, held))
    assert float(after) < 0.1 * float(before)


def test_a_median_is_numpys_of_what_counts():
    values = torch.randn(5, 9, 3, generator=torch.Generator().manual_seed(0))
    counted = torch.arange(9) < torch.tensor([0, 1, 4, 5, 9])[:, None]
    found = masked_median(values, counted)
    assert not found[0].any()
    for row, number in enumerate((1, 4, 5, 9), 1):
        np.testing.assert_allclose(found[row].numpy(), np.median(values[row, :number].numpy(), axis=0), rtol=1e-6)


def test_what_is_left_is_never_more_than_there_was():
    level, most = torch.tensor([[0.0, 0.1, 0.2, 1.0]]), torch.tensor([[0.1, 0.2, 0.1, 0.0]])
    assert left_of(level, most)[0, :, 0].tolist() == pytest.approx([1.0, 1.0, 0.5, 0.3])


def test_a_moving_average_keeps_a_constant():
    constant = torch.full((2, 8, 50), 0.7)
    torch.testing.assert_close(smoothed(constant, 9), constant)
