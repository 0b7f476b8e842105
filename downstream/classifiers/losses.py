"""Losses of multi-label classification: each class is a question of its own, labels may be soft.

Each maps logits and labels (batch, classes), labels 0 (absent) to 1 (present), to the mean over both. A loss that is
not linear in the label, as Lin's and Ridnik's are for 0 and 1 only, is drawn as a straight line between its two ends.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from vqecg.records.bounds import BelowOne, Checked, Factor, Positive
from vqecg.records.registry import Choices, Registry

BCE, WEIGHTED_BCE, FOCAL, ASYMMETRIC = "bce", "weighted-bce", "focal", "asymmetric"


@dataclass(frozen=True)
class LossSettings(Checked):
    """The loss of a classifier, and the parameters of each."""

    name: Annotated[str, Choices("loss", lambda: LOSSES.names())] = BCE
    positive_weight_cap: Positive = 10.0  # greatest weight of a rare class's presence, for "weighted-bce"
    focal_gamma: Factor = 2.0  # exponent by which what is right already counts less, for "focal"; 0 = bce
    positive_gamma: Factor = 0.0  # that exponent where the class is present, for "asymmetric"
    negative_gamma: Factor = 4.0  # that exponent where the class is absent, for "asymmetric"
    negative_margin: BelowOne = 0.05  # probability below which an absent class counts nothing, for "asymmetric"

    def __post_init__(self) -> None:
        super().__post_init__()
        LOSSES.get(self.name)
        gammas = (self.focal_gamma, self.positive_gamma, self.negative_gamma)
        check_parameters(self.positive_weight_cap, gammas, self.negative_margin)


Loss = Callable[[Tensor, Tensor], Tensor]  # logits and labels (batch, classes) -> their loss, a scalar
# each makes a loss from its settings and the labels (records, classes) of all training records
LOSSES: Registry[Callable[[LossSettings, np.ndarray], Loss]] = Registry("loss")


def check_parameters(cap: float, gammas: Sequence[float], margin: float) -> None:
    """Raises ValueError for a cap of weights below 1, an exponent below 0 or in 0 to 1, or a margin outside 0 to 1."""
    if not cap >= 1:
        raise ValueError(f"the cap of positive weights is {cap}; expected 1 (no weighting) or more")
    for gamma in gammas:
        if gamma != 0 and not gamma >= 1:
            raise ValueError(f"an exponent gamma is {gamma}; expected 0 (off) or 1 or more: the slope must be finite")
    if not 0 <= margin < 1:
        raise ValueError(f"the margin is {margin}; expected a probability from 0 to below 1")


SURELY_ABSENT = -100.0  # a logit whose label 0 costs nothing


def over_known(loss: Loss) -> Loss:
    """The mean of `loss` over the labels that are known, those that are not NaN; 0 where none is.

    For any loss that takes the mean over records and classes, and in which what is surely absent costs nothing.
    """

    def masked(logits: Tensor, labels: Tensor) -> Tensor:
        known = ~labels.isnan()
        counted = loss(torch.where(known, logits, SURELY_ABSENT), torch.where(known, labels, 0.0))
        return counted * (known.numel() / known.sum().clamp(min=1))

    return masked


def bce(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross entropy."""
    return binary_cross_entropy_with_logits(logits, labels)


def weighted_bce(logits: Tensor, labels: Tensor, positive_weights: Tensor) -> Tensor:
    """Binary cross entropy in which the presence of class k counts `positive_weights[k]` times."""
    return binary_cross_entropy_with_logits(logits, labels, pos_weight=positive_weights)


def positive_weights(labels: np.ndarray, cap: float) -> np.ndarray:
    """(classes,) float32: records without over records with each class of `labels` (records, classes), within 1 to cap.

    A label that is NaN, unknown, counts for neither. A class without a record gets the cap. Raises ValueError for a cap
    below 1.
    """
    check_parameters(cap, (), 0.0)
    present = np.nansum(labels, axis=0, dtype=np.float64)
    ratio = (np.isfinite(labels).sum(axis=0) - present) / np.maximum(present, 1e-9)
    return ratio.clip(1, cap).astype(np.float32)


def focal(logits: Tensor, labels: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss (Lin et al. 2017), without its class weight: what is right already counts less by (1 - p)^gamma.

    With gamma 0 it is `bce`. Raises ValueError for gamma below 0 or between 0 and 1.
    """
    return asymmetric(logits, labels, gamma, gamma, 0.0)


def asymmetric(
    logits: Tensor, labels: Tensor, positive_gamma: float = 0.0, negative_gamma: float = 4.0, margin: float = 0.05
) -> Tensor:
    """Asymmetric loss (Ridnik et al. 2021): focal, with an exponent of its own for presence and for absence.

    -y (1 - p)^positive_gamma log p - (1 - y) m^negative_gamma log(1 - m), m = max(0, p - margin): an absent class with
    p below the margin counts nothing. With 0, 0, 0 it is `bce`.

    Raises ValueError for an exponent below 0 or between 0 and 1, or a margin outside 0 to 1.
    """
    check_parameters(1.0, (positive_gamma, negative_gamma), margin)
    present = torch.sigmoid(-logits) ** positive_gamma * logsigmoid(logits)
    # log(1 - m) = log min(1, 1 - p + margin), in logarithms so that it holds for any logit
    shift = logits.new_tensor(math.log(margin) if margin else -math.inf)
    absent = torch.logaddexp(logsigmoid(-logits), shift).clamp(max=0)
    absent = (torch.sigmoid(logits) - margin).clamp(min=0) ** negative_gamma * absent
    return -(labels * present + (1 - labels) * absent).mean()


@LOSSES.register(BCE, rank=0)
def make_bce(settings: LossSettings, labels: np.ndarray) -> Loss:
    """`bce`, which has no parameters."""
    return bce


@LOSSES.register(WEIGHTED_BCE, rank=1)
def make_weighted_bce(settings: LossSettings, labels: np.ndarray) -> Loss:
    """`weighted_bce` by how rare each class is in training."""
    weights = torch.from_numpy(positive_weights(labels, settings.positive_weight_cap))
    return lambda logits, truth: weighted_bce(logits, truth, weights.to(logits.device))


@LOSSES.register(FOCAL, rank=2)
def make_focal(settings: LossSettings, labels: np.ndarray) -> Loss:
    """`focal` with the exponent of the settings."""
    return lambda logits, truth: focal(logits, truth, settings.focal_gamma)


@LOSSES.register(ASYMMETRIC, rank=3)
def make_asymmetric(settings: LossSettings, labels: np.ndarray) -> Loss:
    """`asymmetric` with the exponents and the margin of the settings."""
    parameters = (settings.positive_gamma, settings.negative_gamma, settings.negative_margin)
    return lambda logits, truth: asymmetric(logits, truth, *parameters)
