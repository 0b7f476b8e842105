"""What the levels that are not written hold: predicted from those that are, and from the sketch.

A prior that writes all eight levels spends itself on near noise, and one that writes two leaves each beat's amplitude
to where the frames happen to fall: QRS complexes of one record differ by 12 % from beat to beat, in recordings by 5 %.
But much of what is missing is no chance. The sketch tells the representative beat, and a small convolutional network
that sees it puts the rest back as well as it can be known: its mean.
"""

import torch
from torch import Tensor, nn

from vqecg.prior.rhythm import beat_distances
from vqecg.prior.sketch import Sketch

KERNEL = 7  # frames that a layer sees


class DetailBlock(nn.Module):
    """(batch, width, frames) -> the same, with something added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.spread = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mix(nn.functional.silu(self.spread(nn.functional.silu(self.norm(x)))))


class DetailModel(nn.Module):
    """Embedding of the first levels, sketch -> what the other levels would add. A new model adds nothing."""

    def __init__(
        self, dimension: int, traits: int, frames: int, beat_bins: int, trait_noise: float, width: int, blocks: int
    ) -> None:
        super().__init__()
        self.frames, self.beat_bins, self.trait_noise = frames, beat_bins, trait_noise
        self.embedding = nn.Linear(dimension, width)
        self.traits = nn.Linear(traits, width)
        self.beats = nn.Embedding(2 * beat_bins, width)
        self.blocks = nn.Sequential(*[DetailBlock(width) for _ in range(blocks)])
        self.out = nn.Linear(width, dimension)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, embedding: Tensor, sketch: Sketch) -> Tensor:
        """(batch, frames, dimension), the quantized embedding of the first levels -> the same shape, to be added."""
        distances = beat_distances(sketch.times, self.frames, self.beat_bins)
        distances = distances + torch.tensor([0, self.beat_bins], device=distances.device)
        traits = sketch.traits
        if self.training:  # as the transformer is told them, so that they name no record
            traits = traits + self.trait_noise * torch.randn_like(traits)
        told = self.traits(traits)[:, None] + self.beats(distances).sum(2)
        hidden = self.blocks((self.embedding(embedding) + told).transpose(1, 2))
        return self.out(hidden.transpose(1, 2))
