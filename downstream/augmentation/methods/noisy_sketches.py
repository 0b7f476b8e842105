"""The sketches of samples with the noise that they ask for: a control that says what the transformer is good for."""

from typing import TYPE_CHECKING

from vqecg.downstream.augmentation.methods.registry import METHODS
from vqecg.downstream.augmentation.methods.rendered_sketches import RenderedSketches
from vqecg.prior.config import SamplingSettings
from vqecg.prior.rendered_sketches import generate_sketches
from vqecg.prior.requests import Requests
from vqecg.prior.synthetic_records import SyntheticRecords

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


@METHODS.register("noisy sketches", rank=10.3)
class NoisySketches(RenderedSketches):
    """The sketches of the samples, rendered, with wander and noise as large as they say: no transformer, no codes."""

    help = "the same, with wander and noise as large as the sketch says"
    noun = "drawn sketches of ECGs with noise"
    aliases = ("noisy sketch",)
    records = "rendered sketches with noise"

    def generate(
        self, generator: "ECGGenerator", requests: Requests, seed: int, sampling: SamplingSettings, first: int
    ) -> SyntheticRecords:
        """One rendered sketch with noise for each request."""
        return generate_sketches(generator, requests, seed, sampling, first, noisy=True)
