"""The nearest record of a reference set to an ECG by features of it, whatever its rhythm.

Beat distance: between the median beats of two records, eight leads, scaled to length 1: 0 for the same shape, 1.4 for
nothing in common. It tells people apart better than whole records do, as a beat's shape stays when the rhythm changes.
Embedding distance: between mean and standard deviation of the tokenizer's embedding, in standard deviations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from vqecg.prior.copies.waveform_index import (
    SMALLEST,
    NearestNeighbours,
    check_count,
    checked_patients,
    joined,
    same_patient,
)
from vqecg.records.beats.r_peaks import find_r_peaks

if TYPE_CHECKING:
    from vqecg.tokenizer.modeling import ECGTokenizer

BEFORE, AFTER = 0.25, 0.42  # seconds around an R peak that make a beat
QUERIES = 256  # records at a time


class FeatureIndex:
    """Reference records, ready for `nearest` by the Euclidean distance of their features."""

    def __init__(
        self,
        features: Callable[[np.ndarray], Tensor],
        chunks: Iterable[np.ndarray],
        patients: np.ndarray | None = None,
        standardised: bool = False,
        like: FeatureIndex | None = None,
    ) -> None:
        """`features` makes (n, d) of (n, 8, samples) mV, a row of NaN where it cannot.

        Features are standardised by these records, or as in the index `like`: only then do distances in both compare.
        Raises ValueError for no record.
        """
        self.features = features
        parts = [features(chunk) for chunk in chunks]
        if not parts:
            raise ValueError("no reference records; expected at least one to compare with")
        raw = torch.cat(parts).double()
        self.mean, self.spread = torch.zeros(raw.shape[1]).double(), torch.ones(raw.shape[1]).double()
        if like is not None:
            self.mean, self.spread = like.mean, like.spread
        elif standardised:
            self.mean, self.spread = raw.mean(0), raw.std(0, correction=0).clamp_min(SMALLEST)
        self.reference = (raw - self.mean) / self.spread
        self.patients = checked_patients(patients, len(self))

    @classmethod
    def of_beats(
        cls, sampling_rate: int, chunks: Iterable[np.ndarray], patients: np.ndarray | None = None
    ) -> FeatureIndex:
        """By the beat distance."""
        return cls(partial(median_beats, sampling_rate), chunks, patients)

    @classmethod
    def of_embeddings(
        cls,
        tokenizer: ECGTokenizer,
        chunks: Iterable[np.ndarray],
        patients: np.ndarray | None = None,
        like: FeatureIndex | None = None,
    ) -> FeatureIndex:
        """By the embedding distance."""
        return cls(partial(embedding_moments, tokenizer), chunks, patients, standardised=True, like=like)

    def __len__(self) -> int:
        return len(self.reference)

    def nearest(self, signals: np.ndarray, patients: np.ndarray | None = None, count: int = 1) -> NearestNeighbours:
        """As WaveformIndex.nearest; where there are no features the distance is infinite."""
        check_count(count, len(self))
        parts = []
        for start in range(0, len(signals), QUERIES):
            query = (self.features(signals[start : start + QUERIES]).double() - self.mean) / self.spread
            distance = torch.cdist(query, self.reference).nan_to_num(nan=torch.inf)
            if patients is not None:
                distance.masked_fill_(same_patient(patients[start : start + QUERIES], self.patients), torch.inf)
            near = distance.topk(count, dim=1, largest=False)
            parts.append(NearestNeighbours(near.indices.numpy(), near.values.numpy()))
        return joined(parts, count)


@torch.inference_mode()
def embedding_moments(tokenizer: ECGTokenizer, signals: np.ndarray) -> Tensor:
    """Mean and standard deviation of each dimension of the embedding over the frames: (n, 2 x dimension)."""
    device = next(tokenizer.parameters()).device
    parts = [tokenizer.embed(part.to(device)).cpu() for part in torch.from_numpy(signals).split(64)]
    return torch.cat([torch.cat([part.mean(1), part.std(1, correction=0)], dim=1) for part in parts])


def median_beats(sampling_rate: int, signals: np.ndarray) -> Tensor:
    """The median beat of each record, less its level in each lead, scaled to length 1: (n, 8 x samples of a beat)."""
    before, after = round(BEFORE * sampling_rate), round(AFTER * sampling_rate)
    beats = np.full((len(signals), signals.shape[1], before + after), np.nan)
    for row, signal in enumerate(signals):
        peaks = find_r_peaks(signal, sampling_rate)
        peaks = peaks[(peaks >= before) & (peaks + after <= signal.shape[1])]
        if len(peaks):
            beat = np.median([signal[:, peak - before : peak + after] for peak in peaks], axis=0)
            beats[row] = beat - np.median(beat, axis=1, keepdims=True)
    shape = torch.from_numpy(beats).flatten(1)
    return shape / shape.norm(dim=1, keepdim=True).clamp_min(SMALLEST)
