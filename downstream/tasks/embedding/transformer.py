"""The part of the transformer: its states as it reads a recording."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from vqecg.downstream.tasks.embedding.registry import PARTS, EmbeddingPart

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


@PARTS.register("transformer", 2)
class TransformerPart(EmbeddingPart):
    """Mean and standard deviation over time of the states before and after every layer.

    They say what a recording is like, as far as that helps to guess how it goes on. Labels had no part in it.
    """

    help = "states of all layers over time, as the codes are read: mean, spread"

    @torch.inference_mode()
    def embed(self, generator: "ECGGenerator", signal: np.ndarray) -> np.ndarray:
        """(records, 2 * (layers + 1) * width) float32."""
        prior, tokenizer = generator.prior, generator.tokenizer
        device = next(prior.parameters()).device
        codes = tokenizer.encode(torch.from_numpy(np.ascontiguousarray(signal)).to(device), prior.config.levels)
        layers = prior.layer_states(codes, prior.sketch.measured(signal).to(device))
        parts = [part for states in layers for part in (states.mean(1), states.std(1))]
        return torch.cat(parts, dim=1).float().cpu().numpy()
