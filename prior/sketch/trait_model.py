"""Traits <- labels and attributes: one trait after the other, each a mixture of logistics given those before it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vqecg.prior.conditioning import Condition, ConditionEmbedding
from vqecg.prior.sketch.layout import LEAD_TRAITS, RHYTHM_TRAITS
from vqecg.prior.sketch.mixture import LogisticMixture
from vqecg.prior.sketch.recurrence import next_state
from vqecg.records.attributes import USUAL_ATTRIBUTES

RHYTHM_GUIDANCE = 0.5  # share of it that reaches rate and irregularity: more makes pauses that no heart makes
RHYTHM_PACE = 6.0  # times: so much faster do rate, irregularity and P wave learn what a label says of them


class TraitModel(nn.Module):
    """Density of the traits (prior/sketch/traits.py) of a record, given its condition.

    Mean and spread of every trait follow the labels directly too, not only through the recurrent network: a label of
    twenty records moves an axis, and cannot teach a network to. Nor need it learn what is linear in the traits before.
    """

    pace: Tensor

    def __init__(
        self,
        classes: int,
        traits: int,
        groups: int = 0,
        width: int = 128,
        components: int = 4,
        dropout: float = 0.3,
        attributes: Sequence[str] = USUAL_ATTRIBUTES,
        unknown_labels: bool = False,
    ) -> None:
        super().__init__()
        self.condition = ConditionEmbedding(classes, width, groups, attributes, unknown_labels)
        self.value = nn.Linear(1, width)
        self.position = nn.Parameter(0.3 * torch.randn(traits, width))
        self.recurrence = nn.GRU(width, width, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.mean = nn.Linear(width, traits)
        self.label_shift = nn.Linear(classes + groups, 2 * traits, bias=False)  # of mean and logarithm of the scale
        self.register_buffer("pace", torch.ones(traits), persistent=False)
        self.pace[:LEAD_TRAITS] = RHYTHM_PACE
        self.linear = nn.Parameter(torch.zeros(traits, traits))  # of a mean in those before: below the diagonal
        self.mixture = nn.Parameter(torch.zeros(traits, width, 3 * components))
        self.bias = nn.Parameter(torch.zeros(traits, 3 * components))
        nn.init.zeros_(self.mean.weight)
        nn.init.zeros_(self.mean.bias)
        nn.init.zeros_(self.label_shift.weight)
        with torch.no_grad():  # at the start about a normal distribution
            self.bias[:, components : 2 * components] = torch.linspace(-0.5, 0.5, components)
            self.bias[:, 2 * components :] = -0.7

    def forward(self, traits: Tensor, condition: Condition, known: Tensor | None = None) -> Tensor:
        """Negative log-likelihood in nats of each record's traits: (batch, traits) -> (batch,).

        Only of those that are `known` (batch, traits) bool: a record may have no second beat. None: all are.
        """
        with torch.autocast(traits.device.type, enabled=False):
            context = self.condition(condition)
            before = nn.functional.pad(traits[:, :-1], (1, 0))
            inputs = self.value(before[..., None]) + self.position + self.dropout(context)[:, None]
            states, _ = self.recurrence(inputs)
            parts = torch.einsum("btw,twk->btk", self.dropout(states), self.mixture) + self.bias
            shifts = self.shifts(condition, context)
            shifts = shifts + nn.functional.pad((traits @ self.linear.tril(-1).T)[:, None], (0, 0, 0, 1))
            likelihood = mixture_of(parts, shifts).log_density(traits)
            return -(likelihood if known is None else likelihood.where(known, 0.0)).sum(1)

    def shifts(self, condition: Condition, context: Tensor) -> Tensor:
        """Shifts of mean and logarithm of the scale of each trait by the condition alone: (batch, 2, traits)."""
        labels = self.label_shift(self.condition.label_vector(condition))
        labels = torch.where(condition.hidden[:, None], 0.0, labels).unflatten(-1, (2, -1)) * self.pace
        return labels + nn.functional.pad(self.mean(context)[:, None], (0, 0, 0, 1))

    def guided_shifts(self, condition: Condition, guidance: float) -> Tensor:
        """`shifts` whose means lie `guidance` times as far from those of a record of which nothing is known.

        Above 1, rate and irregularity go RHYTHM_GUIDANCE of the way from 1 to `guidance`.
        """
        reach = torch.full_like(self.pace, guidance)
        reach[:RHYTHM_TRAITS] = min(guidance, 1 + RHYTHM_GUIDANCE * (guidance - 1))
        both = condition.with_null()
        asked, unknown = self.shifts(both, self.condition(both)).chunk(2)
        mean, spread = asked.unbind(1)
        return torch.stack([unknown[:, 0] + reach * (mean - unknown[:, 0]), spread], dim=1)

    @torch.inference_mode()
    def sample(
        self, condition: Condition, noise: Tensor, limits: Tensor, temperature: float = 1.0, guidance: float = 1.0
    ) -> Tensor:
        """Traits (batch, traits) float32; `noise` (batch, traits, 2) uniform in [0, 1), `limits` (2, traits)."""
        inputs, shifts = self.position + self.condition(condition)[:, None], self.guided_shifts(condition, guidance)
        linear = self.linear.tril(-1)
        drawn, last, state = noise.new_zeros(noise.shape[:2]), noise.new_zeros(len(noise)), None
        for trait in range(noise.shape[1]):
            state = next_state(self.recurrence, inputs[:, trait] + self.value(last[:, None]), state)
            parts = torch.addmm(self.bias[trait], state, self.mixture[trait])
            shifts[:, 0, trait] += drawn @ linear[trait]
            mixture = mixture_of(parts, shifts[:, :, trait])
            last = drawn[:, trait] = mixture.draw(noise[:, trait], temperature).clamp(*limits[:, trait])
        return drawn


def mixture_of(parts: Tensor, shifts: Tensor) -> LogisticMixture:
    """Mixtures of traits: parts (batch, ..., 3 * components), and shifts (batch, 2, ...) of their means and scales."""
    weight, offset, scale = parts.chunk(3, dim=-1)
    mean, spread = shifts[..., None].unbind(1)
    return LogisticMixture(weight.log_softmax(-1), offset * spread.exp() + mean, (scale + spread).exp().clamp(0.02, 5))
