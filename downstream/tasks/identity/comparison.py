"""Median beats of two recordings compared: what stays the same in a person from one ECG to the next, and what does not.

Correlations of P wave, QRS complex, T wave and whole beat, over all leads together and as the mean of single leads; of
the QRS complex also by groups of leads, since electrodes come to lie elsewhere; how much larger one is; and how alike
the loops of the vectorcardiogram are after the best rotation (Kors et al. 1990; Procrustes), since hearts lie
differently in a standing chest. The rate stays out. Correlations are the best over shifts of up to 10 ms.
"""

from collections.abc import Iterator

import numpy as np
import torch
from scipy.interpolate import CubicSpline

from vqecg.prior.sketch.layout import BEFORE, PLAIN
from vqecg.prior.sketch.traits import measure_all
from vqecg.records.leads import INDEPENDENT_LEADS

SEGMENTS = {"P": (-0.27, -0.07), "QRS": (-0.09, 0.13), "T": (0.13, 0.53), "beat": (-0.27, 0.51)}  # s about the R peak
LOOPS = ("QRS", "T")  # segments whose loops are compared
LEAD_GROUPS = {"limb": ("I", "II"), "septal": ("V1", "V2", "V3"), "lateral": ("V4", "V5", "V6")}  # of the QRS complex
SHIFTS = np.linspace(-0.01, 0.01, 5)  # s
LEAST_SIZE = 0.02  # mV, root of the sum of squares: less counts as this much, so that flat leads are not alike
CEILING = 1.01  # a correlation c is the logarithm of CEILING - c: from .98 to .99 is a long way
# X, Y, Z of the vectorcardiogram from I, II, V1-V6 (Kors et al., Eur Heart J 11:1083, 1990)
KORS = np.array(
    [
        [0.38, -0.07, -0.13, 0.05, -0.01, 0.14, 0.06, 0.54],
        [-0.07, 0.93, 0.06, -0.02, -0.05, 0.06, -0.17, 0.13],
        [0.11, -0.23, -0.43, -0.06, -0.14, -0.20, -0.11, 0.31],
    ]
)
MEASURES = (
    *(f"{name}, {measure}" for name in SEGMENTS for measure in ("all leads", "mean of leads", "size")),
    *(f"{name}, loop" for name in LOOPS),
    *(f"QRS, {group} leads" for group in LEAD_GROUPS),
)


def median_beats(signal: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Recordings (records, 8, samples) float32 mV -> their median beats (records, 8, samples of a beat) float64 mV.

    All 0 in a recording without beats; P waves stand where all P waves are put (prior/sketch/p_wave.py).
    """
    beats = measure_all(signal, sampling_rate).measures[:, PLAIN:].astype(np.float64)
    return beats.reshape(len(signal), len(INDEPENDENT_LEADS), -1)


def compare(beats: np.ndarray, others: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Every beat (n, 8, samples) mV with every other (m, 8, samples): (n, m, MEASURES) float64; less is more alike."""
    places = np.arange(beats.shape[2])
    course = CubicSpline(places, beats, axis=2)
    measured = dict[str, np.ndarray]()
    for name, (first, end) in SEGMENTS.items():
        inside = slice(*(round((BEFORE + seconds) * sampling_rate) for seconds in (first, end)))
        known = centred(others[:, :, inside])
        shifts = [course(np.clip(places[inside] + shift * sampling_rate, 0, places[-1])) for shift in SHIFTS]
        moved = [centred(one) for one in shifts]
        measured[f"{name}, all leads"] = distance(correlation(one, known) for one in moved)
        measured[f"{name}, mean of leads"] = distance(correlation(unit(one), unit(known)) for one in moved)
        sizes = (np.log(norm(part) + LEAST_SIZE) for part in (centred(beats[:, :, inside]), known))
        measured[f"{name}, size"] = np.abs(np.subtract.outer(*sizes))
        if name in LOOPS:
            measured[f"{name}, loop"] = distance(loop_likeness(one, known) for one in moved[::2])
        for group, leads in LEAD_GROUPS.items() if name == "QRS" else ():
            rows = [INDEPENDENT_LEADS.index(lead) for lead in leads]
            measured[f"QRS, {group} leads"] = distance(correlation(one[:, rows], known[:, rows]) for one in moved)
    return np.stack([measured[name] for name in MEASURES], axis=-1)


def centred(beats: np.ndarray) -> np.ndarray:
    """Each lead of (n, leads, samples) less its mean."""
    return beats - beats.mean(2, keepdims=True)


def norm(beats: np.ndarray) -> np.ndarray:
    """The root of the sum of squares of (n, leads, samples): (n,)."""
    return np.sqrt(np.square(beats).sum((1, 2)))


def unit(beats: np.ndarray) -> np.ndarray:
    """Each lead of (n, leads, samples) over its own size."""
    return beats / np.sqrt(np.square(beats).sum(2, keepdims=True)).clip(LEAST_SIZE)


def correlation(beats: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of centred beats (n, leads, samples) and (m, leads, samples): (n, m)."""
    sizes = np.outer(norm(beats).clip(LEAST_SIZE), norm(others).clip(LEAST_SIZE))
    return beats.reshape(len(beats), -1) @ others.reshape(len(others), -1).T / sizes


def loop_likeness(beats: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The correlation of vectorcardiograms after the rotation or reflection that makes it greatest: (n, m)."""
    one, other = (np.einsum("dl,nlt->ndt", KORS, part) for part in (beats, others))
    crossed = np.einsum("ndt,met->nmde", one, other, optimize=True)
    aligned = torch.linalg.svdvals(torch.from_numpy(crossed)).sum(-1).numpy()
    return aligned / np.outer(norm(one).clip(LEAST_SIZE), norm(other).clip(LEAST_SIZE))


def distance(correlations: Iterator[np.ndarray]) -> np.ndarray:
    """The greatest of some correlations, as a logarithm that falls as they rise."""
    greatest = np.maximum.reduce(list(correlations))
    return np.log(CEILING - np.clip(greatest, -1, 1))
