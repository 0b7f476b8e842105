"""Sampling: the cache changes nothing, draws follow the distribution, and records do not depend on each other."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from torch import Tensor

from vqecg.prior.conditioning import Condition
from vqecg.prior.config import ECGPriorConfig, SamplingSettings
from vqecg.prior.modeling import ECGPrior, delay, undelay
from vqecg.prior.sampling import draw, invert, record_noise, sample, sample_codes
from vqecg.prior.sketch.layout import PLAIN as PLAIN_TRAITS
from vqecg.prior.sketch.sketch import Sketch

FRAMES, LEVELS, CODES, COMPONENTS = 10, 3, 16, 4
PLAIN = SamplingSettings()


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def prior(request: pytest.FixtureRequest) -> ECGPrior:
    """A prior with weights large enough that its logits differ, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = ECGPriorConfig(
            class_names=("NORM", "MI"),
            codebook_size=CODES,
            levels=LEVELS,
            frames=FRAMES,
            backbone=request.param,
            width=16,
            layers=2,
            heads=2,
            components=COMPONENTS,
        )
        prior = ECGPrior(config)
        for parameter in prior.parameters():
            parameter.data += 0.3 * torch.randn(parameter.shape)
    return prior.eval()


def condition(batch: int) -> Condition:
    return Condition(
        torch.eye(2)[torch.arange(batch) % 2],
        {"age": torch.linspace(20, 90, batch), "sex": torch.arange(batch) % 3},
        torch.zeros(batch, dtype=torch.bool),
    )


def sketch(batch: int) -> Sketch:
    """Two beats a record, the later the record the later they are, and rising traits."""
    times = torch.stack([torch.linspace(0.5, 2, batch), torch.linspace(4, 9, batch)], dim=1)
    return Sketch(times, torch.linspace(-1, 1, batch)[:, None].repeat(1, PLAIN_TRAITS + COMPONENTS))


def noise(batch: int, seed: int = 0) -> Tensor:
    return record_noise(seed, 0, batch, FRAMES + LEVELS - 1, LEVELS)


def teacher_forced(prior: ECGPrior, codes: Tensor, noise: Tensor, settings: SamplingSettings) -> Tensor:
    """The codes that the same noise would draw at each step from a full forward pass over `codes`, no cache."""
    batch = len(codes)
    with torch.inference_mode():
        delayed = delay(codes, CODES)
        return undelay(draw(prior.step_logits(delayed, sketch(batch)), noise, settings))


@pytest.mark.parametrize(
    "settings", [PLAIN, SamplingSettings(temperature=1e-3), SamplingSettings(temperature=0.8, top_p=0.9)]
)
def test_sampling_with_the_cache_equals_a_full_forward_pass(prior: ECGPrior, settings: SamplingSettings):
    codes = sample_codes(prior, sketch(4), noise(4), settings)
    assert torch.equal(codes, teacher_forced(prior, codes, noise(4), settings))


def test_the_coldest_draw_is_the_likeliest_code(prior: ECGPrior):
    cold = SamplingSettings(temperature=1e-5)
    codes = sample_codes(prior, sketch(4), noise(4), cold)
    with torch.inference_mode():
        likeliest = undelay(prior.step_logits(delay(codes, CODES), sketch(4)).argmax(-1))
    assert torch.equal(codes, likeliest)
    assert torch.equal(codes, sample_codes(prior, sketch(4), noise(4, seed=1), cold))


def test_codes_have_their_shape_and_lie_in_the_codebook(prior: ECGPrior):
    codes = sample(prior, condition(5), 0, replace(PLAIN, temperature=5.0)).codes
    assert codes.shape == (5, FRAMES, LEVELS) and codes.dtype == torch.int64
    assert int(codes.min()) >= 0 and int(codes.max()) < CODES


def test_the_same_seed_gives_the_same_codes_and_another_seed_others(prior: ECGPrior):
    first = sample(prior, condition(4), 3, PLAIN).codes
    assert torch.equal(first, sample(prior, condition(4), 3, PLAIN).codes)
    assert not torch.equal(first, sample(prior, condition(4), 4, PLAIN).codes)


def test_sampling_neither_uses_nor_moves_the_global_random_numbers(prior: ECGPrior):
    torch.manual_seed(1)
    first = sample(prior, condition(2), 3, PLAIN).codes
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(first, sample(prior, condition(2), 3, PLAIN).codes)
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)


def test_records_of_one_condition_differ(prior: ECGPrior):
    same = Condition.of(np.ones((6, 2)), {"age": np.full(6, 50.0), "sex": np.full(6, "female", object)})
    codes = sample(prior, same, 0, PLAIN).codes
    assert len({record.numpy().tobytes() for record in codes}) == 6


@pytest.mark.parametrize("batch_size", [1, 3])
def test_records_do_not_depend_on_the_batch_size(prior: ECGPrior, batch_size: int):
    whole = sample(prior, condition(5), 0, PLAIN).codes
    assert torch.equal(sample(prior, condition(5), 0, replace(PLAIN, batch_size=batch_size)).codes, whole)


def test_a_set_made_in_parts_is_the_set_made_at_once(prior: ECGPrior):
    whole, all_of_it = sample(prior, condition(5), 0, PLAIN).codes, condition(5)
    assert torch.equal(sample(prior, all_of_it[2:], 0, PLAIN, first=2).codes, whole[2:])


def test_no_records_are_no_codes(prior: ECGPrior):
    assert sample(prior, condition(0), 0, PLAIN).codes.shape == (0, FRAMES, LEVELS)


def test_inverting_noise_draws_the_distribution():
    probability = torch.tensor([0.4, 0.0, 0.3, 0.2, 0.1])
    uniform = torch.rand(20_000, generator=torch.Generator().manual_seed(0))
    drawn = draw(probability.log().expand(20_000, 5), uniform, PLAIN)
    counts = np.bincount(drawn.numpy(), minlength=5)
    assert counts[1] == 0
    assert chisquare(counts[[0, 2, 3, 4]], 20_000 * np.array([0.4, 0.3, 0.2, 0.1])).pvalue > 0.01


def test_temperature_and_top_p_draw_the_distribution_they_promise():
    probability = torch.tensor([0.1, 0.4, 0.2, 0.3])
    uniform = torch.rand(20_000, generator=torch.Generator().manual_seed(0))
    logits = probability.log().expand(20_000, 4)
    flat = np.bincount(draw(logits, uniform, replace(PLAIN, temperature=2.0)).numpy(), minlength=4)
    expected = probability.double().sqrt().numpy()
    assert chisquare(flat, 20_000 * expected / expected.sum()).pvalue > 0.01
    cut = np.bincount(draw(logits, uniform, replace(PLAIN, top_p=0.6)).numpy(), minlength=4)
    assert cut[0] == cut[2] == 0
    assert chisquare(cut[[1, 3]], 20_000 * np.array([4, 3]) / 7).pvalue > 0.01


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), codes=st.integers(2, 300), spread=st.floats(0.1, 50), top_p=st.floats(1e-6, 1.0))
def test_draws_stay_in_the_codebook_and_in_the_mass_that_is_kept(seed: int, codes: int, spread: float, top_p: float):
    generator = torch.Generator().manual_seed(seed)
    logits = spread * torch.randn(32, codes, generator=generator)
    uniform = torch.rand(32, generator=generator)
    uniform[0], uniform[1] = 0.0, 1 - 2**-24  # the ends of what a float32 generator gives
    drawn = draw(logits, uniform, replace(PLAIN, top_p=top_p))
    probability = logits.softmax(-1)
    own = probability.gather(1, drawn[:, None])
    assert int(drawn.min()) >= 0 and int(drawn.max()) < codes
    assert bool((own > 0).all())
    likelier = (probability * (probability > own)).sum(1)
    assert bool((likelier < top_p + 1e-5).all())


def test_the_smallest_top_p_keeps_the_likeliest():
    logits = torch.tensor([[0.0, 3.0, 1.0]]).expand(50, 3)
    drawn = draw(logits, torch.linspace(0, 0.999, 50), replace(PLAIN, top_p=1e-9))
    assert drawn.unique().tolist() == [1]


def test_inversion_meets_the_edges():
    mass = torch.tensor([[0.0, 0.5, 0.0, 0.5, 0.0]]).expand(4, 5)
    assert invert(mass, torch.tensor([0.0, 0.499, 0.5, 1.0])).tolist() == [1, 1, 3, 3]


def test_each_record_has_its_own_stream_of_noise():
    whole = record_noise(0, 0, 5, 20, 3)
    assert whole.shape == (5, 20, 3) and whole.dtype == torch.float32
    assert torch.equal(record_noise(0, 2, 3, 20, 3), whole[2:])
    assert float(whole.min()) >= 0 and float(whole.max()) < 1
    assert len(whole.flatten().unique()) > 290
