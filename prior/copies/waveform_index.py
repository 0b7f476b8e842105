"""The nearest record of a reference set to an ECG, wherever in the beat either of them starts.

Waveform distance: the middle of the query (all but 1.5 s at either end: any place in a beat, down to 40 beats a minute)
is slid over the whole reference record and compared at the best lag after the best gain, over the eight leads together:
sqrt(1 - c^2), c the normalised cross-correlation of the signals in 0.5 to 16 Hz. It is what is left of the query, as
a share of its size: 0 for a copy (shifted, scaled, or on another baseline), about 0.1 for a copy with 10 % distortion,
1 for nothing in common. Correlations at all lags come from spectra (Lewis 1995, "Fast Normalized Cross-Correlation").
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy  # its parts load when they are first used: scipy.signal takes a second
import torch
from torch import Tensor, nn

from vqecg.records.store.preprocessing import resample

RATE = 40  # Hz at which waveforms are compared
HIGHPASS = 0.5  # Hz, below which a signal is baseline
LARGEST_LAG = int(1.5 * RATE)  # samples either way
FINER = 5  # lags between two samples, for the candidates that count
CANDIDATES = 8  # nearest at whole samples, compared again at the finer lags
SHORTEST = 5.0  # seconds
QUERIES, REFERENCES = 16, 2048  # records at a time, to keep memory small
SMALLEST = 1e-9  # mV, below which a signal is silent


@dataclass(frozen=True, eq=False)
class NearestNeighbours:
    """The nearest reference records of each query, nearest first."""

    rows: np.ndarray  # (queries, count) int64, numbers of reference records
    distances: np.ndarray  # (queries, count) float64, inf where there are fewer reference records of other patients


class NeighbourIndex(Protocol):
    """Reference records in some space of distances."""

    def __len__(self) -> int: ...

    def nearest(self, signals: np.ndarray, patients: np.ndarray | None = None, count: int = 1) -> NearestNeighbours: ...


class WaveformIndex:
    """Reference records, ready for `nearest` by the waveform distance; about 14 kB per record of 10 s."""

    def __init__(self, chunks: Iterable[np.ndarray], sampling_rate: int, patients: np.ndarray | None = None) -> None:
        """`chunks` of (n, 8, samples) mV at `sampling_rate` Hz; `patients` (records,) name each record's patient.

        Raises ValueError for no record, records below 5 s, or patients that are not one per record.
        """
        spectra, sizes = [], []
        self.sampling_rate, self.samples = sampling_rate, 0
        for chunk in chunks:
            signal = comparable(chunk, sampling_rate)
            self.samples = signal.shape[2]
            spectra.append(torch.fft.rfft(signal).permute(2, 1, 0))
            sizes.append(window_size(signal))
        if not spectra:
            raise ValueError("no reference records; expected at least one to compare with")
        self.spectra = torch.cat(spectra, 2).contiguous()  # (frequencies, 8, records)
        self.sizes = torch.cat(sizes, 1).contiguous()  # (lags, records), mV
        self.patients = checked_patients(patients, len(self))

    def __len__(self) -> int:
        return self.spectra.shape[2]

    def nearest(self, signals: np.ndarray, patients: np.ndarray | None = None, count: int = 1) -> NearestNeighbours:
        """The `count` nearest of each query (queries, 8, samples) mV, as long and at the same rate as the reference.

        With `patients` (queries,), a query is not compared with records of its own patient.
        Raises ValueError for another length, or more neighbours than there are records.
        """
        check_count(count, len(self))
        query = comparable(signals, self.sampling_rate) if len(signals) else torch.zeros(0, 8, self.samples)
        if query.shape[2] != self.samples:
            raise ValueError(
                f"queries of {query.shape[2] / RATE:g} s, reference records of {self.samples / RATE:g} s; expected the "
                "same length"
            )
        query[..., :LARGEST_LAG] = 0
        query[..., self.samples - LARGEST_LAG :] = 0
        parts = []
        for start in range(0, len(query), QUERIES):
            window = slice(start, start + QUERIES)
            spectrum = torch.fft.rfft(query[window]).conj().permute(2, 0, 1).contiguous()
            size = query[window].square().sum((1, 2)).sqrt()
            likeness = torch.cat(
                [
                    self.likeness(spectrum, size, slice(first, first + REFERENCES))
                    for first in range(0, len(self), REFERENCES)
                ],
                dim=1,
            )
            if patients is not None:
                likeness.masked_fill_(same_patient(patients[window], self.patients), -torch.inf)
            parts.append(self.refine(spectrum, size, likeness, count))
        return joined(parts, count)

    def likeness(self, spectrum: Tensor, size: Tensor, reference: slice) -> Tensor:
        """Greatest correlation at whole lags: spectrum (frequencies, queries, 8) -> (queries, records)."""
        cross = torch.fft.irfft(torch.bmm(spectrum, self.spectra[..., reference]), self.samples, dim=0)
        at_lag = torch.cat([cross[-LARGEST_LAG:], cross[: LARGEST_LAG + 1]])
        return (at_lag / self.sizes[:, None, reference].clamp_min(SMALLEST)).amax(0) / size[:, None].clamp_min(SMALLEST)

    def refine(self, spectrum: Tensor, size: Tensor, likeness: Tensor, count: int) -> NearestNeighbours:
        """The nearest among the likeliest candidates, at lags a fifth of a sample apart."""
        coarse, rows = likeness.topk(min(max(count, CANDIDATES), len(self)), dim=1)
        cross = torch.einsum("fbl,flbk->bkf", spectrum, self.spectra[:, :, rows])
        fine = torch.fft.irfft(cross, self.samples * FINER) * FINER
        lag = LARGEST_LAG * FINER
        at_lag = torch.cat([fine[..., -lag:], fine[..., : lag + 1]], dim=2)
        # the size of a window changes little between two samples
        sizes = self.sizes[:, rows].permute(1, 2, 0)
        between = nn.functional.interpolate(sizes, at_lag.shape[2], mode="linear", align_corners=True)
        best = (at_lag / between.clamp_min(SMALLEST)).amax(2) / size[:, None].clamp_min(SMALLEST)
        distance = (1 - best.double().clamp(0, 1) ** 2).sqrt().masked_fill(coarse.isinf(), torch.inf)
        distance, order = distance.sort(dim=1, stable=True)
        return NearestNeighbours(rows.gather(1, order)[:, :count].numpy(), distance[:, :count].numpy())


def comparable(signals: np.ndarray, sampling_rate: int) -> Tensor:
    """Signals (n, 8, samples) mV without baseline and fine detail, at RATE; ValueError for less than 5 s."""
    if signals.ndim != 3 or signals.shape[2] < SHORTEST * sampling_rate:
        raise ValueError(
            f"got signals of shape {signals.shape} at {sampling_rate} Hz; expected (records, 8, samples) of at least "
            f"{SHORTEST:g} s"
        )
    sections = scipy.signal.butter(2, HIGHPASS, "highpass", fs=sampling_rate, output="sos")
    still = scipy.signal.sosfiltfilt(sections, signals, axis=-1, padlen=3 * sampling_rate)
    return torch.from_numpy(resample(still.astype(np.float32), sampling_rate, RATE))


def window_size(signal: Tensor) -> Tensor:
    """Root of the energy under the query's window at each lag: (n, 8, samples) -> (lags, n)."""
    energy = nn.functional.pad(signal.double().square().sum(1).cumsum(1), (1, 0))
    lags = 2 * LARGEST_LAG + 1
    length = signal.shape[2] - 2 * LARGEST_LAG
    return (energy[:, length : length + lags] - energy[:, :lags]).clamp_min(0).sqrt().float().T


def same_patient(queries: np.ndarray, references: np.ndarray) -> Tensor:
    """(queries, references) bool."""
    return torch.from_numpy(np.asarray(queries)[:, None] == references[None, :])


def checked_patients(patients: np.ndarray | None, records: int) -> np.ndarray:
    """One name per record; without names every record is of a patient of its own."""
    names = np.array([""] * records, object) if patients is None else np.asarray(patients, object)
    if len(names) != records:
        raise ValueError(f"{len(names)} patients for {records} reference records; expected one per record")
    return names


def check_count(count: int, records: int) -> None:
    """Raises ValueError for more neighbours than records, or none."""
    if not 1 <= count <= records:
        raise ValueError(f"asked for the {count} nearest of {records} reference records; expected 1 to {records}")


def joined(parts: list[NearestNeighbours], count: int) -> NearestNeighbours:
    """Neighbours of all queries."""
    empty = NearestNeighbours(np.zeros((0, count), np.int64), np.zeros((0, count)))
    return NearestNeighbours(
        np.concatenate([empty.rows, *(part.rows for part in parts)]),
        np.concatenate([empty.distances, *(part.distances for part in parts)]),
    )
