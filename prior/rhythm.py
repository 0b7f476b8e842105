"""When the heart beats: R peak times <- labels, age, sex. The codes are then written for these times.

A record's rhythm is a few numbers, and a transformer over frames of 80 ms learns them badly: its beats drift. So the
rhythm is drawn first, by a small recurrent model of the intervals from one R peak to the next: the logarithm of the
ratio of an interval to the one before it follows a mixture of logistic distributions, given all before. The record's
end cuts the last interval short: what is known of it is only that it reached beyond the end, and that is what enters
the likelihood (as in survival analysis).
"""

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.prior.condition import Condition, ConditionEmbedding

SHORTEST, LONGEST = 2.0, 60.0  # frames from one R peak to the next (0.16 and 4.8 s at 12.5 frames a second)
TYPICAL = 10.0  # frames, the interval whose logarithm counts as 0
MAX_BEATS = 48  # in a record of 10 s: room for 290 a minute


class RhythmModel(nn.Module):
    """R peak times, in frames from the record's start, one after the other."""

    def __init__(self, classes: int, frames: int, groups: int = 0, width: int = 64, components: int = 6) -> None:
        super().__init__()
        self.frames, self.components = frames, components
        self.condition = ConditionEmbedding(classes, width, groups)
        self.interval = nn.Linear(3, width)
        self.recurrence = nn.GRU(width, width, batch_first=True)
        self.mixture = nn.Linear(width, 3 * components)
        nn.init.zeros_(self.mixture.weight)
        with torch.no_grad():  # at the start: from nearly the same interval again (1 %) to any (50 %)
            self.mixture.bias.zero_()[2 * components :] = torch.linspace(np.log(0.01), np.log(0.5), components)

    def forward(self, times: Tensor, condition: Condition) -> Tensor:
        """Negative log-likelihood in nats of each record's R peaks: (batch, beats) frames, NaN-padded -> (batch,)."""
        known = times.isfinite()
        times = times.nan_to_num(0.0)
        before = torch.cat([torch.zeros_like(times[:, :1]), times], dim=1)  # the start, then each beat
        there = torch.cat([torch.ones_like(known[:, :1]), known], dim=1)  # what is predicted from exists
        after = torch.cat([times, torch.zeros_like(times[:, :1])], dim=1)
        beat = torch.cat([known, torch.zeros_like(known[:, :1])], dim=1)  # a beat follows, rather than the end
        interval = torch.where(beat, after - before, self.frames - before).clamp(min=0.05)
        with torch.autocast(times.device.type, enabled=False):  # a heart keeps its rate to a percent, bf16 does not
            states, _ = self.recurrence(self.inputs(before, condition))
            weight, mean, scale = self.components_of(states, before)
        z = ((interval / TYPICAL).log()[..., None] - mean) / scale
        density = weight + nn.functional.logsigmoid(z) + nn.functional.logsigmoid(-z) - scale.log()
        survival = weight + nn.functional.logsigmoid(-z)
        likelihood = torch.where(beat[..., None], density, survival).logsumexp(-1)
        return -(likelihood * there).sum(1)

    def inputs(self, times: Tensor, condition: Condition) -> Tensor:
        """What is predicted from: (batch, beats) times, the first 0 for the start -> (batch, beats, width)."""
        first = torch.zeros_like(times)
        first[:, 0] = 1
        interval = torch.diff(times, dim=1, prepend=times[:, :1]).clamp(min=SHORTEST)
        told = torch.stack([(interval / TYPICAL).log() * (1 - first), times / self.frames, first], dim=-1)
        return self.interval(told) + self.condition(condition)[:, None]

    def components_of(self, states: Tensor, times: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log weights, means and scales of the mixture after each of `times`, (batch, beats, components) each."""
        weight, mean, scale = self.mixture(states).chunk(3, dim=-1)
        interval = torch.diff(times, dim=1, prepend=times[:, :1]).clamp(min=SHORTEST)
        # the way from the record's start to its first beat is no interval that the next one could resemble
        known = torch.cat([torch.zeros_like(times[:, :1]), times[:, :-1]], dim=1) > 0
        last = torch.where(known, (interval / TYPICAL).log(), 0.0)
        return weight.log_softmax(-1), mean + last[..., None], scale.exp().clamp(1e-3, 10)

    @torch.inference_mode()
    def sample(self, condition: Condition, noise: Tensor) -> Tensor:
        """R peak times (batch, MAX_BEATS) in frames, NaN after the last; `noise` (batch, MAX_BEATS, 2) in [0, 1)."""
        times = torch.full((len(noise), MAX_BEATS), torch.nan, device=noise.device)
        before, state = torch.zeros(len(noise), 1, device=noise.device), None  # the start, then the last beats
        for beat in range(MAX_BEATS):
            states, state = self.recurrence(self.inputs(before, condition)[:, -1:], state)
            weight, mean, scale = (part[:, -1] for part in self.components_of(states, before))
            chosen = (weight.exp().cumsum(-1) < noise[:, beat, :1]).sum(-1, keepdim=True).clamp(max=self.components - 1)
            uniform = noise[:, beat, 1:].clamp(1e-4, 1 - 1e-4)
            drawn = mean.gather(-1, chosen) + scale.gather(-1, chosen) * uniform.logit()
            interval = (TYPICAL * drawn.exp()).clamp(SHORTEST if beat else 0.05, LONGEST)
            time = before[:, -1:] + interval
            before = torch.cat([before, time], dim=1)
            times[:, beat] = torch.where(time < self.frames, time, torch.nan)[:, 0]
        return times


def beat_distances(times: Tensor, frames: int, bins: int) -> Tensor:
    """How far each frame is from the beats around it: (batch, beats) frames, NaN-padded -> (batch, frames, 2) int64.

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


def beat_noise(seed: int, first: int, count: int) -> Tensor:
    """Uniform noise (count, MAX_BEATS, 2) float32 of the records first, first + 1, ...: one stream a record."""
    rows = [np.random.default_rng([seed, first + n, 1]).random((MAX_BEATS, 2), np.float32) for n in range(count)]
    return torch.from_numpy(np.stack(rows)) if rows else torch.zeros(0, MAX_BEATS, 2)


def pad_times(found: list[np.ndarray], hop_length: float) -> np.ndarray:
    """R peaks in samples, one array a record -> (records, MAX_BEATS) float32 frames, NaN after the last."""
    times = np.full((len(found), MAX_BEATS), np.nan, np.float32)
    for row, peaks in enumerate(found):
        times[row, : len(peaks)] = peaks[:MAX_BEATS] / hop_length
    return times


def move_times(times: np.ndarray, moves: np.ndarray, frames: int) -> np.ndarray:
    """Times (records, beats) of records that begin `moves` (records,) frames later; beats now outside are left out."""
    moved = times - moves[:, None].astype(np.float32)
    moved[(moved < 0) | (moved >= frames)] = np.nan
    return np.sort(moved, axis=1)  # NaN last
