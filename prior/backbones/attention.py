"""Common parts of the backbones from transformers: attention of one new step to all steps so far, and their making."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from vqecg.training.processes import own_device

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class AttentionCache:
    """Keys and values of all layers and steps so far, in one buffer of full length.

    (layers, keys and values, batch * heads, steps, head size): a step writes one row, and products read rows that lie
    together.
    """

    def __init__(self, layers: int, batch: int, heads: int, steps: int, like: Tensor) -> None:
        """`like` (..., width) gives width, type and device."""
        self.heads = heads
        self.rows = like.new_empty(layers, 2, batch * heads, steps, like.shape[-1] // heads)
        self.filled = 0  # steps

    def split(self, projected: Tensor) -> Tensor:
        """(..., batch, width) -> (..., batch * heads, head size)."""
        return projected.view(*projected.shape[:-2], *self.rows.shape[2::2])

    def attend(self, layer: int, query: Tensor, key_and_value: Tensor) -> Tensor:
        """Enters a step's `key_and_value` (2, batch * heads, head size), and has `query` attend to all steps.

        `query` is (batch * heads, head size), scaled already. Returns (batch, width).
        """
        rows = self.rows[layer]
        rows[:, :, self.filled] = key_and_value
        keys, values = rows[:, :, : self.filled + 1]
        weights = torch.bmm(query[:, None], keys.transpose(1, 2)).softmax(-1)
        return torch.bmm(weights, values).view(len(query) // self.heads, -1)

    def advance(self) -> None:
        """To be called once all layers have entered a step."""
        self.filled += 1


def attention_kind() -> str:
    """Name of an attention of transformers: on a processor plain products in bf16 are faster than the fused kernel."""
    return "sdpa" if own_device().type == "cuda" else "eager"


def without_tokens(module: PreTrainedModel) -> PreTrainedModel:
    """The module, whose table of tokens, a row that embeddings replace, is not trained.

    Several processes would wait for its gradient, which never comes.
    """
    module.get_input_embeddings().requires_grad_(False)
    return module


def states_by_layer(module: nn.Module, inputs: Tensor) -> tuple[Tensor, ...]:
    """`Backbone.layer_states` of a module of transformers, whose last states are normed as those that it gives."""
    return cast(
        tuple[Tensor, ...], module(inputs_embeds=inputs, use_cache=False, output_hidden_states=True).hidden_states
    )
