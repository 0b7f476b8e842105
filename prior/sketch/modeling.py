"""The model of sketches, in three steps, the last of which is the transformer's.

labels, attributes -> traits (trait_model.py) -> R peaks (rhythm.py) -> codes (prior/modeling.py)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.prior.conditioning import Condition
from vqecg.prior.sketch.layout import BEFORE, LEAD_TRAITS, P_TRAIT, PLAIN, beat_samples
from vqecg.prior.sketch.mixture import uniform_noise
from vqecg.prior.sketch.p_wave import EARLIEST, LATEST, PLACE, move_p
from vqecg.prior.sketch.rendering import render
from vqecg.prior.sketch.rhythm import RhythmModel, most_beats, pad_kinds, pad_times
from vqecg.prior.sketch.sketch import Sketch
from vqecg.prior.sketch.trait_model import TraitModel
from vqecg.prior.sketch.traits import FARTHEST, LEAST_NOISE, TraitBasis, measure_all
from vqecg.records.attributes import USUAL_ATTRIBUTES
from vqecg.records.leads import INDEPENDENT_LEADS


@dataclass(frozen=True)
class SketchLosses:
    """Negative log-likelihoods of a batch of sketches, (batch,) nats each."""

    traits: Tensor  # given the condition
    beats: Tensor  # given the condition and the traits


class SketchModel(nn.Module):
    """Sketches <- labels and attributes; and the basis by which a recording's traits are measured."""

    offset: Tensor
    projection: Tensor
    loadings: Tensor
    limits: Tensor
    other_loadings: Tensor

    def __init__(
        self,
        classes: int,
        groups: int,
        frames: int,
        components: int,
        sampling_rate: int,
        hop_length: int,
        attributes: Sequence[str] = USUAL_ATTRIBUTES,
        unknown_labels: bool = False,
        other_components: int = 0,
    ) -> None:
        super().__init__()
        beat = len(INDEPENDENT_LEADS) * beat_samples(sampling_rate)
        measures, traits = PLAIN + beat, PLAIN + components
        if other_components:
            measures, traits = measures + beat, traits + other_components
        self.frames, self.sampling_rate, self.hop_length = frames, sampling_rate, hop_length
        self.beat_measures, self.other_components = beat, other_components
        self.register_buffer("offset", torch.zeros(measures))
        self.register_buffer("projection", torch.zeros(measures, traits))
        self.register_buffer("loadings", torch.zeros(components, beat))
        self.register_buffer("limits", torch.tensor([[-FARTHEST], [FARTHEST]]).repeat(1, traits))
        # a prior without such beats is saved as it was before there were any
        self.register_buffer("other_loadings", torch.zeros(other_components, beat), persistent=other_components > 0)
        shown: dict[str, Any] = {"attributes": attributes, "unknown_labels": unknown_labels}
        self.traits = TraitModel(classes, traits, groups, **shown)
        self.rhythm = RhythmModel(classes, frames, groups, **shown, kinds=other_components > 0)

    @property
    def basis(self) -> TraitBasis:
        """The basis by which this model measures traits."""
        parts = (self.offset, self.projection, self.loadings, self.limits, self.other_loadings)
        return TraitBasis(*(part.cpu().numpy() for part in parts))

    def forward(self, sketch: Sketch, condition: Condition) -> SketchLosses:
        """Negative log-likelihoods of sketches."""
        context = self.rhythm.context(condition, sketch.traits)
        if not self.other_components:
            return SketchLosses(self.traits(sketch.traits, condition), self.rhythm(sketch.times, context))
        traits = self.traits(sketch.traits, condition, self.known(sketch))
        return SketchLosses(traits, self.rhythm(sketch.times, context, sketch.kinds))

    def known(self, sketch: Sketch) -> Tensor:
        """The traits of each record that mean something: those of the second beat where a beat is of its kind.

        (batch, traits) bool.
        """
        known = torch.ones_like(sketch.traits, dtype=torch.bool)
        known[:, len(self.limits[0]) - self.other_components :] = sketch.kinds.any(1, keepdim=True)
        return known

    @torch.inference_mode()
    def sample(
        self, condition: Condition, seed: int, first: int, temperature: float = 1.0, guidance: float = 1.0
    ) -> Sketch:
        """One sketch for each row of the condition; rows are records first, first + 1, ... of the seed's streams.

        `temperature` and `guidance` are of the traits, see `SamplingSettings`.
        """
        device, numbers = self.offset.device, range(first, first + len(condition))
        noise = uniform_noise([[seed, number, 2] for number in numbers], self.projection.shape[1])
        traits = self.traits.sample(condition, noise.to(device), self.limits, temperature, guidance)
        noise = uniform_noise([[seed, number, 1] for number in numbers], most_beats(self.frames))
        context = self.rhythm.context(condition, traits)
        if not self.other_components:
            return Sketch(self.rhythm.sample(context, noise.to(device))[0], traits)
        of_kinds = uniform_noise([[seed, number, 3] for number in numbers], 1 + most_beats(self.frames))[..., 0]
        hidden = replace(condition, hidden=torch.ones_like(condition.hidden))
        unknown = None if guidance == 1 else self.rhythm.context(hidden, traits)
        times, unlike = self.rhythm.sample(context, noise.to(device), of_kinds.to(device), unknown, guidance)
        sketch = Sketch(times, traits, unlike)
        return replace(sketch, traits=traits.where(self.known(sketch), 0.0))

    @torch.no_grad()
    def rendered(self, sketch: Sketch) -> Tensor:
        """Sketches as recordings, (batch, 8, frames * hop length) mV: every beat of a kind alike. See `render`."""
        samples, peaks = self.frames * self.hop_length, sketch.times * self.hop_length
        others = (self.other_beats(sketch.traits), sketch.kinds) if self.other_components else ()
        return render(peaks, self.beats(sketch.traits), samples, self.sampling_rate, *others)

    @torch.no_grad()
    def beats(self, traits: Tensor) -> Tensor:
        """Representative beats (batch, 8, samples) mV, as far as the traits (batch, traits) describe them."""
        end, count = PLAIN + self.beat_measures, PLAIN + len(self.loadings)
        beat = self.offset[PLAIN:end] + traits[:, PLAIN:count] @ self.loadings
        beat = beat.unflatten(1, (len(INDEPENDENT_LEADS), -1))
        advance = (self.offset[P_TRAIT] + traits[:, P_TRAIT] / self.projection[P_TRAIT, P_TRAIT].clamp_min(1e-6)).exp()
        advance = advance.clamp(LATEST, EARLIEST)
        peak = round(BEFORE * self.sampling_rate)
        return move_p(beat, peak, torch.full_like(advance, PLACE), advance, self.sampling_rate)

    @torch.no_grad()
    def other_beats(self, traits: Tensor) -> Tensor:
        """Beats unlike the representative ones, (batch, 8, samples) mV, as far as the traits describe them."""
        deviation = traits[:, PLAIN + len(self.loadings) :] @ self.other_loadings
        return (self.offset[PLAIN + self.beat_measures :] + deviation).unflatten(1, (len(INDEPENDENT_LEADS), -1))

    @torch.no_grad()
    def levels(self, traits: Tensor) -> tuple[Tensor, Tensor]:
        """The wander, mV, and noise, mV a sample, of each lead that the traits (batch, traits) say: (batch, 8) each."""
        spread = self.projection.diagonal()[LEAD_TRAITS:PLAIN].clamp_min(1e-6)
        levels = (self.offset[LEAD_TRAITS:PLAIN] + traits[:, LEAD_TRAITS:PLAIN] / spread).exp() - LEAST_NOISE
        wander, noise = levels.clamp_min(0).chunk(2, dim=1)
        return wander, noise

    def measured(self, signal: np.ndarray) -> Sketch:
        """The sketches of recordings (batch, 8, samples) float32 mV, of the rate and length of the training's."""
        measured = measure_all(signal, self.sampling_rate, self.other_components > 0)
        times = pad_times(measured.peaks, signal.shape[2] / self.frames, self.frames)
        traits = torch.from_numpy(self.basis.traits(measured.measures))
        unlike = torch.from_numpy(pad_kinds(measured.unlike, self.frames)) if self.other_components else None
        return Sketch(torch.from_numpy(times), traits, unlike)
