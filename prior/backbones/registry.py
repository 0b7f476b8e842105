"""The interface of a backbone, and all of them by name.

A backbone is trained as the module that transformers builds. Sampling asks for one step at a time, 126 for a record of
10 s, and most of that module's time then goes into finding out what is asked for. A `Decoder` does the same arithmetic
on the same weights in a dozen calls per layer. To add a backbone: a file in this folder, or an extension, with
a subclass of `Backbone`, registered here under its name.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, cast

from torch import Tensor, nn

from vqecg.records.registry import Registry


class Decoder(ABC):
    """Hidden states of a batch of sequences, step after step from the first; of one batch, then thrown away."""

    @abstractmethod
    def step(self, inputs: Tensor) -> Tensor:
        """Inputs of the next step, (batch, width) -> its hidden states, (batch, width)."""


class Backbone(ABC):
    """A causal transformer from (batch, steps, width) to (batch, steps, width)."""

    help: ClassVar[str] = ""  # the architecture in a line

    @staticmethod
    @abstractmethod
    def make(width: int, layers: int, heads: int, steps: int) -> nn.Module:
        """The module with random weights, for sequences of up to `steps` steps; all that needs a gradient is used."""

    @staticmethod
    def states(module: nn.Module, inputs: Tensor) -> Tensor:
        """All steps at once, as in training: (batch, steps, width) -> (batch, steps, width).

        As transformers' modules are called, unless a backbone says otherwise.
        """
        return cast(Tensor, module(inputs_embeds=inputs, use_cache=False).last_hidden_state)

    @classmethod
    def layer_states(cls, module: nn.Module, inputs: Tensor) -> tuple[Tensor, ...]:
        """The inputs of the first layer and the outputs of every one, as `states`: (batch, steps, width) each.

        Here only what goes in and comes out; a backbone that knows its layers says more.
        """
        return inputs, cls.states(module, inputs)

    @staticmethod
    @abstractmethod
    def decoder(module: nn.Module, batch: int, steps: int) -> Decoder:
        """A decoder for `batch` sequences of up to `steps` steps, equal to `module` up to rounding.

        It takes the weights as they are now, and is to be used without gradients.
        """


BACKBONES: Registry[type[Backbone]] = Registry("backbone", "vqecg.prior.backbones")
