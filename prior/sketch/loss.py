"""The loss of the model of sketches: their likelihood, and how much likelier their labels make them than others' do.

Of some 60 nats that the traits of a record have, its labels explain two. A network that learns the likelihood alone
forgets the labels while it still learns the rest. So it also learns to tell, of two sets of labels, which is the
record's, from how likely each makes the sketch (as in noise-contrastive estimation, Gutmann and Hyvarinen 2010).
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
        contrasted = self.contrast > 0 and model.training
        losses = model(sketch.twice(), condition.with_others_labels()) if contrasted else model(sketch, condition)
        count = len(sketch)
        parts = {
            "loss/beats": losses.beats[:count].sum() / (sketch.times.isfinite().sum() + count),
            "loss/traits": losses.traits[:count].mean() / sketch.traits.shape[1],
        }
        if contrasted:
            choice = wrong_choice(losses, condition).mean() / sketch.traits.shape[1]
            parts["loss/labels"] = self.contrast * choice
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}


def wrong_choice(losses: SketchLosses, condition: Condition) -> Tensor:
    """The logarithm of the chance of taking another record's labels for the right ones, negative: (batch,) nats.

    `losses` are those of the records with their own labels, then with another's; 0 where both are the same, hidden or
    unknown.
    """
    right, others = (losses.traits + losses.beats).chunk(2)
    labels, wrong = condition.with_others_labels().labels.chunk(2)
    telling = (labels != wrong).any(1) & (labels + wrong).isfinite().all(1) & ~condition.hidden
    return nn.functional.softplus(right - others).where(telling, 0.0)
