"""The simple ways: the recording's usual beat, put where beats are due, alone or with noise as large as its noise."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from vqecg.downstream.tasks.infilling.context import Context
from vqecg.downstream.tasks.infilling.registry import FILLERS, Filler
from vqecg.downstream.tasks.infilling.rhythm import draw_beats, usual_beats
from vqecg.prior.sketch.correction import on_level
from vqecg.prior.sketch.noise import drawn_noise

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


@FILLERS.register("mean beat", 2)
class MeanBeat(Filler):
    """The usual beat at the usual interval: one answer, which every draw is."""

    help = "the recording's usual beat at its usual interval, nothing drawn"

    def fill(self, generator: "ECGGenerator", contexts: Sequence[Context], draws: int) -> list[np.ndarray]:
        """(draws, 8, samples) each, all draws alike."""
        return [np.repeat(placed(one, [usual_beats(one)]), draws, axis=0) for one in contexts]


@FILLERS.register("noisy beats", 1)
class NoisyBeats(Filler):
    """The usual beat at drawn R peaks, with drawn wander and noise: the control of the prior's codes."""

    help = "the usual beat at drawn R peaks, with wander and noise as large as the recording's"

    def fill(self, generator: "ECGGenerator", contexts: Sequence[Context], draws: int) -> list[np.ndarray]:
        """(draws, 8, samples) each."""
        return [placed(one, rhythms_of(one, draws)) + noise_of(one, draws) for one in contexts]


def rhythms_of(context: Context, draws: int) -> list[np.ndarray]:
    """R peaks in the gap, of each draw."""
    return [draw_beats(context, np.random.default_rng([*context.seed, draw])) for draw in range(draws)]


def noise_of(context: Context, draws: int) -> np.ndarray:
    """Wander and noise of each draw: (draws, 8, samples) float32 mV."""
    streams = [[*context.seed, draw, 1] for draw in range(draws)]
    wander, noise = (torch.from_numpy(part)[None].expand(draws, -1) for part in (context.wander, context.noise))
    return drawn_noise(wander, noise, streams, context.signal.shape[1], context.sampling_rate).numpy()


def placed(context: Context, rhythms: Sequence[np.ndarray]) -> np.ndarray:
    """The usual beat at the known R peaks and at those of each rhythm: (rhythms, 8, samples) float32 mV."""
    peaks, beat = torch.from_numpy(all_peaks(context, rhythms)), torch.from_numpy(context.beat)
    shape = (len(peaks), *beat.shape)
    size = context.signal.shape[1], context.sampling_rate
    return on_level(peaks, beat.expand(shape), *size, None, torch.zeros(peaks.shape, dtype=torch.bool)).numpy()


def all_peaks(context: Context, rhythms: Sequence[np.ndarray]) -> np.ndarray:
    """The known R peaks and those of each rhythm, in order: (rhythms, beats) float32 samples, NaN after the last."""
    rows = [np.sort(np.concatenate([context.peaks, one])) for one in rhythms]
    peaks = np.full((len(rows), max(map(len, rows))), np.nan, np.float32)
    for row, one in zip(peaks, rows, strict=True):
        row[: len(one)] = one
    return peaks
