"""A sketch as a recording: its representative beat at every R peak. The codes are written for it, frame by frame.

A transformer that is given the components of the beat alone has to learn first what a beat of such components looks
like. Shown that beat frame by frame it learns in half the steps, and writes more nearly the beat that was asked for.
"""

import torch
from torch import Tensor, nn

from vqecg.prior.sketch.layout import AFTER, BEFORE
from vqecg.records.leads import INDEPENDENT_LEADS

FADE = 0.06  # s at either end of a beat, over which it comes and goes
SCALE = 0.25  # mV that count as 1
SIDES = 1  # frames before and after that a frame is shown with


def render(
    peaks: Tensor,
    beat: Tensor,
    samples: int,
    sampling_rate: int,
    other: Tensor | None = None,
    unlike: Tensor | None = None,
) -> Tensor:
    """One beat per record (batch, leads, n) mV, put at its R peaks (batch, beats) -> (batch, leads, samples) mV.

    Peaks are in samples, NaN where there is none; a beat reaches from BEFORE to AFTER its peak. Where beats overlap the
    result is their mean, weighted by how far they have come or gone; where there is none it is 0. At the peaks that are
    `unlike` (batch, beats) bool the `other` beat stands, of the same shape.
    """
    before, after = round(BEFORE * sampling_rate), round(AFTER * sampling_rate)
    window = fade(before + after, sampling_rate).to(beat)
    inside = (peaks >= 0) & (peaks < samples)
    some = inside.any(0)  # the others are room for beats that no record has
    peaks, inside = peaks[:, some], inside[:, some]
    first = peaks.where(inside, torch.zeros_like(peaks)).round().long().clamp(max=samples - 1)
    index = (first[..., None] + torch.arange(before + after, device=beat.device)).flatten(1)
    weight = inside[..., None] * window  # (batch, beats, n)
    padded = samples + before + after
    total = weight.new_zeros(len(peaks), padded).scatter_add_(1, index, weight.flatten(1))
    beats = beat[:, :, None]
    if other is not None and unlike is not None:
        beats = torch.where(unlike[:, None, some, None], other[:, :, None], beats)
    placed = (weight[:, None] * beats).flatten(2)  # (batch, leads, beats * n)
    drawn = beat.new_zeros(*beat.shape[:2], padded).scatter_add_(2, index[:, None].expand_as(placed), placed)
    return (drawn / total.clamp_min(1)[:, None])[..., before : before + samples]


def fade(length: int, sampling_rate: int) -> Tensor:
    """(length,) weights of a beat's samples: 1, and a cosine down to 0 at its ends."""
    from_end = torch.minimum(torch.arange(length), torch.arange(length).flip(0)) + 0.5
    return 0.5 - 0.5 * torch.cos(torch.pi * (from_end / (FADE * sampling_rate)).clamp(max=1))


class FrameEmbedding(nn.Module):
    """(batch, 8, frames * hop length) mV -> (batch, frames, width): what each frame and those beside it look like."""

    def __init__(self, hop_length: int, width: int) -> None:
        super().__init__()
        self.hop_length = hop_length
        shown = (2 * SIDES + 1) * hop_length * len(INDEPENDENT_LEADS)
        self.layers = nn.Sequential(nn.Linear(shown, width), nn.SiLU(), nn.Linear(width, width, bias=False))

    def forward(self, signal: Tensor) -> Tensor:
        hop = self.hop_length
        padded = nn.functional.pad(signal / SCALE, (SIDES * hop, SIDES * hop))
        windows = padded.unfold(2, (2 * SIDES + 1) * hop, hop)  # (batch, 8, frames, samples shown)
        return self.layers(windows.transpose(1, 2).flatten(2))
