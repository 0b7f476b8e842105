"""Sketches drawn as recordings: a beat where an R peak is, their mean where two meet, nothing where there is none."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vqecg.prior.sketch.layout import AFTER, BEFORE, P_TRAIT, PLAIN, beat_samples
from vqecg.prior.sketch.modeling import SketchModel
from vqecg.prior.sketch.p_wave import find_p
from vqecg.prior.sketch.rendering import FADE, FrameEmbedding, fade, render
from vqecg.prior.sketch.sketch import Sketch
from vqecg.prior.sketch.traits import FEWEST_OTHERS, TraitBasis, measure_all
from vqecg.records.store.record_store import RecordStore

RATE, SAMPLES = 100, 1000
LENGTH, BEFORE_PEAK = beat_samples(RATE), round(BEFORE * RATE)


def beats(batch: int = 1, leads: int = 8) -> Tensor:
    return torch.randn(batch, leads, LENGTH, generator=torch.Generator().manual_seed(0))


def test_a_beat_stands_where_its_peak_is_and_fades_at_its_ends():
    drawn, beat = render(torch.tensor([[300.0]]), beats(), SAMPLES, RATE), beats()
    ramp = round(FADE * RATE)
    whole = slice(300 - BEFORE_PEAK + ramp, 300 - BEFORE_PEAK + LENGTH - ramp)
    torch.testing.assert_close(drawn[..., whole], beat[..., ramp:-ramp])
    outside = torch.cat([drawn[..., : 300 - BEFORE_PEAK], drawn[..., 300 - BEFORE_PEAK + LENGTH :]], -1)
    assert not outside.any()
    assert bool((drawn.abs().amax((0, 1))[300 - BEFORE_PEAK : 300] <= beat.abs().amax((0, 1))[:BEFORE_PEAK]).all())


@settings(deadline=None, max_examples=30)
@given(peaks=st.lists(st.integers(0, SAMPLES - 1), min_size=1, max_size=12, unique=True))
def test_overlapping_beats_are_averaged_and_never_added_up(peaks: list[int]):
    level = torch.ones(1, 8, LENGTH)
    drawn = render(torch.tensor([sorted(map(float, peaks))]), level, SAMPLES, RATE)
    assert float(drawn.max()) <= 1 + 1e-6
    assert float(drawn.min()) >= 0
    assert bool((drawn[0, 0, peaks] > 0.99).all())


def test_each_record_has_its_own_beats_and_peaks():
    peaks = torch.tensor([[100.0, 500.0, math.nan], [math.nan] * 3, [20.0, 480.0, 990.0]])
    together = render(peaks, beats(3), SAMPLES, RATE)
    assert not together[1].any()
    for row in range(3):
        alone = render(peaks[row : row + 1], beats(3)[row : row + 1], SAMPLES, RATE)
        torch.testing.assert_close(together[row], alone[0])


def test_peaks_outside_the_record_are_left_out():
    inside, all_peaks = (render(torch.tensor([own]), beats(), 400, RATE) for own in ([200.0], [-3.0, 200.0, 400.0]))
    assert torch.equal(inside, all_peaks)


def test_the_weights_of_a_beat_rise_and_fall_alike():
    weights = fade(LENGTH, RATE)
    torch.testing.assert_close(weights, weights.flip(0))
    assert 0 < float(weights[0]) < 0.1
    assert bool((weights[round(FADE * RATE) : -round(FADE * RATE)] == 1).all())


def test_a_frame_is_shown_with_the_ones_beside_it_alone():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        embedding = FrameEmbedding(hop_length=8, width=16)
    silent = torch.zeros(1, 8, 80)
    loud = silent.clone()
    loud[..., 40:48] = 1.0
    changed = (embedding(loud) - embedding(silent)).abs().amax((0, 2)) > 1e-6
    assert changed.tolist() == [frame in (4, 5, 6) for frame in range(10)]


@pytest.mark.parametrize("components", [4, 25])
def test_the_rendering_of_a_recording_is_nearer_to_it_the_more_components_it_has(
    simulated_store: RecordStore, components: int
):
    signal = simulated_store.signals(np.arange(30))
    basis = TraitBasis.fit(measure_all(signal, RATE).measures, components)
    model = SketchModel(2, 0, frames=125, components=basis.components, sampling_rate=RATE, hop_length=8)
    for name in ("offset", "projection", "loadings", "limits"):
        getattr(model, name).copy_(torch.from_numpy(getattr(basis, name)))
    sketch = model.measured(signal)
    drawn = model.rendered(sketch).numpy()
    assert drawn.shape == signal.shape
    missed = np.square(signal - drawn).sum() / np.square(signal).sum()
    assert missed < {4: 0.5, 25: 0.25}[components]
    own = Sketch(torch.full((30, 1), 50.0), sketch.traits)
    middle = slice(400 - BEFORE_PEAK + 10, 400 + round(AFTER * RATE) - 10)
    torch.testing.assert_close(model.rendered(own)[..., middle], model.beats(sketch.traits)[..., 10:-10])


def test_a_beat_of_another_kind_stands_where_it_was(simulated_store: RecordStore):
    """Simulated records with ventricular beats, drawn with a second beat, and with the usual one everywhere."""
    table = simulated_store.table
    rows = np.flatnonzero(["PVC" in names for names in table["statements"]])
    signal = simulated_store.signals(np.concatenate([rows, np.setdiff1d(np.arange(60), rows)]))
    measured = measure_all(signal, RATE, others=True)
    basis = TraitBasis.fit(measured.measures, 25, 12)
    assert basis.other_components >= FEWEST_OTHERS - 1
    model = SketchModel(
        2, 0, frames=125, components=basis.components, sampling_rate=RATE, hop_length=8,
        other_components=basis.other_components,
    )  # fmt: skip
    for name, part in vars(basis).items():
        getattr(model, name).copy_(torch.from_numpy(part))
    assert all(np.array_equal(part, getattr(model.basis, name)) for name, part in vars(basis).items())
    sketch = model.measured(signal)
    having = sketch.kinds.any(1).numpy()
    assert having[: len(rows)].mean() > 0.8 and having.mean() < 0.8
    own = sketch.traits[:, PLAIN + basis.components :]
    assert bool((own[~torch.from_numpy(having)] == 0).all())
    usual = model.rendered(replace(sketch, unlike=None)).numpy()
    whole = model.rendered(sketch).numpy()
    missed = [np.square(signal - drawn)[having].sum() for drawn in (whole, usual)]
    assert missed[0] < 0.6 * missed[1]
    np.testing.assert_array_equal(whole[~having], usual[~having])


def test_loadings_give_back_what_the_components_hold():
    generator = np.random.default_rng(0)
    measures = generator.normal(0, 0.5, (300, PLAIN + 8 * 5)).astype(np.float32)
    measures[:, PLAIN:] = generator.normal(0, 1, (300, 3)) @ generator.normal(0, 1, (3, 40))
    basis = TraitBasis.fit(measures, components=3)
    found = basis.offset[PLAIN:] + basis.traits(measures)[:, PLAIN:] @ basis.loadings
    np.testing.assert_allclose(found, measures[:, PLAIN:], atol=1e-4)


@pytest.mark.parametrize("advance", [0.12, 0.2])
def test_a_sketch_says_where_its_p_wave_is(advance: float):
    with_p = torch.zeros(1, 8, LENGTH)
    with_p[..., BEFORE_PEAK - 20 : BEFORE_PEAK - 9] = 0.1 * torch.hann_window(11, periodic=False)
    model = SketchModel(2, 0, frames=125, components=4, sampling_rate=RATE, hop_length=8)
    model.offset[PLAIN:] = with_p.flatten()
    model.offset[P_TRAIT], model.projection[P_TRAIT, P_TRAIT] = math.log(0.15), 4.0
    traits = torch.zeros(1, PLAIN + 4)
    traits[0, P_TRAIT] = 4.0 * math.log(advance / 0.15)
    assert find_p(model.beats(traits)[0].numpy(), BEFORE_PEAK, RATE) == pytest.approx(advance, abs=0.012)
