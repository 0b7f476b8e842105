"""R peaks in a gap, drawn from the recording's own intervals.

Whole rhythms are proposed, each interval one of those seen beside the gap; one that arrives at the next known R peak is
chosen by how nearly it does, and stretched by the rest (sampling-importance resampling: Rubin 1987). So a regular heart
goes on as a clock, and one in atrial fibrillation does not.
"""

import numpy as np

from vqecg.downstream.tasks.infilling.context import Context

PROPOSALS = 400  # rhythms
MISFIT = 0.04  # s, standard deviation of how far a chosen rhythm is from the next known R peak
JITTER = 0.02  # standard deviation of the logarithm of a random factor on each interval


def draw_beats(context: Context, generator: np.random.Generator) -> np.ndarray:
    """R peaks (beats,) float, in samples, inside the gap."""
    before, after = context.known_beats
    start, stop = float(context.start), float(context.stop)
    if len(before):
        peaks = forward(float(before[-1]), start, stop, first(after), context, generator)
    elif len(after):  # nothing is known before the gap: backward in time
        peaks = -forward(-float(after[0]), -stop, -start, None, context, generator)[::-1]
    else:
        raise ValueError("no R peak is known beside the gap; expected some")
    return peaks[(peaks >= start) & (peaks < stop)]


def forward(
    last: float, start: float, stop: float, end: float | None, context: Context, generator: np.random.Generator
) -> np.ndarray:
    """R peaks from `start` to `stop`, after the one at `last`, before the one at `end` where that is known."""
    shortest = float(context.intervals.min())
    count = int(((stop if end is None else end) - last) / shortest) + 3
    steps = generator.choice(context.intervals, (PROPOSALS, count))
    times = last + (steps * np.exp(JITTER * generator.standard_normal(steps.shape))).cumsum(1)
    if end is None:
        fits = times[:, 0] >= start
        return times[int(np.argmax(fits))] if fits.any() else times[int(np.argmax(times[:, 0]))]
    arrives = np.abs(times - end).argmin(1)
    arrival = np.take_along_axis(times, arrives[:, None], 1)[:, 0]
    misfit = np.square((arrival - end) / (MISFIT * context.sampling_rate))
    between = np.arange(count) < arrives[:, None]
    fits = ~(between & ((times < start) | (times >= stop))).any(1)  # a beat outside the gap would have been seen
    fits = fits if fits.any() else misfit == misfit.min()
    weight = np.where(fits, np.exp(-0.5 * (misfit - misfit[fits].min())), 0)
    one = int(generator.choice(PROPOSALS, p=weight / weight.sum()))
    return last + (times[one, : arrives[one]] - last) * (end - last) / (arrival[one] - last)


def usual_beats(context: Context) -> np.ndarray:
    """R peaks (beats,) float inside the gap at the recording's median interval, none of it drawn."""
    before, after = context.known_beats
    interval = float(np.median(context.intervals))
    if len(before) and len(after):
        count = max(1, round((after[0] - before[-1]) / interval))
        peaks = np.linspace(before[-1], after[0], count + 1)[1:-1]
    elif len(before):
        peaks = np.arange(before[-1] + interval, context.stop, interval)
    else:
        peaks = np.arange(after[0] - interval, context.start - 1, -interval)[::-1]
    return peaks[(peaks >= context.start) & (peaks < context.stop)]


def first(peaks: np.ndarray) -> float | None:
    """The first of some R peaks, None of none."""
    return float(peaks[0]) if len(peaks) else None
