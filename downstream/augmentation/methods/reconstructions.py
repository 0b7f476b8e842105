"""Reconstructions: the control of what the codec alone does."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch

from vqecg.downstream.augmentation.additions import Additions, fill
from vqecg.downstream.augmentation.methods.registry import METHODS, AugmentationMethod, Ingredients
from vqecg.downstream.augmentation.plan import AdditionPlan
from vqecg.prior.synthetic_records import SyntheticRecords


@METHODS.register("reconstructions", rank=6)
class Reconstructions(AugmentationMethod):
    """The planned records through the tokenizer and back, all levels."""

    help = "the planned records through the codec: a control"
    noun = "real ECGs reconstructed from their codes"
    aliases = ("reconstruction",)
    places: ClassVar[Mapping[str, float]] = {"default": 6}
    copies = True

    def make(self, ingredients: Ingredients, plan: AdditionPlan, first: int = 0) -> Additions:
        """Decoded records. Raises ValueError for a store at another sampling rate than the tokenizer's."""
        tokenizer = ingredients.generator.tokenizer
        device = next(tokenizer.parameters()).device

        @torch.inference_mode()
        def draw(rows: np.ndarray, attempt: int) -> SyntheticRecords:
            sources = ingredients.sources(plan, rows)
            parts = torch.from_numpy(ingredients.store.signals(sources)).split(64)
            decoded = [tokenizer.decode(tokenizer.encode(part.to(device)), part.shape[2]).cpu() for part in parts]
            return ingredients.derived(torch.cat(decoded).numpy(), sources)

        tokenizer.check_sampling_rate(ingredients.store.spec.sampling_rate)
        note = "real training records through the tokenizer and back"
        return fill(self.name, plan, ingredients.task, draw, note)
