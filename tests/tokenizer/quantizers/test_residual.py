"""The residual quantizer: its start, its learning, its restarts, and that codes mean the same everywhere."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from vqecg.tokenizer.config import ECGTokenizerConfig
from vqecg.tokenizer.quantizers.base import code_usage, perplexity
from vqecg.tokenizer.quantizers.residual import ResidualQuantizer


def vectors(batch: int = 16, frames: int = 50, dimension: int = 4, seed: int = 0) -> Tensor:
    return torch.randn(batch, frames, dimension, generator=torch.Generator().manual_seed(seed))


def new_quantizer(
    levels: int, codebook_size: int, dropout: float = 0.0, dimension: int = 4, **settings: Any
) -> ResidualQuantizer:
    shape: dict[str, Any] = {"levels": levels, "codebook_size": codebook_size, "dimension": dimension}
    return ResidualQuantizer(ECGTokenizerConfig(quantizer_dropout=dropout, **shape, **settings))


def started(levels: int = 3, codebook_size: int = 16, dropout: float = 0.0, **settings: float) -> ResidualQuantizer:
    """A quantizer in training mode after one step on `vectors()`."""
    torch.manual_seed(0)
    quantizer = new_quantizer(levels, codebook_size, dropout, **settings)
    quantizer(vectors())
    return quantizer


def assert_consistent(quantizer: ResidualQuantizer) -> None:
    """Every centroid is its sum over its count."""
    torch.testing.assert_close(quantizer.codebooks, quantizer.sums / quantizer.counts[..., None], rtol=1e-5, atol=1e-6)


def test_the_kmeans_start_uses_nearly_all_codes_of_every_level():
    quantizer = started().eval()
    assert bool(quantizer.ready.all())
    assert bool((perplexity(code_usage(quantizer.encode(vectors()), 16)) > 0.75 * 16).all())


def test_the_kmeans_start_survives_the_first_moving_averages():
    quantizer = started(levels=1)
    start = quantizer.codebooks.clone()
    for _ in range(20):
        quantizer(vectors())
    moved = (quantizer.codebooks - start).norm(dim=-1).mean()
    assert moved < 0.1 * start.norm(dim=-1).mean()


def test_the_kmeans_start_finds_separate_clusters():
    centres = torch.tensor([[10.0, 0, 0, 0], [0, 10.0, 0, 0], [0, 0, 10.0, 0], [-10.0, 0, 0, 0]])
    embedding = centres[torch.arange(400) % 4].view(4, 100, 4) + 0.1 * vectors(4, 100)
    torch.manual_seed(0)
    quantizer = new_quantizer(2, 32)
    error = (quantizer(embedding).quantized - embedding).square().mean().sqrt()
    assert error < 0.1


def test_fewer_vectors_than_codes_can_start_a_level():
    torch.manual_seed(0)
    quantizer = new_quantizer(2, 64)
    output = quantizer(vectors(1, 10))
    assert bool(output.quantized.isfinite().all()) and bool(quantizer.codebooks.isfinite().all())
    assert_consistent(quantizer)


def test_a_level_starts_once():
    quantizer = started()
    quantizer.eval()
    codebooks = quantizer.codebooks.clone()
    quantizer(10 * vectors())
    assert torch.equal(quantizer.codebooks, codebooks)


def test_moving_averages_pull_a_code_to_the_mean_of_its_vectors():
    quantizer = started(levels=1, codebook_size=2, codebook_decay=0.5)
    embedding = torch.cat([vectors(1, 100) + 5, vectors(1, 100, seed=1) - 5], dim=1)
    for _ in range(40):
        output = quantizer(embedding)
    codes = output.codes[0, :, 0]
    for code in (0, 1):
        mean = embedding[0, codes == code].mean(0)
        torch.testing.assert_close(quantizer.codebooks[0, code], mean, rtol=1e-3, atol=1e-3)


def test_dead_codes_are_restarted_and_sum_count_and_centroid_agree():
    quantizer = started(codebook_decay=0.9, dead_code_threshold=0.2)
    quantizer.reset_statistics()
    narrow = vectors(seed=1) * 0.01 + 3
    for _ in range(60):
        quantizer(narrow)
        assert_consistent(quantizer)
    assert bool((quantizer.restarts > 0).all())
    assert bool((perplexity(code_usage(quantizer.encode(narrow), 16)) > 0.5 * 16).all())


def test_a_restarted_code_is_one_of_the_vectors_and_lives_on():
    quantizer = started(levels=1, codebook_size=4)
    quantizer.codebooks[0, 2] = 1000.0
    quantizer.counts[0, 2], quantizer.sums[0, 2] = 1e-3, 1.0
    embedding = vectors(seed=2)
    quantizer(embedding)
    distance = (embedding.flatten(0, 1) - quantizer.codebooks[0, 2]).norm(dim=1).min()
    assert distance < 1e-5
    restarted = quantizer.codebooks[0, 2].clone()
    quantizer(embedding)
    assert (quantizer.codebooks[0, 2] - restarted).norm() < 0.2 * restarted.norm()
    assert int(quantizer.restarts[0]) == 1


def test_encoding_gives_the_codes_of_the_forward_pass_and_decoding_its_vectors():
    quantizer = started().eval()
    embedding = vectors(seed=3)
    output = quantizer(embedding)
    assert torch.equal(quantizer.encode(embedding), output.codes)
    torch.testing.assert_close(quantizer.embed(output.codes), output.quantized)
    assert output.codes.dtype == torch.int64 and output.codes.shape == (16, 50, 3)


def test_codes_do_not_change_under_autocast():
    quantizer = started().eval()
    embedding = vectors(seed=3)
    with torch.autocast("cpu", torch.bfloat16):
        codes, output = quantizer.encode(embedding), quantizer(embedding)
    assert torch.equal(codes, quantizer.encode(embedding)) and torch.equal(output.codes, codes)
    assert output.quantized.dtype == torch.float32


def test_each_code_is_the_nearest_to_what_the_levels_before_left():
    quantizer = started().eval()
    embedding = vectors(2, 20, seed=4)
    codes, residual = quantizer.encode(embedding), embedding
    for level in range(3):
        distance = torch.cdist(residual.flatten(0, 1), quantizer.codebooks[level])
        assert torch.equal(distance.argmin(1).view(2, 20), codes[..., level])
        residual = embedding - quantizer.embed(codes[..., : level + 1])


def test_the_error_falls_with_every_level():
    quantizer = started(levels=4).eval()
    codes = quantizer.encode(vectors())
    errors = [float((vectors() - quantizer.embed(codes[..., :levels])).square().mean()) for levels in (1, 2, 3, 4)]
    assert all(later < 0.8 * earlier for earlier, later in pairwise(errors))


def test_gradients_pass_straight_through_and_commitment_pulls_to_the_codes():
    quantizer = started()
    embedding = vectors(seed=5).requires_grad_()
    output = quantizer(embedding)
    (straight,) = torch.autograd.grad(output.quantized.sum(), embedding, retain_graph=True)
    torch.testing.assert_close(straight, torch.ones_like(straight))
    (pull,) = torch.autograd.grad(output.commitment_loss, embedding)
    residual = (embedding - output.quantized).detach()
    assert float((pull * residual).sum()) > 0
    assert not any(parameter.requires_grad for parameter in quantizer.parameters())


def test_quantizer_dropout_keeps_first_levels_of_some_records_in_training_only():
    quantizer = started(dropout=0.5)
    embedding = vectors(400, 3, seed=6)
    before = {name: value.clone() for name, value in quantizer.state_dict().items()}
    output = quantizer(embedding)
    quantizer.load_state_dict(before)
    partial = torch.stack([quantizer.embed(output.codes[..., :levels]) for levels in (1, 2, 3)])
    distance = (partial - output.quantized.detach()).abs().amax((2, 3))
    assert bool((distance.min(0).values < 1e-5).all())
    kept = torch.bincount(distance.argmin(0), minlength=3) / 400
    torch.testing.assert_close(kept, torch.tensor([1 / 6, 1 / 6, 2 / 3]), atol=0.08, rtol=0)
    quantizer.eval()
    output = quantizer(embedding)
    torch.testing.assert_close(output.quantized, quantizer.embed(output.codes))


def test_usage_counts_what_training_chose_until_reset():
    quantizer = started()
    quantizer.reset_statistics()
    codes = quantizer(vectors(seed=7)).codes
    assert torch.equal(quantizer.usage, code_usage(codes, 16))
    quantizer.eval()
    quantizer(vectors(seed=8))
    assert int(quantizer.usage.sum()) == 3 * 16 * 50
    quantizer.reset_statistics()
    assert int(quantizer.usage.sum()) == 0 and int(quantizer.restarts.sum()) == 0
    assert "usage" not in quantizer.state_dict()


def test_all_that_was_learned_is_in_the_state_the_started_flag_too():
    quantizer = started()
    other = new_quantizer(3, 16)
    other.load_state_dict(quantizer.state_dict())
    torch.manual_seed(1)
    first = quantizer(vectors(seed=9))
    torch.manual_seed(1)
    second = other(vectors(seed=9))
    assert torch.equal(first.codes, second.codes) and torch.equal(quantizer.codebooks, other.codebooks)


def test_the_same_seed_gives_the_same_bits():
    first, second = started(dropout=0.5), started(dropout=0.5)
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())


def test_perplexity_runs_from_one_code_to_all_even():
    usage = torch.tensor([[8, 0, 0, 0], [2, 2, 2, 2], [4, 4, 0, 0], [0, 0, 0, 0]])
    torch.testing.assert_close(perplexity(usage), torch.tensor([1.0, 4.0, 2.0, 1.0], dtype=torch.float64))


def test_code_usage_counts_each_level_apart():
    codes = torch.tensor([[[0, 1], [0, 2]], [[1, 1], [0, 1]]])
    assert code_usage(codes, 3).tolist() == [[3, 1, 0], [0, 3, 1]]


@pytest.mark.parametrize("levels", [1, 2])
def test_decoding_first_levels_is_the_sum_of_their_vectors(levels: int):
    quantizer = started().eval()
    codes = quantizer.encode(vectors(1, 5))
    expected = sum(quantizer.codebooks[level][codes[0, :, level]] for level in range(levels))
    torch.testing.assert_close(quantizer.embed(codes[..., :levels])[0], expected)


def searched(beams: int, levels: int | None = None) -> torch.Tensor:
    """Mean squared distance of random embeddings to what the codes found for them decode to."""
    generator = torch.Generator().manual_seed(0)
    quantizer = new_quantizer(4, 16, dimension=6).eval()
    scale = torch.tensor([1, 0.7, 0.5, 0.3])[:, None, None]
    quantizer.codebooks.copy_(torch.randn(4, 16, 6, generator=generator) * scale)
    embedding = torch.randn(3, 200, 6, generator=generator)
    codes = quantizer.encode(embedding, levels, beams)
    assert codes.shape == (3, 200, levels or 4)
    if beams == 1:
        whole = quantizer.search(embedding.flatten(0, 1), levels or 4, beams=1)
        assert torch.equal(whole, codes.flatten(0, 1))
    return (embedding - quantizer.embed(codes)).square().sum(-1).mean()


def test_more_beams_come_nearer_and_one_takes_the_nearest_code_at_every_level():
    errors = [searched(beams) for beams in (1, 2, 8)]
    assert errors[0] > errors[1] > errors[2]
    assert searched(8, levels=2) <= searched(1, levels=2)


@pytest.mark.parametrize(("levels", "beams"), [(4, 0), (0, 1), (5, 1)])
def test_a_search_of_nothing_is_refused(levels: int, beams: int):
    with pytest.raises(ValueError, match="expected at least 1, and 1 to 4"):
        searched(beams, levels)
