"""The sketches of samples alone: a control that says whether a gain needs the transformer."""

from collections.abc import Mapping
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
    noun = "drawn sketches of ECGs"
    aliases = ("sketch",)
    places: ClassVar[Mapping[str, float]] = {}
    records = "rendered sketches"

    def generate(
        self, generator: "ECGGenerator", requests: Requests, seed: int, sampling: SamplingSettings, first: int
    ) -> SyntheticRecords:
        """One rendered sketch for each request."""
        return generate_sketches(generator, requests, seed, sampling, first)
