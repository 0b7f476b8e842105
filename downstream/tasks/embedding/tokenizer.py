"""The part of the tokenizer: its embedding of every frame, put together over time."""

from typing import TYPE_CHECKING

import numpy as np

from vqecg.downstream.reading.untrained_tokenizer import over_time
from vqecg.downstream.tasks.embedding.registry import PARTS, EmbeddingPart

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


@PARTS.register("tokenizer", 0)
class TokenizerPart(EmbeddingPart):
    """Mean, standard deviation, least and greatest value of each dimension of the frames, before quantization."""

    help = "frames over time: mean, spread, extremes"

    def embed(self, generator: "ECGGenerator", signal: np.ndarray) -> np.ndarray:
        """(records, 4 * dimension) float32."""
        return over_time(generator.tokenizer, signal)
