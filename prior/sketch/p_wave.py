"""The P wave of a representative beat: where it is, and the same beat with it elsewhere.

Its distance to the QRS complex is a diagnosis (1AVB), and nothing that principal components can hold: the mean
of an early and a late P wave is two small ones. So its place is a separate trait, and beats are compared with all P
waves in one place.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from vqecg.records.leads import INDEPENDENT_LEADS

PLACE = 0.15  # s before the R peak, where P waves are put
EARLIEST, LATEST = 0.27, 0.09  # s before the R peak, between which P waves are looked for
END = 0.05  # s before the R peak: what is later stays where it is
HALF_WINDOW = 0.07  # s on either side of a place that are looked at
WIDTH = 0.03  # s, the standard deviation of a bell like a P wave
# how upright P waves are, lead by lead, in a heart that its sinus node paces
UPRIGHT = {"I": 0.5, "II": 1.0, "V1": 0.2, "V2": 0.4, "V3": 0.5, "V4": 0.5, "V5": 0.5, "V6": 0.5}
LEAST_MOTION = 0.02  # mV, added to the size of what is compared: nothing is no P wave


def find_p(beat: np.ndarray, peak: int, sampling_rate: float) -> float:
    """The time from the P wave of a beat (8, samples) mV to its R peak, the sample `peak`: s, LATEST to EARLIEST.

    The place where the leads look most like an upright bell, lines taken off. In a beat without P wave it is any.
    """
    half = round(HALF_WINDOW * sampling_rate)
    places = np.arange(peak - round(EARLIEST * sampling_rate), peak - round(LATEST * sampling_rate) + 1)
    offset, flatten = np.arange(-half, half + 1), without_line(half)
    windows = beat[:, places[:, None] + offset] @ flatten  # (leads, places, samples)
    bell = flatten @ np.exp(-0.5 * (offset / (WIDTH * sampling_rate)) ** 2)
    weight = np.array([UPRIGHT[name] for name in INDEPENDENT_LEADS])
    likeness = weight @ (windows @ bell) / (np.sqrt(np.square(windows).sum((0, 2))) + LEAST_MOTION)
    best = int(likeness.argmax())
    shift = 0.0
    if 0 < best < len(places) - 1:  # the top of the parabola through the three values about it
        before, top, after = likeness[best - 1 : best + 2]
        curved = before - 2 * top + after
        shift = 0.5 * (before - after) / curved if curved < 0 else 0.0
    return float(peak - places[best] - shift) / sampling_rate


@cache
def without_line(half: int) -> np.ndarray:
    """(2 half + 1, 2 half + 1): takes off a window the straight line that fits it best."""
    line = np.stack([np.ones(2 * half + 1), np.arange(-half, half + 1)], axis=1)
    return np.eye(len(line)) - line @ np.linalg.pinv(line)


def move_p(beat: Tensor, peak: int, advance: Tensor, new: Tensor, sampling_rate: float) -> Tensor:
    """Beats (batch, leads, samples) with P waves moved, from `advance` to `new` (batch,) s before the sample `peak`.

    What is before the P wave is stretched or squeezed, as is what lies between it and END; the rest stays. All in
    straight lines between samples: the way back gives the same beat but for their rounding.
    """
    end = peak - END * sampling_rate
    source, target = ((peak - before * sampling_rate)[:, None] for before in (advance, new))
    index = torch.arange(beat.shape[2], device=beat.device, dtype=beat.dtype)[None]
    ahead = index * source / target
    between = source + (index - target) * (end - source) / (end - target)
    at = torch.where(index <= target, ahead, torch.where(index <= end, between, index))
    low = at.floor().clamp(0, beat.shape[2] - 2)
    part, low = (at - low)[:, None], low.long()[:, None].expand_as(beat)
    return beat.gather(2, low) * (1 - part) + beat.gather(2, low + 1) * part
