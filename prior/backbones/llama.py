"""Llama (Touvron et al. 2023): rotary positions, gated feed-forward layers, no dropout inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, silu

from vqecg.prior.backbones.attention import AttentionCache, attention_kind, states_by_layer, without_tokens
from vqecg.prior.backbones.registry import BACKBONES, Backbone, Decoder

if TYPE_CHECKING:  # seconds to import, see gpt2.py
    from transformers import LlamaModel
    from transformers.models.llama.modeling_llama import LlamaDecoderLayer


@BACKBONES.register("llama", 1.0)
class LlamaBackbone(Backbone):
    """transformers' LlamaModel and a decoder for it."""

    help = "rotary positions, gated feed-forward layers"

    @staticmethod
    def make(width: int, layers: int, heads: int, steps: int) -> nn.Module:
        from transformers import LlamaConfig, LlamaModel

        settings: dict[str, Any] = {
            "vocab_size": 1,
            "max_position_embeddings": steps,
            "hidden_size": width,
            "intermediate_size": 4 * width,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "bos_token_id": 0,
            "eos_token_id": 0,
            "attn_implementation": attention_kind(),
        }
        return without_tokens(LlamaModel(LlamaConfig(**settings)))

    @classmethod
    def layer_states(cls, module: nn.Module, inputs: Tensor) -> tuple[Tensor, ...]:
        return states_by_layer(module, inputs)

    @staticmethod
    def decoder(module: nn.Module, batch: int, steps: int) -> Decoder:
        return LlamaDecoder(cast("LlamaModel", module), batch, steps)


@dataclass(frozen=True, eq=False)
class LlamaLayer:
    """The weights of a layer, where they are not its modules' own."""

    block: LlamaDecoderLayer
    projection: Tensor  # (3, width, width): to queries, scaled as attention needs them, keys and values
    opening: Tensor  # (2 * intermediate, width): to the gate and to what passes it

    @classmethod
    def of(cls, block: LlamaDecoderLayer) -> Self:
        """That of transformers' layer."""
        attention, feed_forward = block.self_attn, block.mlp
        query = attention.q_proj.weight * attention.scaling
        projection = torch.stack([query, attention.k_proj.weight, attention.v_proj.weight]).transpose(1, 2)
        return cls(block, projection, torch.cat([feed_forward.gate_proj.weight, feed_forward.up_proj.weight]))


class LlamaDecoder(Decoder):
    """The steps of a LlamaModel."""

    def __init__(self, module: LlamaModel, batch: int, steps: int) -> None:
        self.module = module
        self.layers = [LlamaLayer.of(cast("LlamaDecoderLayer", block)) for block in module.layers]
        weight = module.norm.weight
        self.cache = AttentionCache(len(self.layers), batch, module.config.num_attention_heads, steps, weight)
        cosine, sine = module.rotary_emb(weight, torch.arange(steps, device=weight.device)[None])
        self.cosine, self.sine = cosine[0], sine[0]  # (steps, head size)

    def step(self, inputs: Tensor) -> Tensor:
        hidden = inputs
        for number, layer in enumerate(self.layers):
            normed = layer.block.input_layernorm(hidden).expand(3, -1, -1)
            split = self.cache.split(torch.bmm(normed, layer.projection))
            query, key = self.rotated(split[:2])
            attended = self.cache.attend(number, query, torch.stack([key, split[2]]))
            hidden = torch.addmm(hidden, attended, layer.block.self_attn.o_proj.weight.T)
            gate, passed = linear(layer.block.post_attention_layernorm(hidden), layer.opening).chunk(2, -1)
            hidden = torch.addmm(hidden, silu(gate) * passed, layer.block.mlp.down_proj.weight.T)
        self.cache.advance()
        return cast(Tensor, self.module.norm(hidden))

    def rotated(self, vectors: Tensor) -> Tensor:
        """Queries and keys (2, batch * heads, head size), turned by the angles of the step."""
        first, second = vectors.chunk(2, -1)
        turned = torch.cat([-second, first], -1)
        return vectors * self.cosine[self.cache.filled] + turned * self.sine[self.cache.filled]
