"""R peaks in a gap, drawn from the recording's own intervals.

Whole rhythms are proposed, each interval one of those seen beside the gap; one that arrives at the next known R peak is
chosen by how nearly it does, and stretched by the rest (sampling-importance resampling: Rubin 1987). So a regular heart
goes on as a clock, and one in atrial fibrillation does not.
"""

from dataclasses import replace

import numpy as np

from vqecg.downstream.tasks.infilling.context import Context

PROPOSALS = 400  # rhythms
MISFIT = 0.04  # s, standard deviation of how far a chosen rhythm is from the next known R peak
JITTER = 0.02  # standard deviation of the logarithm of a random factor on each interval


def draw_beats(context: Context, generator: np.random.Generator) -> np.ndarray:
    """R peaks (beats,) float, in samples, inside the gap.

    Raises ValueError where no R peak is known on either side.
    """
    before, after = context.known_beats
    if len(before):
        peaks = forward(float(before[-1]), first(after), context, generator)
    elif len(after):  # nothing is known before the gap: backward in time
        last = len(context.unknown) - 1
        turned = replace(context, unknown=context.unknown[::-1])
        peaks = last - forward(last - float(after[0]), None, turned, generator)[::-1]
    else:
        raise ValueError("no R peak is known beside the gap; expected some")
    inside = (np.rint(peaks) >= context.start) & (np.rint(peaks) < context.stop)
    return peaks[inside].clip(context.start, context.stop - 1)


def forward(last: float, end: float | None, context: Context, generator: np.random.Generator) -> np.ndarray:
    """R peaks after the one at `last`, before the one at `end` where that is known, none where one would be seen."""
    until = float(len(context.unknown)) if end is None else end
    count = int((until - last) / float(context.intervals.min())) + 3
    steps = generator.choice(context.intervals, (PROPOSALS, count))
    times = last + (steps * np.exp(JITTER * generator.standard_normal(steps.shape))).cumsum(1)
    if end is None:
        return times[chosen(seen(times, times < until, context), np.zeros(PROPOSALS), generator)]
    arrives = np.abs(times - end).argmin(1)
    arrival = np.take_along_axis(times, arrives[:, None], 1)
    misfit = np.square((arrival[:, 0] - end) / (MISFIT * context.sampling_rate))
    stretched = last + (times - last) * (end - last) / (arrival - last)
    between = np.arange(count) < arrives[:, None]
    one = chosen(seen(stretched, between, context), misfit, generator)
    return stretched[one, : arrives[one]]


def seen(times: np.ndarray, counted: np.ndarray, context: Context) -> np.ndarray:
    """How many of the R peaks (proposals, beats) that are `counted` lie where the recording is known, without one."""
    places = np.rint(times).astype(np.int64).clip(0, len(context.unknown) - 1)
    return (counted & ~context.unknown[places]).sum(1)


def chosen(visible: np.ndarray, misfit: np.ndarray, generator: np.random.Generator) -> int:
    """One of the proposals with the fewest beats where none is seen, drawn by how well it fits."""
    fits = visible == visible.min()
    weight = np.where(fits, np.exp(-0.5 * (misfit - misfit[fits].min())), 0)
    return int(generator.choice(len(weight), p=weight / weight.sum()))


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
