"""The simple way: a band of frequencies, as electrocardiographs have had it for decades."""

from typing import TYPE_CHECKING

import numpy as np
import scipy

from vqecg.downstream.tasks.denoising.registry import DENOISERS, Denoiser

if TYPE_CHECKING:
    from vqecg.tokenizer.modeling import ECGTokenizer

BAND = (0.5, 40.0)  # Hz
ORDER = 2  # of a Butterworth filter that runs forwards and backwards


@DENOISERS.register("filter", 4)
class BandFilter(Denoiser):
    """0.5 to 40 Hz, zero phase. Kligfield et al. 2007 allow a lower edge of up to 0.67 Hz where the phase is zero."""

    help = "a filter of 0.5 to 40 Hz, zero phase: the control"

    def denoise(self, tokenizer: "ECGTokenizer", signals: np.ndarray) -> np.ndarray:
        """(stretches, 8, samples) float32 mV -> the same, filtered; up to 0.45 of the rate where 40 Hz is more."""
        rate = tokenizer.config.sampling_rate
        return zero_phase(signals, rate, BAND[0], min(BAND[1], 0.45 * rate))


def zero_phase(signals: np.ndarray, sampling_rate: int, low: float = 0.0, high: float = 0.0) -> np.ndarray:
    """Signals (..., samples) mV between `low` and `high` Hz, float32; 0 = no such edge. Raises ValueError for no edge.

    A Butterworth filter of ORDER that runs forwards and backwards.
    """
    if not low and not high:
        raise ValueError("a filter without edges; expected a lower one, an upper one, or both, in Hz")
    kind, edges = ("bandpass", (low, high)) if low and high else ("highpass", low) if low else ("lowpass", high)
    sections = scipy.signal.butter(ORDER, edges, kind, fs=sampling_rate, output="sos")
    padding = min(signals.shape[-1] - 1, 3 * sampling_rate)
    return scipy.signal.sosfiltfilt(sections, signals, axis=-1, padlen=padding).astype(np.float32)
