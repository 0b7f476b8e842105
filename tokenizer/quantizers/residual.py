"""Residual vector quantization with codebooks that follow their codes by moving averages.

van den Oord et al. 2017 (vector quantization, EMA codebooks), Zeghidour et al. 2021 (residual levels, k-means start,
restart of dead codes, quantizer dropout). All state is in buffers: it is saved and moved with the model.
"""

import torch
from torch import Tensor

from vqecg.tokenizer.config import ECGTokenizerConfig
from vqecg.tokenizer.quantizers.base import QUANTIZERS, Quantizer, QuantizerOutput
from vqecg.training.collectives import all_reduce, broadcast, gather


@QUANTIZERS.register("residual", 0)
class ResidualQuantizer(Quantizer):
    """`levels` codebooks of `codebook_size` vectors; each quantizes what those before it left (Euclidean)."""

    name = "residual"
    help = "codebooks learned by moving averages, each of what those before it left"

    codebooks: Tensor
    sums: Tensor
    counts: Tensor
    ready: Tensor

    def __init__(self, config: ECGTokenizerConfig) -> None:
        super().__init__(config)
        self.decay, self.dead_code_threshold = config.codebook_decay, config.dead_code_threshold
        self.kmeans_iterations, self.dropout = config.kmeans_iterations, config.quantizer_dropout
        shape = (self.levels, self.codebook_size)
        self.register_buffer("codebooks", torch.zeros(*shape, self.dimension))
        self.register_buffer("sums", torch.zeros(*shape, self.dimension))
        self.register_buffer("counts", torch.zeros(*shape))
        self.register_buffer("ready", torch.zeros(self.levels, dtype=torch.bool))

    def code_vectors(self) -> Tensor:
        """The codebooks: (levels, codebook_size, dimension)."""
        return self.codebooks

    def code_use(self) -> Tensor:
        """Moving averages of how often each code was chosen; a code that was not counts a little."""
        return self.counts.clamp_min(0.0) + 0.5

    def forward(self, embedding: Tensor) -> QuantizerOutput:
        """Quantizes (batch, frames, dimension). In training it also learns: k-means start, moving averages, restarts.

        In training, a share `dropout` of the records keeps only a random number of first levels.
        """
        # distances and averages lose codes in bf16, so float32 under any autocast
        with torch.autocast(embedding.device.type, enabled=False):
            embedding = embedding.float()
            levels = self.draw_levels(len(embedding), embedding.device)
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
                mask = (level < levels)[:, None, None]
                # the encoder is pulled to the sum of the codes so far; no gradient to the codes
                losses.append(((embedding - (total + vectors)).square() * mask).mean())
                total = total + vectors * mask
                residual = residual - vectors
                codes.append(chosen)
            quantized = embedding + (total - embedding).detach()
            return QuantizerOutput(quantized, torch.stack(codes, dim=-1), torch.stack(losses).mean())

    def draw_levels(self, batch: int, device: torch.device) -> Tensor:
        """The number of first levels that each record keeps: (batch,) int64."""
        levels = torch.full((batch,), self.levels, device=device)
        if self.training and self.dropout > 0:
            drawn = torch.randint(1, self.levels + 1, (batch,), device=device)
            levels = torch.where(torch.rand(batch, device=device) < self.dropout, drawn, levels)
        return levels

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
