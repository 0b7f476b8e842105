"""The loss of a batch as `fit` asks for it, in training and over a validation part."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.downstream.classifiers.consistency import (
    NO_CONSISTENCY,
    ConsistencySettings,
    consistency_loss,
    sure_predictions,
)
from vqecg.downstream.classifiers.losses import LOSSES, LossSettings, over_known
from vqecg.downstream.classifiers.signals import Signals, in_batches

BatchLoss: TypeAlias = Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]]  # as `fit` asks for it


class Labelled(Protocol):
    """Signals with their labels."""

    @property
    def signals(self) -> Signals: ...

    @property
    def labels(self) -> np.ndarray: ...


def loss_of(
    settings: LossSettings,
    labels: np.ndarray,
    unknown: bool = False,
    consistency: ConsistencySettings = NO_CONSISTENCY,
) -> BatchLoss:
    """The loss as `fit` asks for it; `labels` (records, classes) are those of training, for the weights of classes.

    It is a mean over the labels that are known where some may be `unknown`. Where a batch has `weak`, the records with
    unknown labels before augmentation, what is surely predicted of them stands for these labels.
    """
    loss = LOSSES.get(settings.name)(settings, labels)
    loss = over_known(loss) if unknown else loss

    def measured(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        kinds = (batch["synthetic"],) if "synthetic" in batch else ()
        labels, logits = batch["labels"], model(batch["signal"], *kinds).float()
        if "weak" not in batch:
            return {"loss": loss(logits, labels)}
        doubtful = labels.isnan().any(dim=1)
        predicted = sure_predictions(model, batch["weak"], consistency.confidence)
        agreement = consistency_loss(loss, logits[doubtful], labels[doubtful], predicted)
        return {"loss": loss(logits, labels) + consistency.weight * agreement, "agreement": agreement}

    return measured


def validation_loss(
    loss: BatchLoss,
    validation: Labelled,
    batch_size: int = 256,
) -> Callable[[nn.Module], dict[str, float]]:
    """The mean `loss` over the whole records of `validation`, as `fit` asks for it."""

    @torch.no_grad()
    def measured(model: nn.Module) -> dict[str, float]:
        device, total, done = next(model.parameters()).device, 0.0, 0
        for signal in in_batches(validation.signals, batch_size):
            labels = torch.from_numpy(validation.labels[done : done + len(signal)])
            batch = {"signal": torch.from_numpy(signal).to(device), "labels": labels.to(device)}
            total += float(loss(model, batch)["loss"]) * len(signal)
            done += len(signal)
        return {"loss": total / done}

    return measured
