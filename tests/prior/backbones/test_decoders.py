"""Decoders: a step of ours equals the step of transformers' module, for every backbone."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from vqecg.prior.backbones.registry import BACKBONES, Backbone

STEPS = 7
FLOAT32_INSIDE = {"llama"}  # transformers' computes softmax and norms in float32, whatever its weights are


def module_of(backbone: type[Backbone], width: int = 12, layers: int = 2, heads: int = 3) -> nn.Module:
    """A backbone whose weights are large enough that its attention is uneven, float64."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = backbone.make(width, layers, heads, STEPS)
        for parameter in module.parameters():
            parameter.data += 0.3 * torch.randn(parameter.shape)
    return module.double().eval()


def decoded(backbone: type[Backbone], module: nn.Module, inputs: Tensor) -> Tensor:
    """All steps of inputs (batch, steps, width)."""
    decoder = backbone.decoder(module, *inputs.shape[:2])
    return torch.stack([decoder.step(step) for step in inputs.unbind(1)], dim=1)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", BACKBONES.names())
@settings(max_examples=8, deadline=None)
@given(batch=st.integers(1, 5), steps=st.integers(1, STEPS), shape=st.sampled_from([(4, 1, 1), (12, 2, 3), (16, 3, 2)]))
@torch.inference_mode()
def test_steps_are_those_of_transformers(name: str, batch: int, steps: int, shape: tuple[int, int, int]):
    backbone = BACKBONES.get(name)
    module, inputs = module_of(backbone, *shape), drawn(batch, steps, shape[0])
    expected = module(inputs_embeds=inputs, use_cache=False).last_hidden_state
    far = 1e-4 if name in FLOAT32_INSIDE else 1e-9
    torch.testing.assert_close(decoded(backbone, module, inputs), expected, rtol=far, atol=far)


@pytest.mark.parametrize("name", BACKBONES.names())
@torch.inference_mode()
def test_float32_is_within_rounding(name: str):
    backbone = BACKBONES.get(name)
    module, inputs = module_of(backbone, 64, 4, 4).float(), drawn(3, STEPS, 64).float()
    expected = module(inputs_embeds=inputs, use_cache=False).last_hidden_state
    torch.testing.assert_close(decoded(backbone, module, inputs), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", BACKBONES.names())
@torch.inference_mode()
def test_a_decoder_leaves_module_and_inputs_alone(name: str):
    backbone = BACKBONES.get(name)
    module, inputs = module_of(backbone), drawn(2, STEPS, 12)
    weights, given_inputs = [parameter.clone() for parameter in module.parameters()], inputs.clone()
    first, second = (decoded(backbone, module, inputs) for _ in range(2))
    assert torch.equal(first, second) and torch.equal(inputs, given_inputs)
    assert all(torch.equal(one, other) for one, other in zip(weights, module.parameters(), strict=True))


@pytest.mark.parametrize("name", BACKBONES.names())
@torch.inference_mode()
def test_sequences_of_a_batch_do_not_know_each_other(name: str):
    backbone = BACKBONES.get(name)
    module, inputs = module_of(backbone), drawn(3, STEPS, 12)
    alone = torch.cat([decoded(backbone, module, inputs[row : row + 1]) for row in range(3)])
    torch.testing.assert_close(decoded(backbone, module, inputs), alone, rtol=1e-5, atol=1e-5)
