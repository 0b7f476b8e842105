"""The part of a classifier that a pretraining trains: all but the weights that turn features into classes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from vqecg.downstream.classifiers.models.interface import Classifier


def as_classifier(model: nn.Module) -> Classifier:
    """The model, whose features can be trained. Raises ValueError for one that is no `Classifier`."""
    if not isinstance(model, Classifier):
        raise ValueError(f"{type(model).__name__} is no Classifier, whose features a pretraining trains: leave it out")
    return model


@contextmanager
def trained_alone(model: nn.Module, output: Tensor) -> Iterator[None]:
    """For the length of a `with` block, only those weights of a model are trained that `output` depends on.

    `output` of any shape, computed by the model with gradients. The others, such as those of the classes' head, get no
    gradient, and the optimizer would have no state of them to go on from.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    slopes = torch.autograd.grad(output.sum(), trained, allow_unused=True)
    unused = [parameter for parameter, slope in zip(trained, slopes, strict=True) if slope is None]
    for parameter in unused:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in unused:
            parameter.requires_grad_(True)
