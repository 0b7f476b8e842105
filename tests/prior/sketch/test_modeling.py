"""Sketches: traits and beats, drawn before the codes and measured on recordings."""

import numpy as np
import pytest
import torch

from vqecg.prior.conditioning import Condition
from vqecg.prior.sketch.layout import PLAIN, RHYTHM_TRAITS
from vqecg.prior.sketch.mixture import uniform_noise
from vqecg.prior.sketch.modeling import SketchModel
from vqecg.prior.sketch.rhythm import most_beats
from vqecg.prior.sketch.sketch import Sketch
from vqecg.prior.sketch.trait_model import RHYTHM_GUIDANCE, TraitModel
from vqecg.prior.sketch.traits import FARTHEST, TraitBasis, measure
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.store.record_store import RecordStore

COMPONENTS = 3
WIDE = torch.tensor([[-FARTHEST], [FARTHEST]]).repeat(1, 2)


def condition(batch: int) -> Condition:
    """Label 0 and 1 in turn."""
    labels = torch.eye(2)[torch.arange(batch) % 2]
    return Condition.of(labels.numpy(), {"age": np.full(batch, 50.0), "sex": np.full(batch, "female", object)})


@pytest.fixture(scope="module")
def model() -> SketchModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = SketchModel(classes=2, groups=0, frames=125, components=COMPONENTS, sampling_rate=100, hop_length=8)
        for parameter in model.parameters():
            parameter.data += 0.1 * torch.randn(parameter.shape)
    return model.eval()


def test_a_sketch_is_of_its_seed_and_number_whatever_the_batch(model: SketchModel):
    whole = model.sample(condition(5), seed=3, first=0)
    assert whole.times.shape == (5, most_beats(125)) and whole.traits.shape == (5, PLAIN + COMPONENTS)
    part = model.sample(condition(5)[2:], seed=3, first=2)
    torch.testing.assert_close(part.traits, whole.traits[2:])
    torch.testing.assert_close(part.times, whole.times[2:], equal_nan=True)
    assert not torch.equal(model.sample(condition(5), seed=4, first=0).traits, whole.traits)
    assert len(model.sample(condition(0), seed=3, first=0)) == 0


def test_a_lower_temperature_draws_traits_nearer_to_what_is_expected(model: SketchModel):
    wide, narrow = (model.sample(condition(200), 0, 0, temperature).traits[:, 0] for temperature in (1.0, 0.5))
    assert float(narrow.std()) < float(wide.std())


def test_guidance_moves_what_is_expected_away_from_that_of_a_record_of_which_nothing_is_known(model: SketchModel):
    with torch.no_grad():
        asked = model.traits.shifts(condition(4), model.traits.condition(condition(4)))
        none, once, twice = (model.traits.guided_shifts(condition(4), guidance) for guidance in (0.0, 1.0, 2.0))
    torch.testing.assert_close(once, asked)
    moved, again = once[:, 0] - none[:, 0], twice[:, 0] - once[:, 0]
    torch.testing.assert_close(again[:, RHYTHM_TRAITS:], moved[:, RHYTHM_TRAITS:])
    torch.testing.assert_close(again[:, :RHYTHM_TRAITS], RHYTHM_GUIDANCE * moved[:, :RHYTHM_TRAITS])
    torch.testing.assert_close(twice[:, 1], asked[:, 1])  # spreads stay
    assert torch.equal(none[:1, 0].expand(4, -1), none[:, 0]) and not torch.allclose(twice, once)


def test_no_trait_is_drawn_beyond_its_limits(model: SketchModel):
    limits = torch.tensor([[-0.5], [0.25]]).repeat(1, PLAIN + COMPONENTS)
    noise = uniform_noise([[0, n] for n in range(50)], PLAIN + COMPONENTS)
    drawn = model.traits.sample(condition(50), noise, limits)
    assert float(drawn.min()) == -0.5 and float(drawn.max()) == 0.25
    wide = model.traits.sample(condition(50), noise, model.limits)
    inside = wide[:, 0].abs() < 0.2
    assert torch.equal(drawn[inside, 0], wide[inside, 0])


def test_its_loss_is_that_of_the_traits_and_of_the_beats_given_them(model: SketchModel):
    sketch = model.sample(condition(4), 0, 0)
    with torch.no_grad():
        losses = model(sketch, condition(4))
        told = model.rhythm.context(condition(4), sketch.traits)
        torch.testing.assert_close(losses.beats, model.rhythm(sketch.times, told))
        torch.testing.assert_close(losses.traits, model.traits(sketch.traits, condition(4)))


def test_twice_is_the_batch_followed_by_itself(model: SketchModel):
    sketch = model.sample(condition(2), 0, 0)
    assert torch.equal(sketch.twice().traits, torch.cat([sketch.traits, sketch.traits]))
    assert len(sketch.twice()) == 4


def test_a_trait_is_no_part_of_what_those_before_it_are_told(model: SketchModel):
    traits = torch.randn(2, PLAIN + COMPONENTS, generator=torch.Generator().manual_seed(0))
    changed = traits.clone()
    changed[:, -1] += 1
    with torch.no_grad():
        last = model.traits(traits, condition(2)) - model.traits(changed, condition(2))
        count = PLAIN + COMPONENTS
        cut = TraitModel(2, count - 1).eval()
        state = model.traits.state_dict()
        short = {name: value[:-1] if len(value) == count else value for name, value in state.items()}
        short["label_shift.weight"] = state["label_shift.weight"].unflatten(0, (2, count))[:, :-1].flatten(0, 1)
        short["linear"] = state["linear"][:-1, :-1]
        cut.load_state_dict(short)
        shorter = [cut(both[:, :-1], condition(2)) for both in (traits, changed)]
    torch.testing.assert_close(*shorter)
    assert bool((last != 0).all())


def test_training_teaches_what_a_label_means_for_traits_that_hang_together():
    """Label 0: about -1, label 1: about 1; the second trait is the first one again."""
    generator = np.random.default_rng(0)
    side = 2.0 * (np.arange(400) % 2) - 1
    first = side + 0.3 * generator.standard_normal(400)
    traits = torch.from_numpy(np.stack([first, first + 0.1 * generator.standard_normal(400)], 1)).float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = TraitModel(2, 2, width=32, dropout=0.0)
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        for _ in range(150):
            optimizer.zero_grad()
            model(traits, condition(400)).mean().backward()
            optimizer.step()
    drawn = model.eval().sample(condition(400), uniform_noise([[0, n] for n in range(400)], 2), WIDE).numpy()
    assert np.abs(drawn[side < 0].mean(0) + 1).max() < 0.15 and np.abs(drawn[side > 0].mean(0) - 1).max() < 0.15
    assert np.corrcoef(drawn.T)[0, 1] > 0.9 and np.std(drawn[:, 1] - drawn[:, 0]) < 0.3


def test_the_sketch_of_a_recording_is_what_is_measured_of_it(simulated_store: RecordStore):
    signal = simulated_store.signals(np.arange(30))
    peaks = [find_r_peaks(record, 100) for record in signal]
    measures = np.stack([measure(record, own, 100) for record, own in zip(signal, peaks, strict=True)])
    basis = TraitBasis.fit(measures, COMPONENTS)
    model = SketchModel(classes=2, groups=0, frames=125, components=COMPONENTS, sampling_rate=100, hop_length=8)
    model.offset.copy_(torch.from_numpy(basis.offset))
    model.projection.copy_(torch.from_numpy(basis.projection))
    model.limits.copy_(torch.from_numpy(basis.limits))
    found = model.measured(signal)
    assert isinstance(found, Sketch)
    np.testing.assert_allclose(found.traits.numpy(), basis.traits(measures), atol=1e-6)
    np.testing.assert_allclose(found.times[4, : len(peaks[4])].numpy(), peaks[4] / 8)
    assert bool(found.times[4, len(peaks[4]) :].isnan().all())
