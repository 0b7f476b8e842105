"""Disturbances of a chosen kind and size, added to recordings: what a denoiser learns to leave out.

Each is made at the nine electrodes, so that the leads share it as real leads do, and then brought to a size
beside the recording's own. To add a kind: a function registered here, or in an extension.
"""

from collections.abc import Callable, Mapping

import numpy as np

from vqecg.records.registry import Registry
from vqecg.records.simulation.noise import ELECTRODES_TO_LEADS

# (samples, sampling rate in Hz, generator) -> (9, samples) at the electrodes RA, LA, LL, C1-C6, of any size
Disturbance = Callable[[int, float, np.random.Generator], np.ndarray]
DISTURBANCES: Registry[Disturbance] = Registry("kind of noise")

ELECTRODES = ELECTRODES_TO_LEADS.shape[1]
WANDER = (0.03, 0.45)  # Hz
MAINS = (50.0, 60.0)  # Hz
SHARED = 0.5  # standard deviation of the logarithm of an electrode's level


@DISTURBANCES.register("wander", 1)
def wander(samples: int, sampling_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Baseline wander: six waves below 0.5 Hz, the slower the larger."""
    times = np.arange(samples) / sampling_rate
    frequencies = rng.uniform(*WANDER, 6)
    sizes = rng.normal(size=(ELECTRODES, 6)) / (1 + frequencies / 0.12)
    return sizes @ np.sin(2 * np.pi * (frequencies[:, None] * times + rng.uniform(size=(6, 1))))


@DISTURBANCES.register("muscle", 2)
def muscle(samples: int, sampling_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Muscle noise: white to 250 Hz, stronger at some electrodes and for a while."""
    times = np.arange(samples) / sampling_rate
    level = np.exp(rng.normal(0, SHARED, (ELECTRODES, 1)))
    middle, length = rng.uniform(0, times[-1]), rng.uniform(0.3, 1.5)
    burst = 1 + rng.exponential(1.0) * np.exp(-0.5 * ((times - middle) / length) ** 2)
    return level * burst * rng.standard_normal((ELECTRODES, samples))


@DISTURBANCES.register("motion", 3)
def motion(samples: int, sampling_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Electrodes that move: one to four jumps of one electrode each, which fade within a second or two."""
    times = np.arange(samples) / sampling_rate
    noise = np.zeros((ELECTRODES, samples))
    for _ in range(rng.integers(1, 5)):
        since = times - rng.uniform(0.0, 0.9) * times[-1]
        jump = np.exp(-np.maximum(since, 0) / rng.uniform(0.2, 1.2))
        jump /= 1 + np.exp(-np.clip(since / rng.uniform(0.01, 0.1), -50, 50))
        noise[rng.integers(ELECTRODES)] += rng.normal() * jump
    return noise


@DISTURBANCES.register("mains", 4)
def mains(samples: int, sampling_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Hum of 50 or 60 Hz. Raises ValueError at rates that cannot hold it."""
    if sampling_rate <= 2 * max(MAINS):
        raise ValueError(
            f"mains hum of {max(MAINS):g} Hz does not exist at {sampling_rate:g} Hz; expected more than "
            f"{2 * max(MAINS):g} Hz: leave this kind of noise out"
        )
    angles = 2 * np.pi * (rng.choice(MAINS) * np.arange(samples) / sampling_rate + rng.uniform())
    return rng.normal(size=(ELECTRODES, 1)) * np.sin(angles + rng.normal(0, 0.3, (ELECTRODES, 1)))


def noise_of(shares: Mapping[str, float], samples: int, sampling_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Noise on the eight leads, (8, samples), of power 1 (the mean over leads of their variance).

    `shares` are the parts of that power by kind; they need not sum to 1. Raises ValueError for a kind that is unknown,
    and for shares that are negative or all 0.
    """
    total = sum(shares.values())
    if not total > 0 or min(shares.values()) < 0:
        raise ValueError(f"shares of noise are {dict(shares)}; expected numbers of 0 or more, one of them above 0")
    noise = np.zeros((len(ELECTRODES_TO_LEADS), samples))
    for kind, part in shares.items():
        on_leads = ELECTRODES_TO_LEADS @ DISTURBANCES.get(kind)(samples, sampling_rate, rng)
        noise += np.sqrt(part / total) * on_leads / np.sqrt(max(power(on_leads), 1e-30))
    return noise / np.sqrt(max(power(noise), 1e-30))


def disturbed(
    signal: np.ndarray, sampling_rate: float, shares: Mapping[str, float], size: float, rng: np.random.Generator
) -> np.ndarray:
    """A recording (8, samples) mV with noise added, whose RMS is `size` times that of the recording; float32.

    A flat recording, which has no power, stays as it is. Raises ValueError as `noise_of` does.
    """
    noise = noise_of(shares, signal.shape[1], sampling_rate, rng)
    return (signal + size * np.sqrt(power(signal)) * noise).astype(np.float32)


def power(signal: np.ndarray) -> float:
    """The mean over leads of their variance: (leads, samples) mV -> mV squared."""
    return float(signal.var(axis=-1, dtype=np.float64).mean())
