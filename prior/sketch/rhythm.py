"""The rhythm: R peak times <- labels, attributes, rate. The codes are then written for these times.

A record's rhythm is a few numbers, and a transformer over frames of 80 ms learns them badly: its beats drift. So the
rhythm is drawn first, by a small recurrent model of the intervals from one R peak to the next: the logarithm of the
ratio of an interval to the one before it follows a mixture of logistic distributions, given all before. The record's
end cuts the last interval short: what is known of it is only that it reached beyond the end, and that is what enters
the likelihood (as in survival analysis).
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.prior.conditioning import Condition, ConditionEmbedding
from vqecg.prior.sketch.layout import RHYTHM_TRAITS
from vqecg.prior.sketch.mixture import LogisticMixture
from vqecg.records.attributes import USUAL_ATTRIBUTES

SHORTEST, LONGEST = 2.0, 60.0  # frames from one R peak to the next (0.16 and 4.8 s at 12.5 frames a second)
SOONEST = 0.05  # frames from the record's start to its first R peak
TYPICAL = 10.0  # frames, the interval whose logarithm counts as 0


class RhythmModel(nn.Module):
    """R peak times, in frames from the record's start, one after the other."""

    def __init__(
        self,
        classes: int,
        frames: int,
        groups: int = 0,
        width: int = 64,
        components: int = 6,
        attributes: Sequence[str] = USUAL_ATTRIBUTES,
        unknown_labels: bool = False,
    ) -> None:
        super().__init__()
        self.frames = frames
        self.condition = ConditionEmbedding(classes, width, groups, attributes, unknown_labels)
        self.rate = nn.Linear(RHYTHM_TRAITS, width)
        self.interval = nn.Linear(3, width)
        self.recurrence = nn.GRU(width, width, batch_first=True)
        self.mixture = nn.Linear(width, 3 * components)
        nn.init.zeros_(self.mixture.weight)
        with torch.no_grad():  # at the start: from nearly the same interval again (1 %) to any (50 %)
            self.mixture.bias.zero_()[2 * components :] = torch.linspace(np.log(0.01), np.log(0.5), components)

    def forward(self, times: Tensor, context: Tensor) -> Tensor:
        """Negative log-likelihood in nats of each record's R peaks: (batch, beats) frames, NaN-padded -> (batch,).

        `context` (batch, width) is from the method of that name.
        """
        known = times.isfinite()
        times = times.nan_to_num(0.0)
        before = torch.cat([torch.zeros_like(times[:, :1]), times], dim=1)  # the start, then each beat
        there = torch.cat([torch.ones_like(known[:, :1]), known], dim=1)  # what is predicted from exists
        after = torch.cat([times, torch.zeros_like(times[:, :1])], dim=1)
        beat = torch.cat([known, torch.zeros_like(known[:, :1])], dim=1)  # a beat follows, rather than the end
        interval = torch.where(beat, after - before, self.frames - before).clamp(min=SOONEST)
        with torch.autocast(times.device.type, enabled=False):  # a heart keeps its rate to a percent, bf16 does not
            states, _ = self.recurrence(self.inputs(before, context.float()))
            mixture = self.mixture_after(states, self.last_intervals(before))
        value = (interval / TYPICAL).log()
        likelihood = torch.where(beat, mixture.log_density(value), mixture.log_survival(value))
        return -(likelihood * there).sum(1)

    def context(self, condition: Condition, traits: Tensor) -> Tensor:
        """Conditioning of all beats, (batch, width): labels, attributes, rate and irregularity (the first traits)."""
        return self.condition(condition) + self.rate(traits[:, :RHYTHM_TRAITS])

    def inputs(self, times: Tensor, context: Tensor) -> Tensor:
        """Inputs of the recurrence: (batch, beats) times, the first 0 for the start -> (batch, beats, width)."""
        first = torch.zeros_like(times)
        first[:, 0] = 1
        interval = torch.diff(times, dim=1, prepend=times[:, :1]).clamp(min=SHORTEST)
        seen = torch.stack([(interval / TYPICAL).log() * (1 - first), times / self.frames, first], dim=-1)
        return self.interval(seen) + context[:, None]

    def last_intervals(self, times: Tensor) -> Tensor:
        """Logarithm of the interval that ended at each of `times`, (batch, beats); 0 where there was none."""
        interval = torch.diff(times, dim=1, prepend=times[:, :1]).clamp(min=SHORTEST)
        # the way from the record's start to its first beat is no interval that the next one could resemble
        known = torch.cat([torch.zeros_like(times[:, :1]), times[:, :-1]], dim=1) > 0
        return torch.where(known, (interval / TYPICAL).log(), 0.0)

    def mixture_after(self, states: Tensor, last: Tensor) -> LogisticMixture:
        """Mixtures (batch, beats, components) of the next interval's logarithm, from states and `last_intervals`."""
        weight, mean, scale = self.mixture(states).chunk(3, dim=-1)
        return LogisticMixture(weight.log_softmax(-1), mean + last[..., None], scale.exp().clamp(1e-3, 10))

    @torch.inference_mode()
    def sample(self, context: Tensor, noise: Tensor) -> Tensor:
        """R peak times (batch, beats) in frames, NaN after the last; `noise` (batch, beats, 2) in [0, 1).

        There must be noise for `most_beats` beats.
        """
        times = torch.full(noise.shape[:2], torch.nan, device=noise.device)
        before, state = torch.zeros(len(noise), 1, device=noise.device), None  # the start, then the last beats
        for beat in range(noise.shape[1]):
            states, state = self.recurrence(self.inputs(before, context)[:, -1:], state)
            drawn = self.mixture_after(states, self.last_intervals(before)[:, -1:]).draw(noise[:, beat, None])
            interval = (TYPICAL * drawn.exp()).clamp(SHORTEST if beat else SOONEST, LONGEST)
            time = before[:, -1:] + interval
            before = torch.cat([before, time], dim=1)
            times[:, beat] = torch.where(time < self.frames, time, torch.nan)[:, 0]
            if bool((time >= self.frames).all()):
                break
        return times


def most_beats(frames: int) -> int:
    """The number of R peaks that a record of so many frames has room for."""
    return int(frames / SHORTEST) + 1


def beat_distances(times: Tensor, frames: int, bins: int) -> Tensor:
    """Distances of each frame to the beats around it: (batch, beats) frames, NaN-padded -> (batch, frames, 2) int64.

    In eighths of a frame: since the last R peak before the frame's start, and from there until the next; bins - 1 for
    that far, further, or none.
    """
    start = torch.arange(frames, device=times.device, dtype=torch.float32)
    far = torch.full_like(times[:, :1], torch.inf)
    ordered = torch.cat([-far, times.nan_to_num(torch.inf), far], dim=1).contiguous()
    following = torch.searchsorted(ordered, start.expand(len(times), -1).contiguous())
    until = ordered.gather(1, following) - start
    since = start - ordered.gather(1, following - 1)
    return torch.stack([since, until], dim=-1).mul(8).clamp(max=bins - 1).long()


def pad_times(peaks: list[np.ndarray], hop_length: float, frames: int) -> np.ndarray:
    """R peaks in samples, one array per record -> (records, most_beats) float32 frames, NaN after the last.

    Raises ValueError for a record with more peaks than it has room for.
    """
    times = np.full((len(peaks), most_beats(frames)), np.nan, np.float32)
    for row, record_peaks in enumerate(peaks):
        if len(record_peaks) > times.shape[1]:
            raise ValueError(
                f"record {row} has {len(record_peaks)} R peaks in {frames} frames; expected at most {times.shape[1]}, "
                f"one every {SHORTEST:g} frames: use a tokenizer with shorter frames"
            )
        times[row, : len(record_peaks)] = record_peaks / hop_length
    return times


def move_times(times: np.ndarray, moves: np.ndarray, frames: int) -> np.ndarray:
    """Times (records, beats) of records that begin `moves` (records,) frames later; beats now outside are left out."""
    moved = times - moves[:, None].astype(np.float32)
    moved[(moved < 0) | (moved >= frames)] = np.nan
    return np.sort(moved, axis=1)  # NaN last
