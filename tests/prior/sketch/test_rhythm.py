"""The rhythm model: a true likelihood, samples that follow it, and what a frame is told of the beats around it."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vqecg.prior.conditioning import Condition
from vqecg.prior.sketch.beat_kinds import AMOUNTS, BeatKinds, amount_of
from vqecg.prior.sketch.mixture import uniform_noise
from vqecg.prior.sketch.rhythm import RhythmModel, beat_distances, most_beats, move_beats, pad_kinds, pad_times

FRAMES = 125
BEATS = most_beats(FRAMES)


def new_model(seed: int = 0) -> RhythmModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = RhythmModel(2, FRAMES)
        model.mixture.weight.data.normal_(std=0.3)
    return model.eval()


def condition(batch: int, label: int = 0) -> Condition:
    labels = torch.eye(2)[torch.full((batch,), label)]
    return Condition.of(labels.numpy(), {"age": np.full(batch, 50.0), "sex": np.full(batch, "female", object)})


def told(model: RhythmModel, batch: int, rate: float = 0.0) -> Tensor:
    """What the model is told of label 0 and of a heart `rate` standard deviations slower than the mean."""
    return model.context(condition(batch), torch.tensor([[rate, 0.0, 9.0]]).repeat(batch, 1))


def noise(seed: int, first: int, count: int) -> Tensor:
    return uniform_noise([[seed, first + n] for n in range(count)], BEATS)


def test_the_likelihood_of_where_the_only_beat_is_and_of_no_beat_sums_to_one():
    """In a record so short that a second beat cannot follow: one beat anywhere, or none."""
    model = new_model()
    model.frames = 2
    grid = (torch.arange(4000) + 0.5) / 2000  # frames
    with torch.no_grad():
        log_interval = -model(grid[:, None], told(model, 4000))  # density over the logarithm of the time
        none = -model(torch.full((1, 1), math.nan), told(model, 1))
        first, _ = model.recurrence(model.inputs(torch.zeros(1, 1), told(model, 1)))
        mixture = model.mixture_after(first, torch.zeros(1, 1))
        z = ((grid / 10).log()[:, None] - mixture.mean[0, 0]) / mixture.scale[0, 0]
        parts = mixture.log_weight[0, 0] - z - mixture.scale[0, 0].log() - 2 * torch.nn.functional.softplus(-z)
        density = parts.logsumexp(-1)
    mass = float((density.exp() / grid).sum() / 2000)
    assert mass + float(none.exp()) == pytest.approx(1, abs=0.01)
    inside = grid > 0.1  # below, an interval counts as the shortest there is
    assert bool((log_interval <= density + 1e-4)[inside].all())  # surviving to the end costs something


def test_later_beats_do_not_change_what_earlier_ones_cost():
    model = new_model()
    early = torch.tensor([[5.0, 15.0, 26.0, math.nan]])
    with torch.no_grad():
        states = [model.recurrence(model.inputs(times, told(model, 1)))[0][:, :3] for times in (early, early + 0)]
        late = early.clone()
        late[0, 2] = 40.0
        changed = model.recurrence(model.inputs(torch.nan_to_num(late), told(model, 1)))[0][:, :2]
    torch.testing.assert_close(states[0][:, :2], changed)


def test_samples_have_the_likelihood_of_their_own_model():
    """A model that is sure of an interval of 10 frames draws it."""
    model = new_model()
    model.mixture.weight.data.zero_()
    model.mixture.bias.data.copy_(torch.cat([torch.zeros(6), torch.zeros(6), torch.full((6,), -6.0)]))
    times, _ = model.sample(told(model, 3), noise(0, 0, 3))
    assert times.shape == (3, BEATS)
    beats = times.isfinite().sum(1)
    assert ((beats >= 11) & (beats <= 13)).all()
    np.testing.assert_allclose(np.diff(times[:, :11].numpy()), 10, atol=0.7)


def test_an_interval_costs_what_it_adds_to_the_one_before():
    """A beat as late as the last one is likelier than one a tenth later, wherever in the record it is."""
    model = new_model()
    model.mixture.weight.data.zero_()
    steady, late = torch.tensor([[30.0, 45.0, 60.0]]), torch.tensor([[30.0, 45.0, 61.5]])
    with torch.no_grad():
        assert float(model(steady, told(model, 1))) < float(model(late, told(model, 1)))


@pytest.mark.slow
@pytest.mark.parametrize("teacher", ["label", "rate"])
def test_training_teaches_the_interval_that_a_label_or_a_rate_means(teacher: str):
    """0: every 8 frames, 1: every 16."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = RhythmModel(2, FRAMES, width=32)
    generator = np.random.default_rng(0)
    slow = np.arange(64) % 2
    interval = np.where(slow, 16.0, 8.0)[:, None] * np.exp(0.03 * generator.standard_normal((64, BEATS)))
    times = np.cumsum(interval, axis=1).astype(np.float32)
    times[times >= FRAMES] = np.nan
    labels = torch.eye(2)[torch.from_numpy(slow if teacher == "label" else 0 * slow)]
    asked = Condition.of(labels.numpy(), {"age": np.full(64, 50.0), "sex": np.full(64, "female", object)})
    traits = torch.zeros(64, 3)
    if teacher == "rate":
        traits[:, 0] = torch.from_numpy(2.0 * slow - 1)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(120):
        optimizer.zero_grad()
        model(torch.from_numpy(times), model.context(asked, traits)).mean().backward()
        optimizer.step()
    drawn = model.eval().sample(model.context(asked, traits), noise(0, 0, 64))[0].numpy()
    for which, expected in ((0, 8), (1, 16)):
        assert np.nanmedian(np.diff(drawn[slow == which], axis=1)) == pytest.approx(expected, rel=0.1)


def test_a_record_has_its_own_stream_whatever_the_batch():
    model = new_model()
    whole, _ = model.sample(told(model, 4), noise(1, 0, 4))
    torch.testing.assert_close(model.sample(told(model, 2), noise(1, 2, 2))[0], whole[2:], equal_nan=True)


def test_a_frame_is_told_the_beats_around_it_in_eighths():
    found = beat_distances(torch.tensor([[1.5, 4.0, math.nan]]), 6, bins=100)[0]
    assert found[:, 1].tolist() == [12, 4, 16, 8, 0, 99]  # until the next beat from the frame's start
    assert found[:, 0].tolist() == [99, 99, 4, 12, 20, 8]  # since the last beat before it


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(0, 124.5, width=32), max_size=30), st.integers(8, 200))
def test_distances_fit_their_bins_whatever_the_beats(times: list[float], bins: int):
    padded = torch.full((1, 31), math.nan)
    padded[0, : len(times)] = torch.tensor(sorted(times))
    found = beat_distances(padded, FRAMES, bins)
    assert found.shape == (1, FRAMES, 2) and int(found.min()) >= 0 and int(found.max()) < bins


def test_peaks_in_samples_become_times_in_frames_and_move_with_the_record():
    times = pad_times([np.array([8, 84]), np.array([], np.int64)], hop_length=8, frames=FRAMES)
    assert times.shape == (2, BEATS) and times[0, :2].tolist() == [1, 10.5] and np.isnan(times[1]).all()
    kinds = pad_kinds([np.array([False, True]), np.zeros(0, bool)], FRAMES)
    assert kinds.shape == times.shape and kinds.sum() == 1 and kinds[0, 1]
    moved, kept = move_beats(times, kinds, np.array([2.0, 0.0]), FRAMES)
    assert moved[0, 0] == 8.5 and np.isnan(moved[0, 1:]).all()  # the first is now before the start
    assert kept[0, 0] and kept.sum() == 1, "a kind goes with its beat"


def test_more_peaks_than_a_record_has_room_for_are_refused():
    assert most_beats(4) == 3
    with pytest.raises(ValueError, match="record 0 has 4 R peaks in 4 frames; expected at most 3"):
        pad_times([np.arange(4)], hop_length=1, frames=4)


def test_gradients_are_finite_with_a_beat_at_the_very_end_and_without_beats():
    model = new_model().train()
    times: Tensor = torch.tensor([[0.0, 124.99], [math.nan, math.nan]])
    model(times, told(model, 2)).sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)


def with_kinds(seed: int = 0) -> tuple[RhythmModel, BeatKinds]:
    """A model of beats of two kinds, each of intervals of its own, and its part that knows them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = RhythmModel(2, FRAMES, kinds=True)
        model.mixture.weight.data.normal_(std=0.3)
        assert model.kinds is not None
        for part in (model.kinds.kind.weight, model.kinds.of_kind.weight, model.kinds.of_amount.weight):
            part.data.normal_(std=0.3)
    return model.eval(), model.kinds


def test_the_likelihood_of_the_first_beat_of_either_kind_and_of_no_beat_sums_to_one():
    """A record of one beat has all or none of the other kind, so its amount and its kind are one."""
    model, kinds = with_kinds()
    model.frames = 2
    grid = (torch.arange(4000) + 0.5) / 2000  # frames
    masses = []
    with torch.no_grad():
        for kind in (0, 1):
            amount = amount_of(torch.full((1, 1), bool(kind)), torch.ones(1, 1, dtype=torch.bool))
            context = told(model, 1) + kinds.of_amount(amount)
            first, _ = model.recurrence(model.inputs(torch.zeros(1, 1), context))
            mixture = model.mixture_after(first + kinds.of_kind.weight[kind], torch.zeros(1, 1))
            density = mixture.log_density((grid / 10).log()[:, None, None])[:, 0, 0]
            density = density + kinds.log_kinds(first)[kind, 0, 0] + kinds.log_amounts(told(model, 1))[0, amount]
            likelihood = -model(grid[:, None], told(model, 4000), torch.full((4000, 1), bool(kind)))
            inside = grid > 0.1  # below, an interval counts as the shortest there is
            assert bool((likelihood <= density + 1e-4)[inside].all())  # surviving to the end costs something
            masses.append(float((density.exp() / grid).sum() / 2000))
            chance = float((kinds.log_kinds(first)[kind, 0, 0] + kinds.log_amounts(told(model, 1))[0, amount]).exp())
            assert 0 < masses[-1] < chance
        none = -model(torch.full((1, 1), math.nan), told(model, 1), torch.zeros(1, 1, dtype=torch.bool))
        context = told(model, 1) + kinds.of_amount.weight[:1]
        first, _ = model.recurrence(model.inputs(torch.zeros(1, 1), context))
        survivals = [
            model.mixture_after(first + shift, torch.zeros(1, 1)).log_survival(torch.full((1, 1), math.log(0.2)))
            for shift in kinds.of_kind.weight
        ]
        either = (kinds.log_kinds(first) + torch.stack(survivals)).logsumexp(0)[0, 0]
    torch.testing.assert_close(none[0], either + kinds.log_amounts(told(model, 1))[0, 0])


def test_amounts_and_kinds_are_drawn_as_often_as_the_model_says_and_only_where_there_is_a_beat():
    model, kinds = with_kinds()
    kinds.kind.weight.data.zero_()
    kinds.kind.bias.data.fill_(math.log(0.2 / 0.8))
    draws = uniform_noise([[3, n] for n in range(200)], 1 + BEATS)[..., 0]
    times, drawn = model.sample(told(model, 200), noise(0, 0, 200), draws)
    assert drawn is not None and not bool(drawn[~times.isfinite()].any())
    assert float(drawn[times.isfinite()].float().mean()) == pytest.approx(0.2, abs=0.03)
    amounts = kinds.draw_amount(told(model, 1).expand(4000, -1), (torch.arange(4000) + 0.5) / 4000)
    expected = kinds.log_amounts(told(model, 1))[0].exp().detach().numpy()
    np.testing.assert_allclose(np.bincount(amounts.numpy(), minlength=len(AMOUNTS) + 1) / 4000, expected, atol=1e-3)


def test_guidance_moves_amounts_further_from_those_of_an_unknown_record():
    _, kinds = with_kinds()
    asked, unknown = (torch.randn(1, 64, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    uniform = (torch.arange(2000) + 0.5) / 2000

    def shares(guidance: float) -> np.ndarray:
        drawn = kinds.draw_amount(asked.expand(2000, -1), uniform, unknown.expand(2000, -1), guidance)
        return np.bincount(drawn.numpy(), minlength=len(AMOUNTS) + 1) / 2000

    with torch.no_grad():
        one, base = (kinds.log_amounts(context)[0].exp().numpy() for context in (asked, unknown))
        np.testing.assert_allclose(shares(1.0), one, atol=2e-3)
        np.testing.assert_allclose(shares(0.0), base, atol=2e-3)
        further = one**2 / base
        np.testing.assert_allclose(shares(2.0), further / further.sum(), atol=2e-3)


def test_a_model_with_kinds_does_not_draw_without_noise_for_them():
    model, _ = with_kinds()
    with pytest.raises(ValueError, match="expected noise for them: give of_kinds"):
        model.sample(told(model, 1), noise(0, 0, 1))


def test_no_kinds_are_usual_ones():
    model, _ = with_kinds()
    times = torch.tensor([[5.0, 15.0, 26.0]])
    with torch.no_grad():
        usual = model(times, told(model, 1), torch.zeros(1, 3, dtype=torch.bool))
        torch.testing.assert_close(model(times, told(model, 1)), usual)


def test_an_amount_is_the_share_of_the_beats_there_are():
    known = torch.ones(5, 20, dtype=torch.bool)
    known[:, 10:] = False
    unlike = torch.arange(20) < torch.tensor([[0], [1], [2], [3], [9]])
    assert amount_of(unlike, known).tolist() == [0, 2, 3, 3, 4]
    assert amount_of(unlike[:1], known[:1] & False).tolist() == [0]


@pytest.mark.slow
def test_training_teaches_that_a_beat_of_another_kind_comes_early():
    """Every fifth beat of label 0 is unlike the others and comes in half the time; label 1 has none."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = RhythmModel(2, FRAMES, width=32, kinds=True)
    generator, label = np.random.default_rng(0), np.arange(64) % 2
    unlike = (generator.random((64, BEATS)) < 0.2) & (label == 0)[:, None]
    interval = np.where(unlike, 5.0, 10.0) * np.exp(0.03 * generator.standard_normal((64, BEATS)))
    times = np.cumsum(interval, axis=1).astype(np.float32)
    times[times >= FRAMES] = np.nan
    beats = torch.from_numpy(times), torch.from_numpy(unlike & np.isfinite(times))
    attributes = {"age": np.full(64, 50.0), "sex": np.full(64, "female", object)}
    asked = Condition.of(np.eye(2, dtype=np.float32)[label], attributes)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        model(beats[0], model.context(asked, torch.zeros(64, 3)), beats[1]).mean().backward()
        optimizer.step()
    draws = uniform_noise([[3, n] for n in range(64)], 1 + BEATS)[..., 0]
    drawn, kinds = model.eval().sample(model.context(asked, torch.zeros(64, 3)), noise(0, 0, 64), draws)
    assert kinds is not None
    there = drawn.isfinite()
    shares = [float(kinds[label == which][there[label == which]].float().mean()) for which in (0, 1)]
    assert shares[0] == pytest.approx(0.2, abs=0.07) and shares[1] < 0.02
    intervals, of_kind = drawn.diff(dim=1), kinds[:, 1:]
    assert float(intervals[of_kind & there[:, 1:]].median()) == pytest.approx(5, rel=0.15)
    assert float(intervals[~of_kind & there[:, 1:]].median()) == pytest.approx(10, rel=0.1)
