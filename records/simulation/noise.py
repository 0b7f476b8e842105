"""Disturbances of a simulated recording, made at the nine electrodes so that the leads share it as real leads do."""

import numpy as np

# The eight independent leads from the electrodes RA, LA, LL, C1-C6; chest leads are against Wilson's terminal.
ELECTRODES_TO_LEADS = np.hstack(
    [
        np.vstack([[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0], np.full((6, 3), -1 / 3)]),
        np.vstack([np.zeros((2, 6)), np.eye(6)]),
    ]
)


def electrode_noise(samples: int, sampling_rate: float, breathing: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise of one record on the eight leads, (8, samples) mV.

    Baseline wander (below 0.5 Hz, part of it the breathing given as (samples,) in -1..1), muscle noise whose level
    changes during the record, and in one record of twelve an electrode that moves. Levels differ from record to record
    by a factor of about ten, as they do in PTB-XL.
    """
    times = np.arange(samples) / sampling_rate
    frequencies = rng.uniform(0.03, 0.45, 6)
    wander = (
        rng.normal(size=(9, 6))
        / (1 + frequencies / 0.12)
        @ np.sin(2 * np.pi * (frequencies[:, None] * times + rng.uniform(size=(6, 1))))
    )
    wander += rng.normal(size=(9, 1)) * breathing
    noise = np.exp(rng.normal(np.log(0.024), 0.7)) * wander
    density = np.sqrt(sampling_rate / 500)  # the same power in every Hz at every sampling rate
    level = density * np.exp(rng.normal(np.log(0.0042), 0.5)) * np.exp(rng.normal(0, 0.35, (9, 1)))
    burst = 1 + rng.exponential(0.5) * np.exp(-0.5 * ((times - rng.uniform(0, times[-1])) / rng.uniform(0.3, 1.5)) ** 2)
    white = rng.standard_normal((9, samples), dtype=np.float32)
    noise += level * burst * (white + np.roll(white, 1, axis=1)) / np.sqrt(2)  # muscle: falling towards 250 Hz
    if rng.uniform() < 1 / 12:
        electrode = int(rng.integers(9))
        since = times - rng.uniform(0.1, 0.9) * times[-1]
        noise[electrode] += rng.normal(0, 0.15) * np.exp(-np.maximum(since, 0) / 0.6) / (1 + np.exp(-since / 0.03))
    return ELECTRODES_TO_LEADS @ noise


def fibrillation_waves(samples: int, sampling_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Atrial f waves as a dipole, (samples, 3) mV in Frank's axes: 4.5-8 Hz, wandering, largest towards V1."""
    times = np.arange(samples) / sampling_rate
    size = rng.uniform(0.02, 0.07)
    waves = np.zeros((samples, 3))
    for direction in (np.array([-0.4, 0.5, -0.9]), np.array([-0.2, 0.9, -0.3])):
        drift = rng.normal(0, 0.6) * np.sin(2 * np.pi * (rng.uniform(0.1, 0.5) * times + rng.uniform()))
        turns = rng.uniform(4.5, 8.0) * times + drift + rng.uniform()
        swell = 1 + 0.5 * np.sin(2 * np.pi * (rng.uniform(0.15, 0.6) * times + rng.uniform()))
        wave = np.sin(2 * np.pi * turns) + 0.35 * np.sin(4 * np.pi * turns + 0.5)  # the second harmonic: saw teeth
        waves += size * (swell * wave)[:, None] * direction
    return waves
