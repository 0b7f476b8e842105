"""Mixup (Zhang et al. 2018): each record of a batch is mixed with another one of it, and so are their labels."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Mixture:
    """Records that were mixed."""

    signal: np.ndarray  # (batch, leads, samples) float32 mV
    labels: np.ndarray  # (batch, classes) float32 in 0..1: soft
    weights: np.ndarray  # (batch,) float32, of the record itself
    partners: np.ndarray  # (batch,) int64, rows of the batch; some may be their own


def check_alpha(alpha: float) -> None:
    """Raises ValueError unless alpha > 0."""
    if not alpha > 0:
        raise ValueError(f"mixup's alpha is {alpha}; expected more than 0")


def mixup(signal: np.ndarray, labels: np.ndarray, alpha: float, generator: np.random.Generator) -> Mixture:
    """weight x record + (1 - weight) x partner, for signals and labels alike; weights are Beta(alpha, alpha).

    Beats are not aligned: this is the method as published; `prior.editing.interpolation` avoids its extra beats.
    Raises ValueError unless alpha > 0.
    """
    check_alpha(alpha)
    weights = generator.beta(alpha, alpha, len(signal)).astype(np.float32)
    partners = generator.permutation(len(signal))
    own_share, other_share = weights[:, None], (1 - weights)[:, None]
    return Mixture(
        own_share[..., None] * signal + other_share[..., None] * signal[partners],
        own_share * labels + other_share * labels[partners],
        weights,
        partners,
    )
