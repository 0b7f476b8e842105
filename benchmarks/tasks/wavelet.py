"""Wavelet shrinkage, the usual classical denoiser: an undecimated transform with Daubechies' wavelet of four moments.

Soft thresholds of Donoho and Johnstone (1994), with the noise of the finest level; what is slower than a baseline's
limit is dropped.
"""

import numpy as np

# db4, the low-pass filter of Daubechies (1992, table 6.1), of energy 1
DB4 = np.array(
    [
        *(0.2303778133088965, 0.7148465705529156, 0.6308807679298589, -0.0279837694168599),
        *(-0.1870348117190931, 0.0308413818355607, 0.0328830116668852, -0.0105974017850690),
    ]
)
BASELINE = 0.4  # Hz, below which all is dropped
PADDING = 2.0  # s at either end, by reflection
SIGMA = 0.6745  # the median absolute value of a standard normal variable


def wavelet_denoised(sampling_rate: float, factor: float, signals: np.ndarray) -> np.ndarray:
    """(..., samples) mV -> the same without noise; thresholds are `factor` times the universal ones."""
    padding = min(round(PADDING * sampling_rate), signals.shape[-1] - 1)
    widths = [(0, 0)] * (signals.ndim - 1) + [(padding, padding)]
    padded = np.pad(signals, widths, mode="reflect", reflect_type="odd")
    details, _ = decomposed(padded, levels_of(sampling_rate))
    norms = level_norms(padded.shape[-1], len(details))
    sigma = np.median(np.abs(details[0]), axis=-1, keepdims=True) / SIGMA / norms[0]
    universal = np.sqrt(2 * np.log(signals.shape[-1]))
    shrunk = [
        np.sign(one) * np.maximum(np.abs(one) - factor * universal * sigma * norm, 0)
        for one, norm in zip(details, norms, strict=True)
    ]
    result = composed(shrunk, np.zeros_like(padded))
    return result[..., padding : padding + signals.shape[-1]].astype(np.float32)


def levels_of(sampling_rate: float) -> int:
    """Levels until the approximation is below BASELINE."""
    return max(1, round(np.log2(sampling_rate / 2 / BASELINE)))


def filters(samples: int, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Spectra of the low and the high pass of a level, (samples // 2 + 1,) complex: |low|^2 + |high|^2 = 2."""
    high = DB4[::-1] * (-1) ** np.arange(len(DB4))
    spectra = []
    for taps in (DB4, high):
        angles = 2 * np.pi * np.arange(samples // 2 + 1)[:, None] * 2**level * np.arange(len(taps)) / samples
        spectra.append(np.exp(-1j * angles) @ taps)
    return spectra[0], spectra[1]


def decomposed(signals: np.ndarray, levels: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Details of each level, the finest first, and the approximation; all as long as the signals."""
    samples, spectrum, details = signals.shape[-1], np.fft.rfft(signals), []
    for level in range(levels):
        low, high = filters(samples, level)
        details.append(np.fft.irfft(spectrum * high, samples))
        spectrum = spectrum * low
    return details, np.fft.irfft(spectrum, samples)


def composed(details: list[np.ndarray], approximation: np.ndarray) -> np.ndarray:
    """The signals of details and approximation."""
    samples, spectrum = approximation.shape[-1], np.fft.rfft(approximation)
    for level in reversed(range(len(details))):
        low, high = filters(samples, level)
        spectrum = (spectrum * low.conj() + np.fft.rfft(details[level]) * high.conj()) / 2
    return np.fft.irfft(spectrum, samples)


def level_norms(samples: int, levels: int) -> list[float]:
    """The standard deviation of the details of each level for white noise of standard deviation 1."""
    impulse = np.zeros(samples)
    impulse[0] = 1
    return [float(np.sqrt(np.square(one).sum())) for one in decomposed(impulse, levels)[0]]
