"""Samples of parts of the prior: controls that say which part of it a gain needs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from vqecg.downstream.augmentation.methods.prior_samples import PriorSamples
from vqecg.downstream.augmentation.methods.registry import METHODS
from vqecg.prior.config import SamplingSettings
from vqecg.prior.rendered_sketches import generate_sketches
from vqecg.prior.requests import Requests
from vqecg.prior.synthetic_records import SyntheticRecords

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


@METHODS.register("rendered sketches", rank=10.2)
class RenderedSketches(PriorSamples):
    """The sketches of the samples, rendered: no transformer, no codes, every beat of a record alike."""

    help = "sketches of the prior's samples, rendered: no codes"
    aliases = ("sketch",)
    places: ClassVar[Mapping[str, float]] = {}
    records = "rendered sketches"

    def generate(
        self, generator: "ECGGenerator", requests: Requests, seed: int, sampling: SamplingSettings, first: int
    ) -> SyntheticRecords:
        """One rendered sketch for each request."""
        return generate_sketches(generator, requests, seed, sampling, first)


@METHODS.register("unconditional codes", rank=10.4)
class UnconditionalCodes(PriorSamples):
    """Samples whose sketch is drawn for the labels and whose codes are written for the sketch alone."""

    help = "samples of the prior whose sketch alone is drawn for the labels"
    aliases = ("unconditional",)
    places: ClassVar[Mapping[str, float]] = {}
    records = "samples, with unconditional codes,"

    def generate(
        self, generator: "ECGGenerator", requests: Requests, seed: int, sampling: SamplingSettings, first: int
    ) -> SyntheticRecords:
        """One record for each request; a guidance of 0 leaves the transformer with the condition hidden."""
        return generator.generate(requests, seed, replace(sampling, guidance=0.0), first)
