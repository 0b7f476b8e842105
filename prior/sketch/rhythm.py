"""The rhythm: R peak times and kinds of beats <- labels, attributes, rate. Codes are then written for these.

A record's rhythm is a few numbers, and a transformer over frames of 80 ms learns them badly: its beats drift. So the
rhythm is drawn first, by a small recurrent model of the intervals from one R peak to the next: the logarithm of the
ratio of an interval to the one before it follows a mixture of logistic distributions, given all before. The record's
end cuts the last interval short: what is known of it is only that it reached beyond the end, and that is what enters
the likelihood (as in survival analysis).

Where beats have kinds (beat_kinds.py), a beat's is drawn before its interval, which it decides: an ectopic beat comes
early, and the next one late. A beat beyond the end may have been of either kind.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.prior.conditioning import Condition, ConditionEmbedding
from vqecg.prior.sketch.beat_kinds import BeatKinds, amount_of
from vqecg.prior.sketch.layout import RHYTHM_TRAITS
from vqecg.prior.sketch.mixture import LogisticMixture
from vqecg.prior.sketch.recurrence import next_state
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
        kinds: bool = False,
    ) -> None:
        super().__init__()
        self.frames = frames
        self.condition = ConditionEmbedding(classes, width, groups, attributes, unknown_labels)
        self.rate = nn.Linear(RHYTHM_TRAITS, width)
        self.interval = nn.Linear(4 if kinds else 3, width)
        self.kinds = BeatKinds(width) if kinds else None
        self.recurrence = nn.GRU(width, width, batch_first=True)
        self.mixture = nn.Linear(width, 3 * components)
        nn.init.zeros_(self.mixture.weight)
        with torch.no_grad():  # at the start: from nearly the same interval again (1 %) to any (50 %)
            self.mixture.bias.zero_()[2 * components :] = torch.linspace(np.log(0.01), np.log(0.5), components)

    def forward(self, times: Tensor, context: Tensor, unlike: Tensor | None = None) -> Tensor:
        """Negative log-likelihood in nats of each record's R peaks: (batch, beats) frames, NaN-padded -> (batch,).

        `context` (batch, width) is from the method of that name; `unlike` (batch, beats) bool are the beats' kinds,
        which a model without kinds leaves out; None: all are usual ones.
        """
        known = times.isfinite()
        times = times.nan_to_num(0.0)
        before = torch.cat([torch.zeros_like(times[:, :1]), times], dim=1)  # the start, then each beat
        there = torch.cat([torch.ones_like(known[:, :1]), known], dim=1)  # what is predicted from exists
        after = torch.cat([times, torch.zeros_like(times[:, :1])], dim=1)
        beat = torch.cat([known, torch.zeros_like(known[:, :1])], dim=1)  # a beat follows, rather than the end
        interval = torch.where(beat, after - before, self.frames - before).clamp(min=SOONEST)
        with torch.autocast(times.device.type, enabled=False):  # a heart keeps its rate to a percent, bf16 does not
            last, value = self.last_intervals(before), (interval / TYPICAL).log()
            if self.kinds is None:
                states, _ = self.recurrence(self.inputs(before, context.float()))
                mixture = self.mixture_after(states, last)
                likelihood = torch.where(beat, mixture.log_density(value), mixture.log_survival(value))
                return -(likelihood * there).sum(1)
            unlike = torch.zeros_like(known) if unlike is None else unlike
            none, amount = torch.zeros_like(unlike[:, :1]), amount_of(unlike, known)
            of_amount = self.kinds.log_amounts(context.float()).gather(1, amount[:, None])[:, 0]
            context = context.float() + self.kinds.of_amount(amount)
            states, _ = self.recurrence(self.inputs(before, context, torch.cat([none, unlike], dim=1)))
            of_kind = [self.mixture_after(states + shift, last) for shift in self.kinds.of_kind.weight]
            chance = self.kinds.log_kinds(states)
            density = chance + torch.stack([mixture.log_density(value) for mixture in of_kind])
            survival = chance + torch.stack([mixture.log_survival(value) for mixture in of_kind])
            drawn = torch.where(torch.cat([unlike, none], dim=1), density[1], density[0])
            return -(torch.where(beat, drawn, survival.logsumexp(0)) * there).sum(1) - of_amount

    def context(self, condition: Condition, traits: Tensor) -> Tensor:
        """Conditioning of all beats, (batch, width): labels, attributes, rate and irregularity (the first traits)."""
        return self.condition(condition) + self.rate(traits[:, :RHYTHM_TRAITS])

    def inputs(self, times: Tensor, context: Tensor, unlike: Tensor | None = None) -> Tensor:
        """Inputs of the recurrence: (batch, beats) times, the first 0 for the start -> (batch, beats, width).

        `unlike` (batch, beats) bool are the kinds of these beats, where they have any.
        """
        first = torch.zeros_like(times)
        first[:, 0] = 1
        interval = torch.diff(times, dim=1, prepend=times[:, :1]).clamp(min=SHORTEST)
        seen = [(interval / TYPICAL).log() * (1 - first), times / self.frames, first]
        if self.kinds is not None:
            seen.append(torch.zeros_like(times) if unlike is None else unlike.to(times.dtype))
        return self.interval(torch.stack(seen, dim=-1)) + context[:, None]

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
    def sample(
        self,
        context: Tensor,
        noise: Tensor,
        of_kinds: Tensor | None = None,
        unknown: Tensor | None = None,
        guidance: float = 1,
    ) -> tuple[Tensor, Tensor | None]:
        """R peak times (batch, beats) in frames, NaN after the last, and kinds (batch, beats) bool, None without any.

        `noise` (batch, beats, 2) in [0, 1), for `most_beats` beats; `of_kinds` (batch, 1 + beats) likewise, for a
        model with kinds: for their amount, then for each. `unknown` and `guidance` are of `BeatKinds.draw_amount`.
        Raises ValueError for a model with kinds and no noise for them.
        """
        if self.kinds is not None and of_kinds is None:
            raise ValueError("this rhythm draws kinds of beats too; expected noise for them: give of_kinds")
        times = torch.full(noise.shape[:2], torch.nan, device=noise.device)
        before, state = torch.zeros(len(noise), 1, device=noise.device), None  # the start, then the last beats
        unlike = torch.zeros(len(noise), 1, device=noise.device, dtype=torch.bool)
        kinds = self.kinds if of_kinds is not None else None
        if kinds is not None and of_kinds is not None:
            amount = kinds.draw_amount(context, of_kinds[:, 0], unknown, guidance)
            context = context + kinds.of_amount(amount)
        for beat in range(noise.shape[1]):
            last = before[:, -2:]  # all that the next interval depends on, beside the state
            state = next_state(self.recurrence, self.inputs(last, context, unlike[:, -2:])[:, -1], state)
            states = state[:, None]
            if kinds is not None and of_kinds is not None:
                kind = kinds.draw_kind(states, of_kinds[:, 1 + beat, None])
                states = states + kinds.of_kind(kind.long())
                unlike = torch.cat([unlike, kind], dim=1)
            drawn = self.mixture_after(states, self.last_intervals(last)[:, -1:]).draw(noise[:, beat, None])
            interval = (TYPICAL * drawn.exp()).clamp(SHORTEST if beat else SOONEST, LONGEST)
            time = before[:, -1:] + interval
            before = torch.cat([before, time], dim=1)
            times[:, beat] = torch.where(time < self.frames, time, torch.nan)[:, 0]
            if bool((time >= self.frames).all()):
                break
        if kinds is None:
            return times, None
        drawn_kinds = torch.zeros_like(times, dtype=torch.bool)
        drawn_kinds[:, : unlike.shape[1] - 1] = unlike[:, 1:]
        return times, drawn_kinds & times.isfinite()


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


def pad_kinds(unlike: list[np.ndarray], frames: int) -> np.ndarray:
    """Kinds of beats, one array (beats,) bool per record -> (records, most_beats) bool, False after the last."""
    kinds = np.zeros((len(unlike), most_beats(frames)), bool)
    for row, of_record in enumerate(unlike):
        kinds[row, : len(of_record)] = of_record
    return kinds


def move_beats(times: np.ndarray, kinds: np.ndarray, moves: np.ndarray, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and kinds (records, beats) of records that begin `moves` (records,) frames later; beats now outside are
    left out."""
    moved = times - moves[:, None].astype(np.float32)
    outside = ~((moved >= 0) & (moved < frames))
    moved[outside] = np.nan
    order = np.argsort(outside, axis=1, kind="stable")  # those outside last; the others are in order
    return np.take_along_axis(moved, order, 1), np.take_along_axis(kinds & ~outside, order, 1)
