"""Recordings with gaps, and what may have been in them: window by window, gap by gap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqecg.downstream.tasks.infilling.context import Context, context_of
from vqecg.downstream.tasks.infilling.registry import FILLERS
from vqecg.prior.generator import ECGGenerator

LONGEST = 0.5  # of the generator's length: a longer gap leaves too little beside it
JOIN = 0.1  # s beside a gap, over which what is drawn is brought to the recording's level


@dataclass(frozen=True)
class Gap:
    """A stretch of samples of which no lead is known."""

    start: int
    stop: int  # the one after the last

    def __len__(self) -> int:
        return self.stop - self.start


def find_gaps(signal: np.ndarray) -> list[Gap]:
    """The stretches of a recording (8, samples) mV that are not finite.

    Raises ValueError where single leads are unknown: what is known of the others would be lost.
    """
    unknown = ~np.isfinite(signal)
    missing = unknown.all(axis=0)
    if some := int((unknown.any(axis=0) & ~missing).sum()):
        raise ValueError(
            f"single leads are unknown in {some:,} samples; expected gaps of all leads together: cut these samples "
            "off, or blank the other leads there too"
        )
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8)))
    return [Gap(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def bridged(signal: np.ndarray) -> np.ndarray:
    """The recording (8, samples) with straight lines in its gaps. Raises ValueError where nothing is known."""
    known = np.isfinite(signal).all(axis=0)
    if not known.any():
        raise ValueError("no sample is known; expected a recording with gaps")
    if known.all():
        return signal
    places = np.arange(signal.shape[1])
    return np.stack([np.interp(places, places[known], lead[known]) for lead in signal]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Opened:
    """A recording, its gaps, and the window that each is filled in."""

    signal: np.ndarray  # (8, samples) float32 mV, NaN in the gaps
    sampling_rate: int  # Hz
    gaps: list[Gap]
    contexts: list[Context]  # one for each


def opened(generator: ECGGenerator, signal: np.ndarray, seed: Sequence[int]) -> Opened:
    """A recording (8, samples) float32 mV at the generator's rate, NaN in its gaps; `seed` chooses all that is drawn.

    Raises ValueError for a recording shorter than the generator's, a gap longer than LONGEST of that, and one with too
    little beside it.
    """
    samples, rate = generator.samples, generator.tokenizer.config.sampling_rate
    gaps, whole, unknown = find_gaps(signal), bridged(signal), ~np.isfinite(signal).all(axis=0)
    if signal.shape[1] < samples:
        raise ValueError(
            f"{signal.shape[1] / rate:g} s long, gaps included; expected {samples / rate:g} s or more, the length of "
            "the generator's training"
        )
    contexts = []
    for number, gap in enumerate(gaps):
        if len(gap) > LONGEST * samples:
            raise ValueError(
                f"a gap of {len(gap) / rate:g} s; expected up to {LONGEST * samples / rate:g} s, half of what the "
                "generator sees: cut it out, or fill less"
            )
        first = int(np.clip((gap.start + gap.stop - samples) // 2, 0, signal.shape[1] - samples))
        rows = slice(first, first + samples)
        inside = (gap.start - first, gap.stop - first)
        contexts.append(context_of(whole[:, rows], unknown[rows], *inside, rate, [*seed, number]))
    return Opened(signal.astype(np.float32), rate, gaps, contexts)


def fill(
    generator: ECGGenerator, recordings: Sequence[Opened], method: str = "prior", draws: int = 1
) -> list[list[np.ndarray]]:
    """What may have been in the gaps of each recording: (draws, 8, samples of the gap) float32 mV, gap by gap.

    Raises ValueError for an unknown method, and for one that gives something else than a window for each gap.
    """
    filler, contexts = FILLERS.get(method)(), [context for one in recordings for context in one.contexts]
    windows = filler.fill(generator, contexts, draws) if contexts else []
    shapes = {(draws, *context.signal.shape) for context in contexts}
    odd = [window.shape for window in windows if window.shape not in shapes or not np.isfinite(window).all()]
    if len(windows) != len(contexts) or odd:
        raise ValueError(
            f"the way to fill {method!r} gave {len(windows)} windows for {len(contexts)} gaps, {len(odd)} of them not "
            f"finite or of another shape than {' or '.join(map(str, shapes))}: mend its `fill`"
        )
    parts = map(joined, windows, contexts)
    return [[next(parts) for _ in one.gaps] for one in recordings]


def without_gaps(signal: np.ndarray, gaps: Sequence[Gap], parts: Sequence[np.ndarray], draw: int) -> np.ndarray:
    """A recording (8, samples) mV with one draw in its gaps; what is known stays as it is, to the bit."""
    filled = signal.copy()
    for gap, part in zip(gaps, parts, strict=True):
        filled[:, gap.start : gap.stop] = part[draw]
    return filled


def joined(window: np.ndarray, context: Context) -> np.ndarray:
    """The gap's part of windows (draws, 8, samples) mV, on the level of the recording on either side.

    Levels are medians over JOIN, from one side to the other along a straight line: (draws, 8, samples of the gap).
    """
    reach = max(1, round(JOIN * context.sampling_rate))
    length, missed = context.stop - context.start, context.signal - window
    sides = [range(max(0, context.start - reach), context.start)]
    sides.append(range(context.stop, min(len(context.unknown), context.stop + reach)))
    known = [[place for place in side if not context.unknown[place]] for side in sides]
    levels = [np.median(missed[:, :, side], axis=2, keepdims=True) if side else None for side in known]
    before, after = levels
    inside = window[:, :, context.start : context.stop]
    if before is None or after is None:
        level = after if before is None else before
        return (inside if level is None else inside + level).astype(np.float32)
    share = (np.arange(length) + 1) / (length + 1)
    return (inside + before + share * (after - before)).astype(np.float32)
