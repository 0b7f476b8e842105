"""The prior: the delay pattern, causality, and what its condition does."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vqecg.prior.conditioning import Condition
from vqecg.prior.config import ECGPriorConfig
from vqecg.prior.modeling import ECGPrior, delay, undelay
from vqecg.prior.sketch.layout import PLAIN
from vqecg.prior.sketch.sketch import Sketch
from vqecg.prior.sketch.traits import TraitBasis
from vqecg.training.checkpoint import fingerprint

FRAMES, LEVELS, CODES, DIMENSION, COMPONENTS = 12, 3, 16, 8, 4
TRAITS = PLAIN + COMPONENTS


def new_prior(backbone: str = "gpt2", **settings: Any) -> ECGPrior:
    """A prior with weights large enough that its logits differ, in evaluation mode."""
    shape: dict[str, Any] = {"codebook_size": CODES, "code_dimension": DIMENSION, "levels": LEVELS, "frames": FRAMES}
    shape |= {"width": 16, "layers": 2, "heads": 2, "components": COMPONENTS}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        prior = ECGPrior(ECGPriorConfig(class_names=("NORM", "MI"), backbone=backbone, **(shape | settings)))
        for parameter in prior.parameters():
            parameter.data += 0.3 * torch.randn(parameter.shape)
        prior.set_code_vectors(torch.randn(LEVELS, CODES, DIMENSION))
    return prior.eval()


def codes(batch: int = 2, seed: int = 0) -> Tensor:
    return torch.randint(CODES, (batch, FRAMES, LEVELS), generator=torch.Generator().manual_seed(seed))


def condition(
    batch: int = 2, label: int = 0, age: float = 60.0, sex: str = "female", hidden: bool = False
) -> Condition:
    attributes = {"age": np.full(batch, age), "sex": np.full(batch, sex, object)}
    return Condition.of(np.eye(2)[np.full(batch, label)], attributes, np.full(batch, hidden))


def sketch(batch: int = 2, first: float = 1.5, trait: float = 0.5) -> Sketch:
    """Two beats a record and room for a third, and traits that are all alike."""
    return Sketch(torch.tensor([[first, 7.25, math.nan]]).repeat(batch, 1), torch.full((batch, TRAITS), trait))


@pytest.fixture(params=["gpt2", "llama"])
def prior(request: pytest.FixtureRequest) -> ECGPrior:
    return new_prior(request.param)


@settings(deadline=None, max_examples=20)
@given(batch=st.integers(0, 3), frames=st.integers(1, 9), levels=st.integers(1, 5), seed=st.integers(0, 5))
def test_undelay_is_the_reverse_of_delay(batch: int, frames: int, levels: int, seed: int):
    original = torch.randint(7, (batch, frames, levels), generator=torch.Generator().manual_seed(seed))
    delayed = delay(original, empty=7)
    assert delayed.shape == (batch, frames + levels - 1, levels)
    assert torch.equal(undelay(delayed), original)
    assert int((delayed == 7).sum()) == batch * levels * (levels - 1)


def test_level_q_stands_q_steps_late():
    original = torch.tensor([[[1, 2, 3], [4, 5, 6]]])
    assert delay(original, 0)[0].tolist() == [[1, 0, 0], [4, 2, 0], [0, 5, 3], [0, 0, 6]]


def test_the_loss_is_the_mean_negative_log_likelihood_of_the_codes(prior: ECGPrior):
    output = prior(codes(), sketch())
    logits = prior.step_logits(delay(codes(), CODES), sketch())
    negative = torch.zeros(2, FRAMES, LEVELS)
    for level in range(LEVELS):
        likelihood = logits[:, level : level + FRAMES, level].log_softmax(-1)
        negative[..., level] = -likelihood.gather(-1, codes()[..., level, None])[..., 0]
    drawn = prior.sketch(sketch(), condition())
    torch.testing.assert_close(output.code_loss, negative.mean())
    torch.testing.assert_close(output.level_losses, negative.mean((0, 1)))
    torch.testing.assert_close(output.record_losses, negative.sum((1, 2)))
    whole = prior.negative_log_likelihood(codes(), condition(), sketch())
    torch.testing.assert_close(whole, negative.sum((1, 2)) + drawn.beats + drawn.traits)


def test_a_beat_changes_the_codes_around_it_and_not_those_of_frames_that_know_nearer_ones(prior: ECGPrior):
    delayed = delay(codes(), CODES)
    told, moved = (prior.step_logits(delayed, sketch(first=first)) for first in (1.5, 3.0))
    assert not torch.allclose(told[:, 0], moved[:, 0], atol=1e-3)
    silent = replace(sketch(), times=torch.full((2, 3), math.nan))
    assert bool(prior.step_logits(delayed, silent).isfinite().all())


def test_a_trait_changes_every_code(prior: ECGPrior):
    delayed = delay(codes(), CODES)
    told, other = (prior.step_logits(delayed, sketch(trait=trait)) for trait in (0.5, -0.5))
    assert bool((told - other).abs().amax((0, 2, 3)).gt(1e-3).all())


def test_traits_are_blurred_in_training_alone():
    prior = new_prior(dropout=0.0)
    still = [prior.embed_context(sketch()) for _ in range(2)]
    assert torch.equal(*still)
    prior.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        blurred = [prior.embed_context(sketch()) for _ in range(2)]
    assert not torch.equal(*blurred)
    exact = new_prior(dropout=0.0, trait_noise=0.0).train()
    torch.testing.assert_close(exact.embed_context(sketch()), still[0])


def test_a_basis_of_another_shape_is_refused(prior: ECGPrior):
    with pytest.raises(ValueError, match="got a basis of shape"):
        prior.set_trait_basis(
            TraitBasis(*(np.zeros(shape, np.float32) for shape in (30, (30, 20), (4, 6), (2, 20), (0, 6))))
        )


def test_a_new_prior_knows_nothing():
    torch.manual_seed(0)
    shape: dict[str, Any] = {"codebook_size": 64, "levels": 2, "frames": 20, "width": 32, "layers": 1}
    fresh = ECGPrior(ECGPriorConfig(class_names=("NORM", "MI"), components=COMPONENTS, **shape)).eval()
    output = fresh(torch.randint(64, (4, 20, 2)), sketch(4))
    assert float(output.code_loss.detach()) == pytest.approx(math.log(64), rel=0.02)


@pytest.mark.parametrize("step", [0, 3, FRAMES + LEVELS - 2])
def test_a_step_depends_on_the_steps_before_it_only(prior: ECGPrior, step: int):
    delayed = delay(codes(), CODES)
    changed = delayed.clone()
    changed[:, step] = (changed[:, step] + 1) % (CODES + 1)
    before, after = (prior.step_logits(steps, sketch()) for steps in (delayed, changed))
    torch.testing.assert_close(after[:, : step + 1], before[:, : step + 1], rtol=0, atol=1e-5)
    assert step + 1 == before.shape[1] or not torch.allclose(after[:, step + 1], before[:, step + 1], atol=1e-3)


def test_a_later_code_does_not_change_the_loss_of_earlier_ones(prior: ECGPrior):
    changed = codes()
    changed[:, 8:] = (changed[:, 8:] + 1) % CODES
    first, second = (prior.step_logits(delay(c, CODES), sketch()) for c in (codes(), changed))
    torch.testing.assert_close(first[:, :9, 0], second[:, :9, 0], rtol=0, atol=1e-5)


def test_a_deeper_level_sees_the_coarser_code_of_its_own_frame(prior: ECGPrior):
    frame, changed = 4, codes()
    changed[:, frame, 0] = (changed[:, frame, 0] + 1) % CODES
    first, second = (prior.step_logits(delay(c, CODES), sketch()) for c in (codes(), changed))
    assert not torch.allclose(first[:, frame + 1, 1], second[:, frame + 1, 1], atol=1e-3)


def test_a_hidden_condition_is_the_null_whatever_it_would_have_been(prior: ECGPrior):
    one = prior.negative_log_likelihood(codes(), condition(label=0, hidden=True), sketch())
    other = prior.negative_log_likelihood(codes(), condition(label=1, age=20.0, sex="male", hidden=True), sketch())
    assert torch.equal(one, other)
    embedding = prior.sketch.traits.condition
    embedded = embedding(condition(hidden=True))
    torch.testing.assert_close(embedded, embedding.null.expand_as(embedded))


@pytest.mark.parametrize(
    "change", [{"label": 1}, {"age": 20.0}, {"age": math.nan}, {"sex": "male"}, {"sex": "unknown"}, {"hidden": True}]
)
def test_label_age_sex_and_hiding_each_change_the_likelihood(change: dict[str, Any]):
    prior = new_prior()
    with torch.no_grad():
        given, changed = (
            prior.negative_log_likelihood(codes(), one, sketch()) for one in (condition(), condition(**change))
        )
    assert bool((given - changed).abs().gt(1e-2).all())


def test_an_unknown_age_gives_finite_gradients():
    prior = new_prior().train()
    prior.negative_log_likelihood(codes(), condition(age=math.nan), sketch()).sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in prior.parameters() if p.grad is not None)


def test_every_trained_weight_takes_part(prior: ECGPrior):
    prior(codes(), sketch()).code_loss.backward()
    silent = [name for name, p in prior.named_parameters() if p.requires_grad and p.grad is None]
    # several processes would wait for them; sketch and detail are trained by themselves
    assert all(name.startswith(("sketch.", "detail.")) for name in silent)
    assert sum(not p.requires_grad for p in prior.parameters()) == 1  # the backbone's own token table


def test_records_do_not_see_each_other(prior: ECGPrior):
    likelihood = prior.negative_log_likelihood
    both = likelihood(codes(), condition(), sketch())
    alone = torch.cat([likelihood(codes()[n : n + 1], condition(1), sketch(1)) for n in range(2)])
    torch.testing.assert_close(both, alone)


def test_codes_with_the_same_vector_differ_by_the_free_table_alone(prior: ECGPrior):
    twins = torch.randn(LEVELS, CODES, DIMENSION)
    twins[:, 5] = twins[:, 3]
    prior.set_code_vectors(twins)
    prior.head.weight.data.zero_()
    prior.head.bias.data.zero_()
    logits = prior.step_logits(delay(codes(), CODES), sketch())
    assert torch.allclose(logits[..., 5], logits[..., 3])
    assert not torch.allclose(logits[..., 4], logits[..., 3])


def test_code_vectors_of_another_shape_are_refused(prior: ECGPrior):
    with pytest.raises(ValueError, match=r"expected \(3, 16, 8\)"):
        prior.set_code_vectors(torch.zeros(LEVELS, CODES, DIMENSION + 1))


@pytest.mark.parametrize("shape", [(2, FRAMES, LEVELS + 1), (2, FRAMES - 1, LEVELS), (FRAMES, LEVELS)])
def test_codes_of_another_shape_are_refused(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match="12 frames, 3 levels"):
        new_prior()(torch.zeros(shape, dtype=torch.int64), sketch())


def test_a_prior_comes_back_with_the_same_logits(prior: ECGPrior, tmp_path: Path):
    prior.save_pretrained(tmp_path)
    loaded = ECGPrior.from_pretrained(tmp_path)
    assert loaded.config == prior.config and fingerprint(loaded) == fingerprint(prior)
    delayed = delay(codes(), CODES)
    again = loaded.step_logits(delayed, sketch())
    assert torch.equal(again, prior.step_logits(delayed, sketch()))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: ECGPriorConfig(), "class_names is empty"),
        (
            lambda: ECGPriorConfig(class_names=("A",), backbone="mamba"),
            "backbone 'mamba' is unknown; expected one of",
        ),
        (lambda: ECGPriorConfig(class_names=("A",), width=30, heads=4), "width 30 does not split into 4 heads"),
    ],
)
def test_impossible_settings_are_refused(wrong: Callable[[], ECGPriorConfig], told: str):
    with pytest.raises(ValueError, match=told):
        wrong()
