"""GPT-2 (Radford et al. 2019) with learned positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from vqecg.prior.backbones.attention import AttentionCache, attention_kind, states_by_layer, without_tokens
from vqecg.prior.backbones.registry import BACKBONES, Backbone, Decoder

if TYPE_CHECKING:  # seconds to import: only where a prior is made, so that --help does not wait for it
    from transformers import GPT2Model
    from transformers.models.gpt2.modeling_gpt2 import GPT2Block


@BACKBONES.register("gpt2", 0.0)
class GPT2Backbone(Backbone):
    """transformers' GPT2Model and a decoder for it."""

    help = "learned positions"

    @staticmethod
    def make(width: int, layers: int, heads: int, steps: int) -> nn.Module:
        """Without GPT-2's dropout: on a processor its random numbers take an eighth of the step, and a few thousand
        records are not yet learned by heart when training ends."""
        from transformers import GPT2Config, GPT2Model

        settings: dict[str, Any] = {
            "vocab_size": 1,
            "n_positions": steps,
            "n_embd": width,
            "n_layer": layers,
            "n_head": heads,
            "resid_pdrop": 0.0,
            "embd_pdrop": 0.0,
            "attn_pdrop": 0.0,
            "activation_function": "gelu_pytorch_tanh",  # GPT-2's own, in one kernel
            "bos_token_id": 0,
            "eos_token_id": 0,
            "attn_implementation": attention_kind(),
        }
        return without_tokens(GPT2Model(GPT2Config(**settings)))

    @classmethod
    def layer_states(cls, module: nn.Module, inputs: Tensor) -> tuple[Tensor, ...]:
        return states_by_layer(module, inputs)

    @staticmethod
    def decoder(module: nn.Module, batch: int, steps: int) -> Decoder:
        return GPT2Decoder(cast("GPT2Model", module), batch, steps)


@dataclass(frozen=True, eq=False)
class GPT2Layer:
    """The weights of a layer, where they are not its modules' own."""

    block: GPT2Block
    projection: Tensor  # (3, width, width): to queries, scaled as attention needs them, keys and values
    projection_bias: Tensor  # (3, 1, width)

    @classmethod
    def of(cls, block: GPT2Block, heads: int) -> Self:
        """That of transformers' block."""
        weight, bias = block.attn.c_attn.weight, block.attn.c_attn.bias
        scale = weight.new_tensor([(len(weight) / heads) ** -0.5, 1.0, 1.0])[:, None, None]
        return cls(block, weight.unflatten(1, (3, -1)).transpose(0, 1) * scale, bias.view(3, 1, -1) * scale)


class GPT2Decoder(Decoder):
    """The steps of a GPT2Model."""

    def __init__(self, module: GPT2Model, batch: int, steps: int) -> None:
        self.module = module
        heads = module.config.n_head
        self.layers = [GPT2Layer.of(cast("GPT2Block", block), heads) for block in module.h]
        self.cache = AttentionCache(len(self.layers), batch, heads, steps, module.wpe.weight)

    def step(self, inputs: Tensor) -> Tensor:
        hidden = inputs + self.module.wpe.weight[self.cache.filled]
        for number, layer in enumerate(self.layers):
            attention, feed_forward = layer.block.attn, layer.block.mlp
            normed = layer.block.ln_1(hidden).expand(3, -1, -1)
            split = self.cache.split(torch.baddbmm(layer.projection_bias, normed, layer.projection))
            attended = self.cache.attend(number, split[0], split[1:])
            hidden = torch.addmm(hidden, attended, attention.c_proj.weight).add_(attention.c_proj.bias)
            opened = torch.addmm(feed_forward.c_fc.bias, layer.block.ln_2(hidden), feed_forward.c_fc.weight)
            hidden = torch.addmm(hidden, gelu(opened, approximate="tanh"), feed_forward.c_proj.weight)
            hidden = hidden.add_(feed_forward.c_proj.bias)
        self.cache.advance()
        return cast(Tensor, self.module.ln_f(hidden))
