"""Kinds of beats: how many of a record's are unlike the usual one, and which.

How many is drawn first, of AMOUNTS, from labels, attributes and rate; then each beat's kind, given all before. Without
the first draw kinds run away: a model that has drawn two such beats takes the record for one that is full of them.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

AMOUNTS = (0.0, 0.09, 0.18, 0.35)  # shares of a record's beats that are unlike the usual one: up to each, and more
RARE = -3.0  # logit of a beat of another kind, at the start: one in twenty


class BeatKinds(nn.Module):
    """The part of a rhythm model that knows two kinds of beats: 0 the usual one, 1 one unlike it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.amount = nn.Linear(width, len(AMOUNTS) + 1)  # logits
        self.kind = nn.Linear(width, 1)  # logit of a beat unlike the usual one
        self.of_amount = nn.Embedding(len(AMOUNTS) + 1, width)  # added to the context of records with such an amount
        self.of_kind = nn.Embedding(2, width)  # added to the state before a beat of that kind
        nn.init.zeros_(self.kind.weight)
        nn.init.constant_(self.kind.bias, RARE)

    def log_amounts(self, context: Tensor) -> Tensor:
        """The logarithms of the chances of each amount: (batch, width) -> (batch, amounts)."""
        return self.amount(context).log_softmax(-1)

    def log_kinds(self, states: Tensor) -> Tensor:
        """The logarithms of the chances of either kind of the next beat: (batch, beats, width) -> (2, batch, beats)."""
        logit = self.kind(states)[..., 0]
        return torch.stack([logsigmoid(-logit), logsigmoid(logit)])

    def draw_amount(self, context: Tensor, noise: Tensor, unknown: Tensor | None = None, guidance: float = 1) -> Tensor:
        """An amount for each record, (batch,) int64; `noise` (batch,) in [0, 1).

        With the context of an `unknown` record, what is asked for moves the chances `guidance` times as far from its.
        """
        asked = self.log_amounts(context)
        if unknown is not None:
            base = self.log_amounts(unknown)
            asked = (base + guidance * (asked - base)).log_softmax(-1)
        below = asked.exp().cumsum(-1) < noise[:, None]
        return below.sum(-1).clamp(max=len(AMOUNTS))

    def draw_kind(self, states: Tensor, noise: Tensor) -> Tensor:
        """The kind of the next beat, (batch, beats) bool; `noise` of the same shape in [0, 1)."""
        return noise < self.kind(states)[..., 0].sigmoid()


def amount_of(unlike: Tensor, known: Tensor) -> Tensor:
    """The place among AMOUNTS of the share of the `known` beats that are unlike the usual one.

    (batch, beats) bool each -> (batch,) int64.
    """
    share = (unlike & known).sum(1) / known.sum(1).clamp_min(1)
    return torch.bucketize(share, torch.tensor(AMOUNTS, device=share.device))
