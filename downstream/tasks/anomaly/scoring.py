"""Anomaly scores by a generator's likelihoods, with the lead and wave that are most unusual.

The main score compares two likelihoods of a recording's sketch (prior/sketch): with no labels asked for, and with those
of normal ECGs. Beside it stands what a generator of anything can say: how unlikely the sketch is among normal ones, how
unlikely the codes are for their sketch, and what the tokenizer cannot reconstruct. Where a recording is unusual its
median beat says, beside those of sketches drawn for normal labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import torch

from vqecg.prior.conditioning import Condition
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.requests import split_labels
from vqecg.prior.sketch.layout import BEFORE
from vqecg.prior.sketch.sketch import Sketch
from vqecg.records.leads import INDEPENDENT_LEADS

DRAWN = 512  # sketches of normal ECGs, that recordings are compared with
LEAST_SPREAD = 0.02  # mV, of a sample of normal beats
WAVES = {"P": (-0.27, -0.07), "QRS": (-0.07, 0.08), "ST": (0.08, 0.16), "T": (0.16, 0.45)}  # s about the R peak
MICROVOLTS = 1000  # in a mV


@dataclass(frozen=True, eq=False)
class AnomalyScores:
    """Of recordings; row n of each field belongs together. Higher is less normal."""

    ratio: np.ndarray  # (records,) nats, the main score: log p(sketch) - log p(sketch | normal)
    sketch: np.ndarray  # (records,) nats, -log p(sketch | normal)
    codes: np.ndarray  # (records,) nats a frame, -log p(codes | sketch)
    reconstruction: np.ndarray  # (records,) microvolt, root mean square of what the tokenizer misses
    beyond: np.ndarray  # (records,) share of drawn normal sketches whose ratio is lower
    lead: np.ndarray  # (records,) text, where the median beat is farthest from normal ones
    wave: np.ndarray  # (records,) text, likewise
    deviation: np.ndarray  # (records,) standard deviations there, root mean square over the wave

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All records of some parts, in order."""
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))


@dataclass(frozen=True, eq=False)
class NormalReference:
    """The normal ECGs of a generator: their labels, their beats, and the ratios of sketches drawn for them."""

    generator: ECGGenerator
    labels: np.ndarray  # (classes,) float32 of the generator's task
    mean: np.ndarray  # (8, samples of a beat) mV, of drawn normal beats
    spread: np.ndarray  # (8, samples of a beat) mV
    ratios: np.ndarray  # (DRAWN,) of drawn normal sketches, in order

    @classmethod
    def of(cls, generator: ECGGenerator, labels: Sequence[str], seed: int) -> Self:
        """With the most frequent combination of the training's labels that has `labels`.

        Raises ValueError for labels that never occurred together.
        """
        rows = generator.parents(list(labels))
        names = split_labels(str(rows.groupby("labels")["count"].sum().idxmax()))
        wanted = np.isin(generator.class_names, list(names)).astype(np.float32)
        condition = condition_of(wanted, DRAWN)
        device = next(generator.prior.parameters()).device
        drawn = generator.prior.sketch.sample(condition.to(device), seed, 0)
        beats = generator.prior.sketch.beats(drawn.traits).double().cpu().numpy()
        unscored = cls(generator, wanted, beats.mean(0), beats.std(0).clip(LEAST_SPREAD), np.zeros(DRAWN))
        likelihoods = unscored.likelihoods(drawn)
        ratios = np.sort(likelihoods[1] - likelihoods[0])
        return cls(generator, wanted, unscored.mean, unscored.spread, ratios)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels that count as normal."""
        return tuple(np.array(self.generator.class_names)[self.labels > 0])

    @torch.inference_mode()
    def likelihoods(self, sketch: Sketch) -> tuple[np.ndarray, np.ndarray]:
        """log p(sketch | normal) and log p(sketch), labels open: (records,) nats each."""
        model = self.generator.prior.sketch
        both = []
        for hidden in (False, True):
            losses = model(sketch, condition_of(self.labels, len(sketch), hidden).to(sketch.traits.device))
            both.append(-(losses.traits + losses.beats).double().cpu().numpy())
        return both[0], both[1]

    @torch.inference_mode()
    def scores(self, signal: np.ndarray) -> AnomalyScores:
        """Of recordings (records, 8, samples) float32 mV, of the generator's rate and length."""
        tokenizer, prior = self.generator.tokenizer, self.generator.prior
        device = next(prior.parameters()).device
        waveform = torch.from_numpy(np.ascontiguousarray(signal)).to(device)
        sketch = prior.sketch.measured(signal).to(device)
        normal, every = self.likelihoods(sketch)
        codes = tokenizer.encode(waveform)
        losses = prior(codes[..., : prior.config.levels], sketch).record_losses / prior.config.frames
        missed = tokenizer.decode(codes, signal.shape[2]) - waveform
        ratio = every - normal
        return AnomalyScores(
            ratio,
            -normal,
            losses.double().cpu().numpy(),
            MICROVOLTS * missed.square().mean((1, 2)).sqrt().double().cpu().numpy(),
            np.searchsorted(self.ratios, ratio) / len(self.ratios),
            *self.place(prior.sketch.beats(sketch.traits).double().cpu().numpy()),
        )

    def place(self, beats: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lead, wave and size of what is most unusual of beats (records, 8, samples of a beat) mV."""
        rate = self.generator.prior.sketch.sampling_rate
        squares = np.square((beats - self.mean) / self.spread)
        parts = [
            squares[:, :, slice(*(round((BEFORE + seconds) * rate) for seconds in wave))].mean(2)
            for wave in WAVES.values()
        ]
        sizes = np.sqrt(np.stack(parts, axis=2)).reshape(len(beats), -1)
        most = sizes.argmax(1)
        leads, waves = (np.array(names, object) for names in (INDEPENDENT_LEADS, list(WAVES)))
        return leads[most // len(WAVES)], waves[most % len(WAVES)], sizes[np.arange(len(beats)), most]


def condition_of(labels: np.ndarray, count: int, hidden: bool = False) -> Condition:
    """So many times the same labels (classes,), attributes unknown; `hidden`: no labels are asked for."""
    return Condition.of(np.repeat(labels[None], count, 0), {}, np.full(count, hidden))
