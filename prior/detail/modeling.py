"""The levels that the prior does not write, predicted from those that it writes and from the sketch.

A prior that writes all eight levels spends itself on near noise, and one that writes two leaves each beat's amplitude
to where the frames happen to fall: QRS complexes of one record differ by 12 % from beat to beat, in recordings by 5 %.
But much of what is missing is no chance. The sketch tells the representative beat, and a small convolutional network
that sees it, as numbers and in its place, puts the rest back as well as it can be known: its mean.
"""

import torch
from torch import Tensor, nn

from vqecg.prior.sketch.rendering import FrameEmbedding
from vqecg.prior.sketch.rhythm import beat_distances
from vqecg.prior.sketch.sketch import Sketch

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
    """Embedding of the first levels, sketch -> the sum of the other levels' vectors. A new model adds nothing."""

    def __init__(
        self, dimension: int, traits: int, frames: int, beat_bins: int, hop_length: int, width: int, blocks: int
    ) -> None:
        super().__init__()
        self.frames, self.beat_bins = frames, beat_bins
        self.embedding = nn.Linear(dimension, width)
        self.traits = nn.Linear(traits, width)
        self.beats = nn.Embedding(2 * beat_bins, width)
        self.look = FrameEmbedding(hop_length, width)
        self.blocks = nn.Sequential(*[DetailBlock(width) for _ in range(blocks)])
        self.out = nn.Linear(width, dimension)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, embedding: Tensor, sketch: Sketch, rendered: Tensor) -> Tensor:
        """(batch, frames, dimension), the quantized embedding of the first levels -> the same shape, to be added.

        `rendered` (batch, 8, frames * hop length) is the sketch as a recording.
        """
        distances = beat_distances(sketch.times, self.frames, self.beat_bins)
        distances = distances + torch.tensor([0, self.beat_bins], device=distances.device)
        context = self.traits(sketch.traits)[:, None] + self.beats(distances).sum(2) + self.look(rendered)
        hidden = self.blocks((self.embedding(embedding) + context).transpose(1, 2))
        return self.out(hidden.transpose(1, 2))
