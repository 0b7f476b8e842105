"""Parts of a network that synthetic records have for themselves while it is trained; all else is shared.

Each is a module around the classifier that takes which records of a batch are synthetic; without that all are real
ones. The classifier alone, as it is saved, treats every record as a real one.
"""

import copy
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from vqecg.records.registry import Registry

SHARED, BATCH_NORM, FLAG = "shared", "batch norm", "flag"

# each wraps a classifier for training; what it makes takes signals (batch, leads, samples) mV and a bool per record,
# True for a synthetic one, and gives logits (batch, classes)
BRANCHES: Registry[Callable[[nn.Module], nn.Module]] = Registry("branch of synthetic records")


@BRANCHES.register(SHARED, rank=0)
def shared(model: nn.Module) -> nn.Module:
    """The classifier as it is: both kinds of records go through the same network."""
    return model


@BRANCHES.register(BATCH_NORM, rank=1)
class OwnBatchNorm(nn.Module):
    """Batch norms of their own for synthetic records, as AdvProp has for adversarial ones (Xie et al. 2020).

    Means and variances of a batch are those of either kind alone, and so are gains and biases. Raises ValueError for a
    classifier without batch norm.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.config = model, getattr(model, "config", None)
        norms = {name: module for name, module in model.named_modules() if isinstance(module, _BatchNorm)}
        if not norms:
            raise ValueError(
                f"{type(model).__name__} has no batch norm, so synthetic records cannot have their own: choose another "
                "mixture.branch or classifier"
            )
        self.names = tuple(norms)
        self.synthetic = nn.ModuleList(copy.deepcopy(module) for module in norms.values())

    def replaced(self) -> Iterator[tuple[str, Tensor]]:
        """Parameters and buffers of the synthetic branch by their names in the classifier."""
        for name, norm in zip(self.names, self.synthetic, strict=True):
            for key, tensor in (*norm.named_parameters(), *norm.named_buffers()):
                yield f"{name}.{key}", tensor

    def forward(self, signal: Tensor, synthetic: Tensor | None = None) -> Tensor:
        if synthetic is None:
            return self.model(signal)
        real, others = torch.nonzero(~synthetic)[:, 0], torch.nonzero(synthetic)[:, 0]
        logits = []
        if len(real):
            logits.append(self.model(signal[real]))
        if len(others):
            logits.append(functional_call(self.model, dict(self.replaced()), (signal[others],)))
        return torch.cat(logits)[torch.argsort(torch.cat([real, others]))]


@BRANCHES.register(FLAG, rank=2)
class Flagged(nn.Module):
    """A flag that says synthetic: as an input channel that is 1 for synthetic records and 0 for real ones.

    A constant channel adds to the first convolution a number per kernel, which is what is trained here; it starts at 0.
    Raises ValueError for a classifier without a convolution.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.config = model, getattr(model, "config", None)
        first = next((part for part in model.modules() if isinstance(part, (nn.Conv1d, nn.Conv2d))), None)
        if first is None:
            raise ValueError(
                f"{type(model).__name__} has no convolution that a flag could enter: choose another mixture.branch or "
                "classifier"
            )
        self.entry = (first,)  # in a tuple, lest its weights count twice
        self.flag = nn.Parameter(torch.zeros(first.out_channels))

    def forward(self, signal: Tensor, synthetic: Tensor | None = None) -> Tensor:
        if synthetic is None:
            return self.model(signal)
        shift = synthetic[:, None] * self.flag

        def raised(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
            return output + shift.to(output.dtype).reshape(*shift.shape, *(1,) * (output.ndim - 2))

        hook = self.entry[0].register_forward_hook(raised)
        try:
            return self.model(signal)
        finally:
            hook.remove()
