"""The tokenizer's ways: a noisy recording through an encoder that learned to leave noise out, with codes or without."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from vqecg.downstream.tasks.denoising.band import zero_phase
from vqecg.downstream.tasks.denoising.registry import DENOISERS, Denoiser

if TYPE_CHECKING:
    from vqecg.tokenizer.modeling import ECGTokenizer

HIGH_PASS = 0.5  # Hz
BEAMS = 4  # partial codes that the search carries on; 8 % nearer than 1


@DENOISERS.register("codes", 1)
class Codes(Denoiser):
    """Encoded to codes and decoded: what is not the like of an ECG has no codes."""

    help = "through the codes of a denoising tokenizer"

    @torch.inference_mode()
    def denoise(self, tokenizer: "ECGTokenizer", signals: np.ndarray) -> np.ndarray:
        """(stretches, 8, samples) float32 mV -> the same, decoded from codes."""
        device = next(tokenizer.parameters()).device
        codes = tokenizer.encode(torch.from_numpy(signals).to(device), beams=BEAMS)
        return tokenizer.decode(codes, signals.shape[2]).cpu().numpy()


@DENOISERS.register("high pass and codes", 2)
class HighPassAndCodes(Codes):
    """The same after a high pass of 0.5 Hz, zero phase: for much wander, of which the network sees a second at a time.

    The recording's slow drift, which a tokenizer alone leaves as it is where there is little noise, goes too.
    """

    help = "the same after a high pass of 0.5 Hz, for much wander"

    def denoise(self, tokenizer: "ECGTokenizer", signals: np.ndarray) -> np.ndarray:
        """(stretches, 8, samples) float32 mV -> the same, filtered, and decoded from codes."""
        return super().denoise(tokenizer, zero_phase(signals, tokenizer.config.sampling_rate, low=HIGH_PASS))


@DENOISERS.register("without codes", 3)
class WithoutCodes(Denoiser):
    """The same network, its embedding not rounded to codes: the control of the codes, and nearer to the recording."""

    help = "through the same network, its embedding not rounded to codes"

    @torch.inference_mode()
    def denoise(self, tokenizer: "ECGTokenizer", signals: np.ndarray) -> np.ndarray:
        """(stretches, 8, samples) float32 mV -> the same, decoded from the embedding itself."""
        device = next(tokenizer.parameters()).device
        embedding = tokenizer.embed(torch.from_numpy(signals).to(device))
        return tokenizer.decode_embedding(embedding, signals.shape[2]).cpu().numpy()
