"""The detail model: it adds nothing when new, learns what the deeper levels hold, and sees what it is told."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from vqecg.prior.detail.modeling import DetailModel
from vqecg.prior.detail.training import DetailLoss, corrupted, embedding_of, train_detail
from vqecg.prior.examples import CodeExamples, mean_losses
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.sketch.correction import corrected
from vqecg.prior.sketch.layout import PLAIN
from vqecg.prior.sketch.modeling import SketchModel
from vqecg.prior.sketch.sketch import Sketch
from vqecg.training.fit import FitSettings

FRAMES, HOP, LEVELS, CODES, DIMENSION, COMPONENTS = 12, 8, 4, 16, 8, 3
TRAITS = PLAIN + COMPONENTS


def new_model() -> DetailModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return DetailModel(DIMENSION, TRAITS, FRAMES, 32, HOP, width=16, blocks=2).eval()


def books() -> Tensor:
    """Codebooks of which each is half as large as the one before."""
    vectors = torch.randn(LEVELS, CODES, DIMENSION, generator=torch.Generator().manual_seed(0))
    return vectors / 2.0 ** torch.arange(LEVELS)[:, None, None]


def new_loss(corruption: float = 0.0, trait_noise: float = 0.0) -> DetailLoss:
    sketch = SketchModel(classes=1, groups=0, frames=FRAMES, components=COMPONENTS, sampling_rate=100, hop_length=HOP)
    return DetailLoss(books(), 2, corruption, sketch, trait_noise)


def examples(records: int = 64) -> CodeExamples:
    """Records whose deeper levels follow from their first trait: all codes are 0 or all are 1."""
    generator = np.random.default_rng(0)
    codes = generator.integers(CODES, size=(1, records, FRAMES, LEVELS)).astype(np.int16)
    deep = np.arange(records) % 2
    codes[..., 2:] = deep[None, :, None, None]
    traits = generator.normal(size=(1, records, TRAITS)).astype(np.float32)
    traits[0, :, 0] = 2 * deep - 1
    times = np.full((1, records, 3), math.nan, np.float32)
    times[..., 0] = 4
    return CodeExamples(
        codes,
        times,
        traits,
        np.zeros((records, 1), np.float32),
        {"age": np.zeros(records, np.float32), "sex": np.zeros(records, int)},
    )


def test_a_new_model_adds_nothing():
    sketch = Sketch(torch.full((2, 3), math.nan), torch.zeros(2, TRAITS))
    rendered = torch.randn(2, 8, FRAMES * HOP)
    assert not new_model()(torch.randn(2, FRAMES, DIMENSION), sketch, rendered).any()


def test_an_embedding_is_the_sum_of_the_vectors_of_its_codes():
    codes = torch.tensor([[[3, 5], [0, 1]]])
    expected = torch.stack([books()[0, 3] + books()[1, 5], books()[0, 0] + books()[1, 1]])[None]
    torch.testing.assert_close(embedding_of(codes, books()), expected)


def test_a_new_model_misses_what_the_deeper_levels_hold():
    batch = examples().batch(np.arange(8), np.random.default_rng(0))
    whole, first = (embedding_of(batch["codes"][..., :levels], books()) for levels in (LEVELS, 2))
    expected = ((whole - first).square().sum((1, 2)) / whole.square().sum((1, 2))).mean()
    torch.testing.assert_close(new_loss(corruption=0.5)(new_model(), batch)["loss"], expected)


def test_corrupted_codes_are_near_ones_in_the_share_asked_for():
    codes = torch.randint(CODES, (50, FRAMES, 2), generator=torch.Generator().manual_seed(1))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = corrupted(codes, books(), 0.25)
        assert torch.equal(corrupted(codes, books(), 0.0), codes)
    changed = found != codes
    assert float(changed.float().mean()) == pytest.approx(0.25, abs=0.04)
    moved = (books()[0][found[..., 0]] - books()[0][codes[..., 0]])[changed[..., 0]].norm(dim=-1).mean()
    assert float(moved) < float(torch.pdist(books()[0]).mean())


def test_it_learns_what_a_trait_tells_of_the_deeper_levels():
    model, data = new_model(), examples()
    settings = FitSettings(steps=60, batch_size=32, learning_rate=1e-2, warmup_steps=5, mixed_precision="no")
    loss = new_loss(trait_noise=0.1)
    before = mean_losses(model, data, loss)["loss"]
    result = train_detail(model, data, data, loss, settings, progress=False)
    assert result.best_value < 0.2 * before
    turned = replace(data, traits=-data.traits)
    assert mean_losses(model, turned, loss)["loss"] > before


def test_a_generator_adds_what_its_detail_model_says(tiny_generator: ECGGenerator):
    made = tiny_generator.generate(tiny_generator.requests(["NORM"], 3, seed=0), seed=0)
    codes = torch.from_numpy(made.codes)
    again = tiny_generator.decode(codes, made.sketch, batch_size=2)
    np.testing.assert_allclose(again, made.signal, atol=1e-5)
    with torch.inference_mode():
        embedding = tiny_generator.tokenizer.quantizer.embed(codes)
        rendered = tiny_generator.prior.sketch.rendered(made.sketch)
        added = tiny_generator.prior.detail(embedding, made.sketch, rendered)
        plain = tiny_generator.tokenizer.decode_embedding(embedding + added, tiny_generator.samples)
        expected = corrected(plain, made.sketch, tiny_generator.prior.sketch)
    assert bool(added.any()) and not torch.equal(plain, expected)
    np.testing.assert_allclose(made.signal, expected.numpy(), atol=1e-5)
