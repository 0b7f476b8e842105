"""The part of the sketch: traits and rhythm, which a person can read, too."""

from typing import TYPE_CHECKING

import numpy as np

from vqecg.downstream.reading.traits import traits_of
from vqecg.downstream.tasks.embedding.registry import PARTS, EmbeddingPart

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


@PARTS.register("sketch", 1)
class SketchPart(EmbeddingPart):
    """Traits, in standard deviations of the training records, and six measures of the rhythm."""

    help = "traits of the median beat, and the rhythm"

    def embed(self, generator: "ECGGenerator", signal: np.ndarray) -> np.ndarray:
        """(records, traits + 6) float32."""
        return traits_of(generator, signal)
