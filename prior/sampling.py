"""Drawing codes from an `ECGPrior`: our own loop over the backbone, with KV cache and guidance.

Not transformers' `generate`, which applies top-k 50 unasked, takes no generator and cannot guide from embeddings.
Each record has its own stream of random numbers, made from (seed, record number): what it becomes does not depend on
how the records are batched, up to rounding of the matrix products.
"""

import numpy as np
import torch
from torch import Tensor

from vqecg.prior.config import SamplingSettings
from vqecg.prior.modeling import Condition, ECGPrior, undelay


@torch.inference_mode()
def sample_codes(prior: ECGPrior, condition: Condition, noise: Tensor, settings: SamplingSettings) -> Tensor:
    """Draws codes (batch, frames, levels) int64.

    `noise` (batch, steps, levels) uniform in [0, 1) decides every draw, by inversion of the cumulative distribution.
    """
    from vqecg.prior.cache import preallocated_cache  # imports transformers, which takes seconds

    config = prior.config
    guided = settings.guidance != 1
    if guided:
        condition = Condition(
            torch.cat([condition.labels, condition.labels]),
            torch.cat([condition.age, condition.age]),
            torch.cat([condition.sex, condition.sex]),
            torch.cat([condition.hidden, torch.ones_like(condition.hidden)]),
        )
    embedding = prior.embed_condition(condition)[:, None]
    cache = preallocated_cache(config.layers, config.steps)
    delayed = torch.full((len(noise), config.steps, config.levels), config.codebook_size, device=noise.device)
    inputs = embedding
    level = torch.arange(config.levels, device=noise.device)
    for step in range(config.steps):
        logits = prior.logits(prior.hidden_states(inputs, cache)[:, -1]).float()
        if guided:
            told, null = logits.chunk(2)
            logits = null + settings.guidance * (told - null)
        drawn = draw(logits, noise[:, step], settings)
        there = (level <= step) & (step < level + config.frames)
        delayed[:, step] = torch.where(there, drawn, config.codebook_size)
        codes = prior.embed_codes(delayed[:, step : step + 1])
        inputs = embedding + (torch.cat([codes, codes]) if guided else codes)
    return undelay(delayed)


def draw(logits: Tensor, noise: Tensor, settings: SamplingSettings) -> Tensor:
    """One code from each distribution: logits (..., codes), uniform noise (...) -> (...) int64."""
    probability = (logits / settings.temperature).softmax(-1)
    if settings.top_p < 1:
        ordered, order = probability.sort(-1, descending=True)
        # a code is kept while the mass before it is below top_p: the likeliest always is
        kept = ordered * (ordered.cumsum(-1) - ordered < settings.top_p)
        return order.gather(-1, invert(kept, noise)[..., None])[..., 0]
    return invert(probability, noise)


def invert(mass: Tensor, noise: Tensor) -> Tensor:
    """The index at which the cumulative mass passes `noise` times its total: (..., n), (...) -> (...) int64."""
    cumulative = mass.cumsum(-1)
    target = noise[..., None] * cumulative[..., -1:]
    index = torch.searchsorted(cumulative, target, right=True)[..., 0]
    # rounding may point past the last code with any mass
    last = mass.shape[-1] - 1 - (mass.flip(-1) > 0).int().argmax(-1)
    return torch.minimum(index, last)


def record_noise(seed: int, first: int, count: int, steps: int, levels: int) -> Tensor:
    """Uniform noise (count, steps, levels) float32 of the records first, first + 1, ...: one stream a record."""
    rows = [np.random.default_rng([seed, first + n]).random((steps, levels), dtype=np.float32) for n in range(count)]
    return torch.from_numpy(np.stack(rows))


def sample(prior: ECGPrior, condition: Condition, seed: int, settings: SamplingSettings, first: int = 0) -> Tensor:
    """Codes (records, frames, levels) int64 for a condition of any number of records, in batches.

    `first` is the number of the first record in the whole set being generated: it chooses the random streams.
    """
    device = next(prior.parameters()).device
    parts = [torch.zeros(0, prior.config.frames, prior.config.levels, dtype=torch.int64)]
    for start in range(0, len(condition.labels), settings.batch_size):
        window = slice(start, start + settings.batch_size)
        batch = Condition(
            *(v[window].to(device) for v in (condition.labels, condition.age, condition.sex, condition.hidden))
        )
        noise = record_noise(seed, first + start, len(batch.labels), prior.config.steps, prior.config.levels)
        parts.append(sample_codes(prior, batch, noise.to(device), settings).cpu())
    return torch.cat(parts)
