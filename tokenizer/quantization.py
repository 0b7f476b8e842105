"""Residual vector quantization with codebooks that follow their codes by moving averages.

van den Oord et al. 2017 (vector quantization, EMA codebooks), Zeghidour et al. 2021 (residual levels, k-means start,
restart of dead codes, quantizer dropout). All state is in buffers: it is saved and moved with the model.
"""

from dataclasses import dataclass

import torch
import torch.distributed
from torch import Tensor, nn

CACHED_ROWS = 256  # vectors at a time on a processor, so that their distances stay in its cache: twice as fast


@dataclass(frozen=True)
class QuantizerOutput:
    """What quantizing embeddings of shape (batch, frames, dimension) gives."""

    quantized: Tensor  # (batch, frames, dimension), gradients pass straight through to the embeddings
    codes: Tensor  # (batch, frames, levels) int64
    commitment_loss: Tensor  # scalar: mean squared distance of the residuals to their codes, over levels


class ResidualQuantizer(nn.Module):
    """`levels` codebooks of `codebook_size` vectors; each quantizes what those before it left (Euclidean)."""

    codebooks: Tensor
    sums: Tensor
    counts: Tensor
    ready: Tensor
    usage: Tensor
    restarts: Tensor

    def __init__(
        self,
        dimension: int,
        levels: int,
        codebook_size: int,
        decay: float = 0.99,
        dead_code_threshold: float = 0.05,
        kmeans_iterations: int = 10,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        self.levels, self.codebook_size = levels, codebook_size
        self.decay, self.dead_code_threshold, self.dropout = decay, dead_code_threshold, dropout
        self.kmeans_iterations = kmeans_iterations
        self.register_buffer("codebooks", torch.zeros(levels, codebook_size, dimension))
        self.register_buffer("sums", torch.zeros(levels, codebook_size, dimension))
        self.register_buffer("counts", torch.zeros(levels, codebook_size))
        self.register_buffer("ready", torch.zeros(levels, dtype=torch.bool))
        # since the last `reset_statistics`: how often each code was chosen in training, and how often it was restarted
        self.register_buffer("usage", torch.zeros(levels, codebook_size, dtype=torch.int64), persistent=False)
        self.register_buffer("restarts", torch.zeros(levels, dtype=torch.int64), persistent=False)

    def forward(self, embedding: Tensor) -> QuantizerOutput:
        """Quantizes (batch, frames, dimension). In training it also learns: k-means start, moving averages, restarts.

        In training, a share `dropout` of the records keeps only a random number of first levels.
        """
        # distances and averages lose codes in bf16, so float32 under any autocast
        with torch.autocast(embedding.device.type, enabled=False):
            embedding = embedding.float()
            kept = self.draw_levels(len(embedding), embedding.device)
            residual = embedding.detach()
            total = torch.zeros_like(residual)
            codes, losses = [], []
            for level in range(self.levels):
                if self.training and not self.ready[level]:
                    self.start_level(level, residual.flatten(0, 1))
                chosen = self.nearest(level, residual)
                vectors = self.codebooks[level][chosen]  # a copy: the update below writes the codebook in place
                if self.training:
                    self.learn(level, residual.flatten(0, 1), chosen.flatten())
                mask = (level < kept)[:, None, None]
                # the encoder is pulled to the sum of the codes so far; no gradient to the codes
                losses.append(((embedding - (total + vectors)).square() * mask).mean())
                total = total + vectors * mask
                residual = residual - vectors
                codes.append(chosen)
            quantized = embedding + (total - embedding).detach()
            return QuantizerOutput(quantized, torch.stack(codes, dim=-1), torch.stack(losses).mean())

    def draw_levels(self, batch: int, device: torch.device) -> Tensor:
        """How many first levels each record keeps: (batch,) int64."""
        kept = torch.full((batch,), self.levels, device=device)
        if self.training and self.dropout > 0:
            drawn = torch.randint(1, self.levels + 1, (batch,), device=device)
            kept = torch.where(torch.rand(batch, device=device) < self.dropout, drawn, kept)
        return kept

    def nearest(self, level: int, residual: Tensor) -> Tensor:
        """Index of the nearest code: (..., dimension) -> (...) int64."""
        codebook = self.codebooks[level]
        flat = residual.reshape(-1, residual.shape[-1])
        # |r - c|^2 without |r|^2, which does not change the order
        norms = codebook.square().sum(1)
        rows = CACHED_ROWS if flat.device.type == "cpu" else max(1, len(flat))
        parts = [torch.addmm(norms, part, codebook.T, alpha=-2).min(1).indices for part in flat.split(rows)]
        return torch.cat(parts).view(residual.shape[:-1])

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
        with torch.autocast(embedding.device.type, enabled=False):  # as in training: bf16 distances lose codes
            if beams == 1:
                residual, codes = embedding.float(), []
                for level in range(levels):
                    codes.append(self.nearest(level, residual))
                    residual = residual - self.codebooks[level][codes[-1]]
                return torch.stack(codes, dim=-1)
            flat = embedding.float().reshape(-1, embedding.shape[-1])
            rows = CACHED_ROWS if flat.device.type == "cpu" else max(1, len(flat))
            found = torch.cat([self.search(part, levels, beams) for part in flat.split(rows)])
        return found.view(*embedding.shape[:-1], levels)

    def search(self, vectors: Tensor, levels: int, beams: int) -> Tensor:
        """Codes (vectors, levels) int64 of (vectors, dimension): after each level the best partial codes are kept."""
        residual = vectors[:, None]  # (vectors, beams, dimension)
        codes = torch.zeros(len(vectors), 1, 0, dtype=torch.int64, device=vectors.device)
        for level in range(levels):
            codebook = self.codebooks[level]
            # |r - c|^2 of every kept partial code with every code
            products = residual.flatten(0, 1) @ codebook.T
            distances = residual.square().sum(-1, keepdim=True) + codebook.square().sum(1)
            distances = distances - 2 * products.view_as(distances)
            kept = min(1 if level == levels - 1 else beams, distances[0].numel())
            best = distances.flatten(1).topk(kept, dim=1, largest=False).indices
            parent, chosen = best // self.codebook_size, best % self.codebook_size
            residual = residual.gather(1, parent[..., None].expand(-1, -1, vectors.shape[1])) - codebook[chosen]
            codes = torch.cat([codes.gather(1, parent[..., None].expand(-1, -1, level)), chosen[..., None]], dim=2)
        return codes[:, 0]

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (batch, frames, first levels) -> (batch, frames, dimension), the sum of their vectors."""
        return torch.stack([self.codebooks[q][codes[..., q]] for q in range(codes.shape[-1])]).sum(0)

    @torch.no_grad()
    def start_level(self, level: int, vectors: Tensor) -> None:
        """Starts a level by k-means on the residuals of the levels before it: (vectors, dimension).

        Every process works on the vectors of all, so that all get the same codebook.
        """
        vectors = gather(vectors)
        start = broadcast(torch.randint(len(vectors), (self.codebook_size,), device=vectors.device))
        # fewer vectors than codes leave twins: a little noise parts them
        jitter = broadcast(torch.randn(self.codebook_size, vectors.shape[1], device=vectors.device))
        self.codebooks[level] = vectors[start] + 1e-4 * vectors.std() * jitter
        for _ in range(self.kmeans_iterations):
            sums, counts = self.assign(level, vectors, self.nearest(level, vectors))
            filled = counts > 0
            self.codebooks[level][filled] = sums[filled] / counts[filled, None]
        # centroid, sum and count agree, so that the first moving average does not throw the centroid away
        share = max(1.0, len(vectors) / self.codebook_size)
        self.counts[level] = share
        self.sums[level] = self.codebooks[level] * share
        self.ready[level] = True

    @torch.no_grad()
    def learn(self, level: int, vectors: Tensor, chosen: Tensor) -> None:
        """Moves a level's codes towards the mean of the vectors that chose them, and restarts dead codes."""
        sums, counts = self.assign(level, vectors, chosen)
        all_reduce(sums)
        all_reduce(counts)
        self.usage[level] += counts.long()
        self.counts[level].lerp_(counts, 1 - self.decay)
        self.sums[level].lerp_(sums, 1 - self.decay)
        even = self.counts[level].mean()
        dead = self.counts[level] < self.dead_code_threshold * even
        if dead.any():
            pool = gather(vectors)
            drawn = broadcast(torch.randint(len(pool), (self.codebook_size,), device=pool.device))
            self.counts[level][dead] = even
            self.sums[level][dead] = pool[drawn][dead] * even
            self.restarts[level] += dead.sum()
        self.codebooks[level] = self.sums[level] / self.counts[level].clamp_min(1e-8)[:, None]

    def assign(self, level: int, vectors: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Sum (codes, dimension) and number (codes,) of the vectors that chose each code."""
        sums = torch.zeros_like(self.sums[level]).index_add_(0, chosen, vectors)
        counts = torch.bincount(chosen, minlength=self.codebook_size).to(sums.dtype)
        return sums, counts

    def reset_statistics(self) -> None:
        """Starts the counting of usage and restarts anew."""
        self.usage.zero_()
        self.restarts.zero_()


def code_usage(codes: Tensor, codebook_size: int) -> Tensor:
    """How often each code occurs: (..., levels) int64 -> (levels, codebook_size) int64."""
    flat = codes.reshape(-1, codes.shape[-1])
    return torch.stack([torch.bincount(flat[:, q], minlength=codebook_size) for q in range(flat.shape[1])])


def perplexity(usage: Tensor) -> Tensor:
    """Exponential of the entropy of the code counts, over the last axis: 1 (one code) to codebook_size (all even)."""
    share = usage.double() / usage.sum(-1, keepdim=True).clamp_min(1)
    return torch.special.entr(share).sum(-1).exp()


def distributed() -> bool:
    """Whether this process trains together with others."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def all_reduce(tensor: Tensor) -> None:
    """Sums a tensor over all processes, in place."""
    if distributed():
        torch.distributed.all_reduce(tensor)


def broadcast(tensor: Tensor) -> Tensor:
    """The first process's tensor, on every process."""
    if distributed():
        torch.distributed.broadcast(tensor, 0)
    return tensor


def gather(vectors: Tensor) -> Tensor:
    """The vectors of all processes, in the same order on each."""
    if not distributed():
        return vectors
    parts = [torch.empty_like(vectors) for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather(parts, vectors.contiguous())
    return torch.cat(parts)
