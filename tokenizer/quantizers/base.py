"""The interface of a quantizer, and all of it that follows from the code vectors alone.

To add a quantizer, derive from `Quantizer` and register the class, here or in an extension; the setting `quantizer` of
a tokenizer then takes its name.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from vqecg.records.registry import Registry
from vqecg.tokenizer.config import ECGTokenizerConfig

CACHED_ROWS = 256  # vectors at a time on a processor, so that their distances stay in its cache: twice as fast


@dataclass(frozen=True)
class QuantizerOutput:
    """Quantized embeddings of shape (batch, frames, dimension)."""

    quantized: Tensor  # (batch, frames, dimension), gradients pass straight through to the embeddings
    codes: Tensor  # (batch, frames, levels) int64
    commitment_loss: Tensor  # scalar: mean squared distance of the residuals to their codes, over levels


class Quantizer(nn.Module):
    """Embeddings (batch, frames, dimension) <-> codes (batch, frames, levels), one of `codebook_size` at each level.

    Every code stands for a vector (`code_vectors`), and a frame for the sum of its codes' vectors: any first levels
    decode. A subclass has at least `code_vectors`; it overrides `forward` where it learns or has a loss of its own.
    """

    name: ClassVar[str]  # by which the setting `quantizer` of a tokenizer finds it
    help: ClassVar[str]  # a few words on it

    usage: Tensor
    restarts: Tensor

    def __init__(self, config: ECGTokenizerConfig) -> None:
        super().__init__()
        self.dimension, self.levels, self.codebook_size = config.dimension, config.levels, config.codebook_size
        # since the last `reset_statistics`: how often each code was chosen in training, and how often it was restarted
        counts = torch.zeros(self.levels, self.codebook_size, dtype=torch.int64)
        self.register_buffer("usage", counts, persistent=False)
        self.register_buffer("restarts", torch.zeros(self.levels, dtype=torch.int64), persistent=False)

    def code_vectors(self) -> Tensor:
        """The vectors of all codes: (levels, codebook_size, dimension)."""
        raise NotImplementedError(f"{type(self).__name__} has no `code_vectors`: a quantizer must define them")

    def code_use(self) -> Tensor:
        """The use of each code in training, up to a factor: (levels, codebook_size) float32, ones where not known."""
        return torch.ones(self.levels, self.codebook_size)

    def forward(self, embedding: Tensor) -> QuantizerOutput:
        """Quantizes (batch, frames, dimension) in float32 under any autocast; in training it counts `usage`."""
        with torch.autocast(embedding.device.type, enabled=False):
            embedding = embedding.float()
            codes = self.encode(embedding.detach())
            if self.training:
                self.usage += code_usage(codes, self.codebook_size)
            vectors = self.embed(codes)
            straight = embedding + (vectors - embedding).detach()
            return QuantizerOutput(straight, codes, (embedding - vectors.detach()).square().mean())

    @torch.no_grad()
    def encode(self, embedding: Tensor, levels: int | None = None, beams: int = 1) -> Tensor:
        """(batch, frames, dimension) -> codes (batch, frames, levels) int64, of the first `levels` if given.

        One beam takes the nearest code at every level. With more, a frame's codes are searched together (beam search:
        Babenko and Lempitsky 2014): a code that is second at its level wins where the levels after it make up for it.
        Raises ValueError for less than one beam, or levels that there are not.
        """
        levels = self.levels if levels is None else levels
        if beams < 1 or not 1 <= levels <= self.levels:
            raise ValueError(f"got {beams} beams and {levels} levels; expected at least 1, and 1 to {self.levels}")
        vectors = self.code_vectors()
        with torch.autocast(embedding.device.type, enabled=False):  # as in training: bf16 distances lose codes
            if beams == 1:
                residual, codes = embedding.float(), []
                for level in range(levels):
                    codes.append(self.nearest(level, residual))
                    residual = residual - vectors[level][codes[-1]]
                return torch.stack(codes, dim=-1)
            flat = embedding.float().reshape(-1, embedding.shape[-1])
            rows = CACHED_ROWS if flat.device.type == "cpu" else max(1, len(flat))
            parts = [self.search(part, levels, beams) for part in flat.split(rows)]
        return torch.cat(parts).view(*embedding.shape[:-1], levels)

    def embed(self, codes: Tensor) -> Tensor:
        """Codes (batch, frames, first levels) -> (batch, frames, dimension), the sum of their vectors."""
        vectors = self.code_vectors()
        return torch.stack([vectors[level][codes[..., level]] for level in range(codes.shape[-1])]).sum(0)

    def nearest(self, level: int, residual: Tensor) -> Tensor:
        """Index of the nearest code of a level: (..., dimension) -> (...) int64."""
        vectors = self.code_vectors()[level]
        flat = residual.reshape(-1, residual.shape[-1])
        # |r - c|^2 without |r|^2, which does not change the order
        norms = vectors.square().sum(1)
        rows = CACHED_ROWS if flat.device.type == "cpu" else max(1, len(flat))
        parts = [torch.addmm(norms, part, vectors.T, alpha=-2).min(1).indices for part in flat.split(rows)]
        return torch.cat(parts).view(residual.shape[:-1])

    def search(self, embedding: Tensor, levels: int, beams: int) -> Tensor:
        """Codes (n, levels) int64 of (n, dimension): after each level the best partial codes are carried on."""
        residual = embedding[:, None]  # (n, beams, dimension)
        codes = torch.zeros(len(embedding), 1, 0, dtype=torch.int64, device=embedding.device)
        for level in range(levels):
            vectors = self.code_vectors()[level]
            # |r - c|^2 of every partial code with every code
            products = residual.flatten(0, 1) @ vectors.T
            distances = residual.square().sum(-1, keepdim=True) + vectors.square().sum(1)
            distances = distances - 2 * products.view_as(distances)
            count = min(1 if level == levels - 1 else beams, distances[0].numel())
            best = distances.flatten(1).topk(count, dim=1, largest=False).indices
            parent, chosen = best // self.codebook_size, best % self.codebook_size
            residual = residual.gather(1, parent[..., None].expand(-1, -1, embedding.shape[1])) - vectors[chosen]
            codes = torch.cat([codes.gather(1, parent[..., None].expand(-1, -1, level)), chosen[..., None]], dim=2)
        return codes[:, 0]

    def reset_statistics(self) -> None:
        """Starts the counting of usage and restarts anew."""
        self.usage.zero_()
        self.restarts.zero_()


QUANTIZERS: Registry[type[Quantizer]] = Registry("quantizer", "vqecg.tokenizer.quantizers")


def code_usage(codes: Tensor, codebook_size: int) -> Tensor:
    """The number of times that each code occurs: (..., levels) int64 -> (levels, codebook_size) int64."""
    flat = codes.reshape(-1, codes.shape[-1])
    return torch.stack([torch.bincount(flat[:, q], minlength=codebook_size) for q in range(flat.shape[1])])


def perplexity(usage: Tensor) -> Tensor:
    """Exponential of the entropy of the code counts, over the last axis: 1 (one code) to codebook_size (all even)."""
    share = usage.double() / usage.sum(-1, keepdim=True).clamp_min(1)
    return torch.special.entr(share).sum(-1).exp()
