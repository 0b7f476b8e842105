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
        band = BAND[0], min(BAND[1], 0.45 * rate)
        sections = scipy.signal.butter(ORDER, band, "bandpass", fs=rate, output="sos")
        padding = min(signals.shape[2] - 1, 3 * rate)
        return scipy.signal.sosfiltfilt(sections, signals, axis=2, padlen=padding).astype(np.float32)
