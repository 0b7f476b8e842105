"""The beat times of the simulated heart: sinus rhythm with its variability, fibrillation, premature beats."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class BeatTimes:
    """One entry per beat, in time order; the first and last lie outside the record so that its edges are whole."""

    onset: np.ndarray  # (beats,) s, QRS onset
    kind: np.ndarray  # (beats,) "N" normal, "A" premature atrial, "V" premature ventricular
    rr_before: np.ndarray  # (beats,) s


def draw_beat_times(
    statements: Collection[str], heart_rate: float, breathing_rate: float, age: float, seconds: float,
    rng: np.random.Generator,
) -> BeatTimes:  # fmt: skip
    """Beat times of one record under its rhythm statements (AFIB, SARRH, PAC, PVC; sinus rhythm otherwise).

    heart_rate in beats per minute, breathing_rate in Hz, age in years (variability falls with age).
    """
    mean = 60.0 / heart_rate
    count = int(np.ceil((seconds + 10 * mean) / mean * 1.6)) + 4
    if "AFIB" in statements:
        intervals = _fibrillating_intervals(mean, count, rng)
    else:
        intervals = _sinus_intervals("SARRH" in statements, mean, breathing_rate, age, count, rng)
    onset = -5.5 * mean + mean * rng.uniform() + np.cumsum(intervals)
    kind = np.full(count, "N")
    chosen = _ectopic_beats(onset, seconds, mean, ("PAC" in statements) + ("PVC" in statements), rng)
    for name, beats in zip([s for s in ("PAC", "PVC") if s in statements], chosen, strict=True):
        for beat in beats:
            kind[beat] = "A" if name == "PAC" else "V"
            coupling = max(rng.uniform(0.55, 0.72) * mean, min(0.40, 0.80 * mean))
            early = onset[beat] - min(onset[beat], onset[beat - 1] + coupling)
            # an atrial extra beat resets the sinus node; a ventricular one leaves it alone: a compensatory pause
            onset[beat:] -= early if name == "PAC" else np.where(np.arange(count - beat) == 0, early, 0.0)
    inside = np.flatnonzero((onset > -2.5 * mean) & (onset < seconds + 2.5 * mean))
    keep = slice(max(inside[0], 1), inside[-1] + 1)
    return BeatTimes(onset=onset[keep], kind=kind[keep], rr_before=np.diff(onset)[keep.start - 1 : keep.stop - 1])


def _sinus_intervals(
    arrhythmia: bool, mean: float, breathing_rate: float, age: float, count: int, rng: np.random.Generator
) -> np.ndarray:
    """RR in s: a low-frequency (0.1 Hz) and a respiratory component, as in ECGSYN's bimodal RR spectrum."""
    times = mean * np.arange(count)
    vagal = float(np.exp(rng.normal(np.log(0.030), 0.35))) * np.exp(-0.012 * (age - 40)) * np.sqrt(mean)
    high = rng.uniform(0.09, 0.15) if arrhythmia else vagal
    low = 0.8 * vagal
    pace = 1 + low * np.sin(2 * np.pi * (rng.uniform(0.08, 0.12) * times + rng.uniform()))
    pace += high * np.sin(2 * np.pi * (breathing_rate * times + rng.uniform()))
    return mean * np.clip(pace + 0.006 * rng.normal(size=count), 0.7, 1.4)


def _fibrillating_intervals(mean: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """RR in s without order: gamma distributed, never below the AV node's refractory time of about 0.34 s."""
    floor = min(0.36, 0.72 * mean)
    variation = rng.uniform(0.18, 0.28) * mean  # standard deviation
    shape = ((mean - floor) / variation) ** 2
    return floor + rng.gamma(shape, (mean - floor) / shape, size=count)


def _ectopic_beats(
    onset: np.ndarray, seconds: float, mean: float, kinds: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """For each kind of extra beat the one to three beats that become one; never neighbours, all inside the record."""
    if kinds == 0:
        return []
    inside = np.flatnonzero((onset > 1.2 * mean) & (onset < seconds - 0.8 * mean))
    apart = inside[int(rng.integers(2)) :: 3]
    if len(apart) < kinds:
        raise ValueError(
            f"{seconds:g} s at {60 / mean:.0f} beats per minute hold {len(apart)} places for premature beats, "
            f"{kinds} kinds are wanted: simulate longer records (10 s)"
        )
    apart = rng.permutation(apart)
    each = min(len(apart) // kinds, int(rng.integers(1, 4)))
    return [np.sort(apart[i * each : (i + 1) * each]) for i in range(kinds)]
