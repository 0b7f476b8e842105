"""The loss of the model of sketches: their likelihood, and how much likelier their labels make them than others' do.

Labels explain a small part of a sketch. A network that learns the likelihood alone forgets them while it still learns
the rest. So it also learns to choose, of two sets of labels, the record's, by how likely each makes the sketch (as in
noise-contrastive estimation, Gutmann and Hyvarinen 2010).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vqecg.prior.conditioning import Condition
from vqecg.prior.sketch.modeling import SketchLosses
from vqecg.prior.sketch.sketch import Sketch


@dataclass(frozen=True)
class SketchLoss:
    """The losses of a batch, by name: nats per beat and per trait, their sum, and what the choice of labels adds."""

    contrast: float = 0.0  # weight of the choice: nats of it count so many times as those of the likelihood

    def __call__(self, model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """`loss/beats` and `loss/traits`, and in training, with a contrast, `loss/labels`; `loss` is their sum."""
        condition, sketch = Condition.from_batch(batch), Sketch.from_batch(batch)
        count, contrasted = len(sketch), self.contrast > 0 and model.training
        both = condition.with_others_labels() if contrasted else condition
        losses = model(sketch.twice() if contrasted else sketch, both)
        parts = {
            "loss/beats": losses.beats[:count].sum() / (sketch.times.isfinite().sum() + count),
            "loss/traits": losses.traits[:count].mean() / sketch.traits.shape[1],
        }
        if contrasted:
            parts["loss/labels"] = self.contrast * choice_loss(losses, both).mean() / sketch.traits.shape[1]
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}


def choice_loss(losses: SketchLosses, both: Condition) -> Tensor:
    """Negative logarithm of the chance of choosing each record's labels, not another's: (batch,) nats.

    `losses` (2 * batch,) and `both` are of the records with their labels, then with another's, as `with_others_labels`
    gives them. 0 where the two are the same, hidden, or unknown in part.
    """
    right, others = (losses.traits + losses.beats).chunk(2)
    labels, wrong = both.labels.chunk(2)
    hidden = both.hidden[: len(right)]
    telling = (labels != wrong).any(1) & (labels + wrong).isfinite().all(1) & ~hidden
    return nn.functional.softplus(right - others).where(telling, 0.0)
