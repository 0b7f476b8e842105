"""A decoded recording held to its sketch: its beats are those that were asked for, and it is no noisier.

Codes of a few levels are coarse. A P wave of 0.1 mV may fall between two of them, so that a long PR interval is lost;
QRS complexes come out too low; and what is rounded differs from beat to beat, which looks like noise. But the sketch
says what the median beat is, how far beats wander from it and how noisy the leads are. So the median beat of the
recording is replaced by the sketch's, of either kind of beats, and what is left is made smaller where there is too much
of it, lead by lead, never larger. From beat to beat the recording still differs as the codes say.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vqecg.prior.sketch.layout import AFTER, BEFORE
from vqecg.prior.sketch.modeling import SketchModel
from vqecg.prior.sketch.rendering import render
from vqecg.prior.sketch.sketch import Sketch

WANDER_WIDTH = 0.28  # s, of the moving average that is wander; what is faster is noise
EDGE = 0.05  # s at either end of a beat, whose mean is its level
LEAST_LEFT = 0.3  # share of wander or noise that is left at least
QUIET = 1e-4  # mV, or mV a sample: less counts as this much


@dataclass(frozen=True)
class Asked:
    """The beats that recordings are to have, and the most that there may be beside them."""

    beat: Tensor  # (batch, 8, samples of a beat) mV, the usual one
    other: Tensor | None  # likewise, of beats of the other kind; None: there are none
    wander: Tensor  # (batch, 8) mV
    noise: Tensor  # (batch, 8) mV a sample


@torch.no_grad()
def corrected(signal: Tensor, sketch: Sketch, model: SketchModel) -> Tensor:
    """Recordings (batch, 8, samples) mV that were decoded for `sketch` -> the same, held to it."""
    other = model.other_beats(sketch.traits) if model.other_components else None
    asked = Asked(model.beats(sketch.traits), other, *model.levels(sketch.traits))
    return held_to(signal, sketch.times * model.hop_length, sketch.kinds, asked, model.sampling_rate)


@torch.no_grad()
def held_to(signal: Tensor, peaks: Tensor, unlike: Tensor, asked: Asked, sampling_rate: int) -> Tensor:
    """Recordings (batch, 8, samples) mV with the beats that were asked for at their R peaks, and no more beside them.

    `peaks` (batch, beats) in samples, NaN where there is none; `unlike` (batch, beats) bool, those of the other kind.
    A recording without R peaks stays as it is.
    """
    samples, rate = signal.shape[2], sampling_rate
    some = ((peaks >= 0) & (peaks < samples)).any(0)  # the others are room for beats that no record has
    peaks, unlike = peaks[:, some], unlike[:, some]
    inside = (peaks >= 0) & (peaks < samples)
    index = peaks.where(inside, torch.zeros_like(peaks)).round().long().clamp(max=samples - 1)
    whole = inside & (index >= round(BEFORE * rate)) & (index + round(AFTER * rate) <= samples)
    counted = torch.where(
        whole.any(1, keepdim=True), whole, inside
    )  # beats at the edges only where there are no others

    beats = beats_about(signal, index, rate)
    usual = counted & ~unlike
    usual = torch.where(usual.any(1, keepdim=True), usual, counted)
    median, other = masked_median(beats, usual), masked_median(beats, inside & unlike)
    rest = signal - on_level(peaks, median, samples, rate, other, unlike)

    wander, noise = measured_levels(beats_about(rest, index, rate), counted)
    slow = smoothed(rest, 2 * round(WANDER_WIDTH * rate / 2) + 1)
    rest = left_of(wander, asked.wander) * slow + left_of(noise, asked.noise) * (rest - slow)
    held = on_level(peaks, asked.beat, samples, rate, asked.other, unlike) + rest
    return torch.where(inside.any(1)[:, None, None], held, signal)


def on_level(
    peaks: Tensor, beat: Tensor, samples: int, sampling_rate: int, other: Tensor | None, unlike: Tensor
) -> Tensor:
    """`render`, but on the level that each lead of the beat begins and ends at, not on 0: (batch, leads, samples) mV.

    Between the beats of a slow heart a recording goes on at that level.
    """
    edge = max(1, round(EDGE * sampling_rate))
    level = (beat[..., :edge].mean(-1, keepdim=True) + beat[..., -edge:].mean(-1, keepdim=True)) / 2
    about = None if other is None else other - level
    return render(peaks, beat - level, samples, sampling_rate, about, unlike) + level


def beats_about(signal: Tensor, index: Tensor, sampling_rate: int) -> Tensor:
    """The beats of recordings (batch, leads, samples) about the samples `index` (batch, beats), the ends held.

    (batch, beats, leads, samples of a beat).
    """
    before, after = round(BEFORE * sampling_rate), round(AFTER * sampling_rate)
    padded = nn.functional.pad(signal, (before, after), mode="replicate")
    at = index[..., None] + torch.arange(before + after, device=signal.device)
    beats = padded.gather(2, at.flatten(1)[:, None].expand(-1, signal.shape[1], -1))
    return beats.unflatten(2, at.shape[1:]).transpose(1, 2)


def measured_levels(rest: Tensor, counted: Tensor) -> tuple[Tensor, Tensor]:
    """Wander, mV, and noise, mV a sample, of what is left of beats (batch, beats, leads, samples), as traits have them.

    (batch, leads) each, the median of those `counted` (batch, beats) bool.
    """
    slopes = rest.diff(dim=-1).abs().masked_fill(~counted[..., None, None], torch.nan)
    noise = slopes.transpose(1, 2).flatten(2).nanmedian(2).values.nan_to_num()
    return masked_median(rest.mean(-1).abs(), counted), noise


def left_of(level: Tensor, most: Tensor) -> Tensor:
    """The share of wander or noise (batch, leads) that is left where `most` was asked for: (batch, leads, 1)."""
    return (most / level.clamp_min(QUIET)).clamp(LEAST_LEFT, 1)[..., None]


def masked_median(values: Tensor, counted: Tensor) -> Tensor:
    """The median over the second dimension of those `counted` (batch, n) bool; 0 where there are none.

    Between the two in the middle where their number is even, as numpy has it.
    """
    shape = (*counted.shape, *[1] * (values.ndim - 2))
    ordered = values.masked_fill(~counted.view(shape), torch.inf).sort(1).values
    count = counted.sum(1).view(-1, *[1] * (values.ndim - 1))
    middle = [
        ordered.gather(1, place.clamp_min(0).expand(-1, 1, *values.shape[2:]))[:, 0]
        for place in ((count - 1) // 2, count // 2)
    ]
    return torch.where(count[:, 0] > 0, (middle[0] + middle[1]) / 2, 0.0)


def smoothed(signal: Tensor, width: int) -> Tensor:
    """The moving average of (batch, leads, samples) over `width` samples, an odd number, fewer at the ends."""
    return nn.functional.avg_pool1d(signal, width, 1, width // 2, count_include_pad=False)
