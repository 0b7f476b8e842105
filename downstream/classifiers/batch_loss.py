"""The loss of a batch as `fit` asks for it, in training and over a validation part."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.downstream.classifiers.losses import LOSSES, LossSettings, over_known
from vqecg.downstream.classifiers.signals import Signals, in_batches


class Labelled(Protocol):
    """Signals with their labels."""

    @property
    def signals(self) -> Signals: ...

    @property
    def labels(self) -> np.ndarray: ...


def loss_of(
    settings: LossSettings, labels: np.ndarray, unknown: bool = False
) -> Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]]:
    """The loss as `fit` asks for it; `labels` (records, classes) are those of training, for the weights of classes.

    It is a mean over the labels that are known where some may be `unknown`.
    """
    loss = LOSSES.get(settings.name)(settings, labels)
    loss = over_known(loss) if unknown else loss

    def measured(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        kinds = (batch["synthetic"],) if "synthetic" in batch else ()
        return {"loss": loss(model(batch["signal"], *kinds).float(), batch["labels"])}

    return measured


def validation_loss(
    loss: Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]],
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
