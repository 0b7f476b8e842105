"""Training the detail model: codes of all levels on one side, their first levels and the sketch on the other."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from vqecg.prior.detail.modeling import DetailModel
from vqecg.prior.examples import CodeExamples, mean_losses
from vqecg.prior.sketch.modeling import SketchModel
from vqecg.prior.sketch.sketch import Sketch
from vqecg.training.fit import FitResult, FitSettings, fit

NEIGHBOURS = 8  # of a code, one of which stands in its place where it is corrupted


@dataclass(frozen=True)
class DetailLoss:
    """The squared error of the predicted embedding of all levels, as a share of the embedding's energy."""

    code_vectors: Tensor  # (levels, codebook_size, dimension), of all levels
    written: int  # first levels, which the prior writes
    corruption: float  # share of the written codes that are replaced by one near them, as a prior may err
    sketch: SketchModel  # which draws a sketch as a recording
    trait_noise: float  # standard deviations added to the traits, as for the transformer

    def __call__(self, model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """`loss`, a mean over records; codes and traits are corrupted where the model is in training."""
        sketch, vectors = Sketch.from_batch(batch), self.code_vectors.to(batch["codes"].device)
        whole = embedding_of(batch["codes"], vectors)
        codes = batch["codes"][..., : self.written]
        if model.training:
            codes, sketch = corrupted(codes, vectors, self.corruption), sketch.blurred(self.trait_noise)
        first = embedding_of(codes, vectors)
        added = model(first, sketch, self.sketch.rendered(sketch)).float()
        missed = (whole - first - added).square().sum((1, 2))
        return {"loss": (missed / whole.square().sum((1, 2)).clamp_min(1e-8)).mean()}


def embedding_of(codes: Tensor, vectors: Tensor) -> Tensor:
    """Codes (batch, frames, first levels) -> (batch, frames, dimension), the sum of their vectors."""
    levels = torch.arange(codes.shape[-1], device=codes.device)
    return vectors[levels, codes].sum(2)


def corrupted(codes: Tensor, vectors: Tensor, share: float) -> Tensor:
    """The codes with a random `share` of them replaced by one of the nearest of the same level."""
    replaced_codes = codes.clone()
    for level in range(codes.shape[-1]):
        of_level = vectors[level]
        near = torch.cdist(of_level, of_level).topk(min(NEIGHBOURS + 1, len(of_level)), largest=False).indices
        which = torch.randint(1, near.shape[1], codes.shape[:2], device=codes.device)
        replaced = torch.rand(codes.shape[:2], device=codes.device) < share
        replaced_codes[..., level] = torch.where(replaced, near[codes[..., level], which], codes[..., level])
    return replaced_codes


def train_detail(
    model: DetailModel,
    examples: CodeExamples,
    validation: CodeExamples,
    loss: DetailLoss,
    settings: FitSettings,
    folder: Path | None = None,
    progress: bool = True,
) -> FitResult:
    """Trains `model` in place on examples with the codes of all levels; see `fit`."""
    return fit(
        model,
        examples,
        loss,
        settings,
        folder,
        evaluate=lambda _: mean_losses(model, validation, loss),
        description="detail",
        progress=progress,
    )
