"""A mixture of logistic distributions: what small models of one number at a time give, in closed form throughout."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

SURE = 1e-4  # of a uniform draw: how near to 0 or 1 it counts, so that no number is drawn at infinity


@dataclass(frozen=True)
class LogisticMixture:
    """Mixtures of any batch shape; the last dimension holds the components."""

    log_weight: Tensor  # (..., components), each mixture's sum to 1 as weights
    mean: Tensor  # (..., components)
    scale: Tensor  # (..., components), above 0

    def log_density(self, value: Tensor) -> Tensor:
        """Logarithm of the density at `value` (...): (...)."""
        z = (value[..., None] - self.mean) / self.scale
        return (self.log_weight + logsigmoid(z) + logsigmoid(-z) - self.scale.log()).logsumexp(-1)

    def log_survival(self, value: Tensor) -> Tensor:
        """Logarithm of the chance of more than `value` (...): (...)."""
        z = (value[..., None] - self.mean) / self.scale
        return (self.log_weight + logsigmoid(-z)).logsumexp(-1)

    def draw(self, noise: Tensor, temperature: float = 1.0) -> Tensor:
        """One number of each mixture: (...); `noise` (..., 2) in [0, 1) chooses the component and the place in it.

        `temperature` multiplies the scales: below 1, numbers lie nearer to their component's mean.
        """
        last = self.mean.shape[-1] - 1
        chosen = (self.log_weight.exp().cumsum(-1) < noise[..., :1]).sum(-1, keepdim=True).clamp(max=last)
        place = noise[..., 1:].clamp(SURE, 1 - SURE).logit()
        return (self.mean.gather(-1, chosen) + temperature * self.scale.gather(-1, chosen) * place)[..., 0]


def uniform_noise(streams: list[list[int]], length: int) -> Tensor:
    """Uniform noise (streams, length, 2) float32 in [0, 1), each row from a generator seeded with its numbers.

    A longer row begins as a shorter one.
    """
    noise = torch.zeros(len(streams), length, 2)
    for row, stream in enumerate(streams):
        noise[row] = torch.from_numpy(np.random.default_rng(stream).random((length, 2), np.float32))
    return noise
