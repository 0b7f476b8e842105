"""Consistency: unknown labels are taken from the classifier's sure predictions of the same records, less augmented.

FixMatch (Sohn et al. 2020) for many labels a record: each class is a question of its own, so one class of a record may
have a target where another has none. The weak view is the excerpt as it is, the strong one the same excerpt augmented.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vqecg.downstream.classifiers.losses import Loss, over_known
from vqecg.records.bounds import Checked, InnerShare, Weight


@dataclass(frozen=True)
class ConsistencySettings(Checked):
    """Training on records with unknown labels by the classifier's predictions of them."""

    weight: Weight = 0.0  # of the loss on predicted labels beside that on known ones; 0 = none
    confidence: InnerShare = 0.95  # probability of presence, or of absence, from which on a prediction is a target

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.confidence < 0.5:
            raise ValueError(f"confidence is {self.confidence}; expected 0.5 or more: the likelier answer")


NO_CONSISTENCY = ConsistencySettings()


@torch.no_grad()
def sure_predictions(model: nn.Module, weak: Tensor, confidence: float) -> Tensor:
    """(records, classes) float32: 1 present, 0 absent, NaN where the model is less sure of `weak` (records, leads,
    samples) mV than `confidence`. It predicts as it would if its training ended now."""
    was_training = model.training
    present = torch.sigmoid(model.eval()(weak).float())
    model.train(was_training)
    sure = torch.maximum(present, 1 - present) >= confidence
    return torch.where(sure, (present > 0.5).float(), torch.nan)


def consistency_loss(loss: Loss, logits: Tensor, labels: Tensor, predicted: Tensor) -> Tensor:
    """The mean of `loss` over the labels that are NaN, unknown, those counted as 0 that have no prediction.

    `logits` of the augmented records, `labels` and `predicted`, NaN where there is none, are (records, classes).
    """
    unknown = labels.isnan()
    targets = torch.where(unknown, predicted, torch.nan)
    return over_known(loss)(logits, targets) * (~targets.isnan()).sum() / unknown.sum().clamp(min=1)
