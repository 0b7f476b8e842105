"""The tokenizer: shapes, any length, starts as a transform coder, and refuses what it cannot read."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from vqecg.records.leads import INDEPENDENT_LEADS
from vqecg.tokenizer.config import ECGTokenizerConfig
from vqecg.tokenizer.metrics import prd
from vqecg.tokenizer.modeling import ECGTokenizer, from_patches, to_patches


def signal(batch: int = 2, samples: int = 400, seed: int = 0) -> Tensor:
    return 0.3 * torch.randn(batch, 8, samples, generator=torch.Generator().manual_seed(seed))


def new_tokenizer(**settings: Any) -> ECGTokenizer:
    torch.manual_seed(0)
    shape: dict[str, Any] = {"width": 16, "encoder_blocks": 1, "decoder_blocks": 1, "levels": 3, "codebook_size": 16}
    return ECGTokenizer(ECGTokenizerConfig(**(shape | settings)))


@pytest.fixture(scope="module")
def tokenizer() -> ECGTokenizer:
    """A tokenizer whose codebooks have started, in evaluation mode."""
    tokenizer = new_tokenizer()
    with torch.no_grad():
        tokenizer(signal(8))
    return tokenizer.eval()


@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize("samples", [1, 7, 8, 100, 1000, 1003])
def test_any_batch_and_any_length_goes_to_codes_and_back(tokenizer: ECGTokenizer, batch: int, samples: int):
    codes = tokenizer.encode(signal(batch, samples))
    assert codes.shape == (batch, math.ceil(samples / 8), 3) and codes.dtype == torch.int64
    assert tokenizer.frames(samples) == codes.shape[1]
    assert tokenizer.decode(codes, samples).shape == (batch, 8, samples)
    assert tokenizer.decode(codes).shape == (batch, 8, 8 * codes.shape[1])


@pytest.mark.parametrize("hop_length", [4, 10])
def test_other_hops_work(hop_length: int):
    tokenizer = new_tokenizer(hop_length=hop_length)
    output = tokenizer(signal(4, 203))
    assert output.reconstruction.shape == (4, 8, 203)
    assert output.codes.shape == (4, math.ceil(203 / hop_length), 3)
    assert tokenizer.hop_length == hop_length and tokenizer.frame_rate == 100 / hop_length


@pytest.mark.parametrize("dimension", [64, 80])
def test_unquantized_it_starts_as_a_perfect_transform(dimension: int):
    tokenizer = new_tokenizer(dimension=dimension)
    x = signal()
    torch.testing.assert_close(tokenizer.decode_embedding(tokenizer.embed(x), 400), x, rtol=1e-4, atol=1e-5)


def test_with_a_small_dimension_it_starts_as_a_projection():
    tokenizer = new_tokenizer(dimension=16)
    once = tokenizer.decode_embedding(tokenizer.embed(signal()))
    twice = tokenizer.decode_embedding(tokenizer.embed(once))
    torch.testing.assert_close(once, twice, rtol=1e-4, atol=1e-5)
    assert once.square().sum() < signal().square().sum()


def test_the_embedding_keeps_lengths_so_that_distances_mean_millivolt():
    tokenizer = new_tokenizer()
    x = signal()
    energy = (x / tokenizer.config.scale).square().sum((1, 2))
    torch.testing.assert_close(tokenizer.embed(x).square().sum((1, 2)), energy)


def test_patches_are_frames_of_all_leads_and_come_apart_again():
    x = torch.arange(2 * 8 * 24.0).view(2, 8, 24)
    patches = to_patches(x, 8)
    assert patches.shape == (2, 3, 64)
    assert torch.equal(patches[1, 2].view(8, 8), x[1, :, 16:24])
    assert torch.equal(from_patches(patches, 8), x)


def test_a_signal_need_not_be_contiguous(tokenizer: ECGTokenizer):
    x = signal()
    turned = x.transpose(1, 2).contiguous().transpose(1, 2)
    assert torch.equal(tokenizer.encode(turned), tokenizer.encode(x))


def test_a_record_does_not_depend_on_its_batch(tokenizer: ECGTokenizer):
    together = tokenizer.encode(signal(4))
    alone = torch.cat([tokenizer.encode(record[None]) for record in signal(4)])
    assert torch.equal(together, alone)


def test_padding_repeats_the_last_sample(tokenizer: ECGTokenizer):
    x = signal(1, 101)
    padded = torch.cat([x, x[..., -1:].expand(-1, -1, 3)], dim=-1)
    torch.testing.assert_close(tokenizer.embed(x), tokenizer.embed(padded))


def test_the_forward_pass_gives_what_encoding_and_decoding_give(tokenizer: ECGTokenizer):
    output = tokenizer(signal())
    assert torch.equal(output.codes, tokenizer.encode(signal()))
    torch.testing.assert_close(output.reconstruction, tokenizer.decode(output.codes, 400), rtol=1e-4, atol=1e-5)
    config = tokenizer.config
    total = output.time_loss + config.slope_weight * output.slope_loss
    torch.testing.assert_close(output.loss, total + config.commitment_weight * output.commitment_loss)
    assert output.perplexity.shape == (3,)


def test_any_number_of_first_levels_decodes_and_more_are_better(tokenizer: ECGTokenizer):
    codes = tokenizer.encode(signal(8))
    with torch.inference_mode():
        errors = [float(prd(signal(8), tokenizer.decode(codes[..., :q], 400)).mean()) for q in (1, 2, 3)]
    assert errors[0] > errors[1] > errors[2]


def test_all_parameters_get_a_gradient_once_the_silent_layers_speak():
    tokenizer = new_tokenizer()
    with torch.no_grad():
        for parameter in tokenizer.parameters():
            parameter.add_(0.01 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    tokenizer(signal(8)).loss.backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in tokenizer.parameters())


@pytest.mark.parametrize("shape", [(8, 100), (2, 12, 100), (2, 8, 0), (2, 100, 8)])
def test_a_signal_of_another_shape_is_refused(tokenizer: ECGTokenizer, shape: tuple[int, ...]):
    with pytest.raises(ValueError, match=r"expected \(batch, 8, samples\) in mV with the leads I, II, V1"):
        tokenizer.encode(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(2, 10), (2, 10, 4), (2, 10, 0)])
def test_codes_of_another_shape_are_refused(tokenizer: ECGTokenizer, shape: tuple[int, ...]):
    with pytest.raises(ValueError, match=r"expected \(batch, frames, levels\) with 1 to 3 levels"):
        tokenizer.decode(torch.zeros(shape, dtype=torch.int64))


@pytest.mark.parametrize("code", [-1, 16])
def test_codes_outside_the_codebook_are_refused(tokenizer: ECGTokenizer, code: int):
    codes = torch.zeros(1, 5, 3, dtype=torch.int64)
    codes[0, 2, 1] = code
    with pytest.raises(ValueError, match="expected 0 to 15"):
        tokenizer.decode(codes)


def test_more_samples_than_the_frames_hold_are_refused(tokenizer: ECGTokenizer):
    with pytest.raises(ValueError, match="got 5 frames of 8 samples; expected at least 6 for 41 samples"):
        tokenizer.decode(torch.zeros(1, 5, 3, dtype=torch.int64), 41)


def test_signals_at_another_rate_are_refused(tokenizer: ECGTokenizer):
    tokenizer.check_sampling_rate(100)
    with pytest.raises(ValueError, match="trained at 100 Hz, the signals are at 500 Hz"):
        tokenizer.check_sampling_rate(500)


def test_what_the_next_stage_needs_to_know_are_properties():
    tokenizer = ECGTokenizer(ECGTokenizerConfig(width=8, levels=4, codebook_size=256))
    assert tokenizer.frame_rate == 12.5 and tokenizer.bit_rate == 4 * 8 * 12.5
    assert tokenizer.codebook_size == 256 and tokenizer.num_levels == 4 and tokenizer.hop_length == 8
    assert tokenizer.config.leads == INDEPENDENT_LEADS


@pytest.mark.parametrize(
    "wrong",
    [{"codebook_size": 1}, {"levels": 0}, {"hop_length": 0}, {"kernel_size": 4}, {"leads": INDEPENDENT_LEADS[::-1]}],
)
def test_impossible_settings_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ECGTokenizerConfig(**wrong)
