"""Drawing codes from an `ECGPrior`: our own loop over the backbone, with KV cache.

Not transformers' `generate`, which applies top-k 50 unasked, takes no generator and draws one code a step.
Each record has its own stream of random numbers, made from (seed, record number): what it becomes does not depend on
how the records are batched, up to rounding of the matrix products.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vqecg.prior.conditioning import Condition
from vqecg.prior.config import SamplingSettings
from vqecg.prior.modeling import ECGPrior, delay, undelay
from vqecg.prior.sketch.sketch import Sketch


@torch.inference_mode()
def sample_codes(
    prior: ECGPrior, sketch: Sketch, noise: Tensor, settings: SamplingSettings, given: Tensor | None = None
) -> Tensor:
    """Draws codes (batch, frames, levels) int64 for the sketches `sketch` of the records.

    `noise` (batch, steps, levels) uniform in [0, 1) decides every draw, by inversion of the cumulative distribution.
    `given` (batch, frames, levels) holds codes to keep, -1 where one is to be drawn; none: all are drawn.
    """
    config = prior.config
    context, tables = prior.embed_context(sketch), prior.code_tables()
    decoder = prior.decoder(len(context))
    delayed = torch.full((len(noise), config.steps, config.levels), config.codebook_size, device=noise.device)
    there = places(config.steps, config.levels).to(noise.device)
    every = there.all(1).tolist()  # all but the first and the last few steps
    fixed = None if given is None else delay(given, -1)
    inputs = context[:, 0]
    for step in range(config.steps):
        logits = prior.logits(decoder.step(inputs), tables).float()
        drawn = draw(logits, noise[:, step], settings)
        if fixed is not None:
            drawn = torch.where(fixed[:, step] >= 0, fixed[:, step], drawn)
        if not every[step]:
            drawn = torch.where(there[step], drawn, config.codebook_size)
        delayed[:, step] = drawn
        if step + 1 < config.steps:
            inputs = context[:, step + 1] + prior.embed_codes(drawn, tables)
    return undelay(delayed)


def places(steps: int, levels: int) -> Tensor:
    """True where a level has a code at a step: (steps, levels) bool, see `delay`."""
    step, level = torch.arange(steps)[:, None], torch.arange(levels)
    return (level <= step) & (step <= level + steps - levels)


def draw(logits: Tensor, noise: Tensor, settings: SamplingSettings) -> Tensor:
    """One code from each distribution: logits (..., codes), uniform noise (...) -> (...) int64."""
    probability = (logits / settings.temperature).softmax(-1)
    if settings.top_p < 1:
        ordered, order = probability.sort(-1, descending=True)
        # a code stays while the mass before it is below top_p: the likeliest always is
        likeliest = ordered * (ordered.cumsum(-1) - ordered < settings.top_p)
        return order.gather(-1, invert(likeliest, noise)[..., None])[..., 0]
    return invert(probability, noise)


def invert(mass: Tensor, noise: Tensor) -> Tensor:
    """The index at which the cumulative mass passes `noise` times its total: (..., n), (...) -> (...) int64."""
    cumulative = mass.cumsum(-1)
    total = cumulative[..., -1:]
    # rounding may make it the total, which no mass passes
    target = torch.minimum(noise[..., None] * total, torch.nextafter(total, torch.zeros_like(total)))
    return torch.searchsorted(cumulative, target, right=True)[..., 0]


def record_noise(seed: int, first: int, count: int, steps: int, levels: int) -> Tensor:
    """Uniform noise (count, steps, levels) float32 of the records first, first + 1, ...: one stream per record."""
    rows = [np.random.default_rng([seed, first + n]).random((steps, levels), dtype=np.float32) for n in range(count)]
    return torch.from_numpy(np.stack(rows))


def another_seed(seed: int, attempt: int) -> int:
    """The seed of the random streams of a later attempt at the same records."""
    return int(np.random.SeedSequence([seed, attempt]).generate_state(1, np.uint64)[0])


@dataclass(frozen=True)
class Samples:
    """Sampled codes and the sketches they were written for; row n of each field belongs together."""

    codes: Tensor  # (records, frames, levels) int64
    sketch: Sketch


def write_codes(prior: ECGPrior, sketch: Sketch, seed: int, settings: SamplingSettings, first: int = 0) -> Tensor:
    """Codes (records, frames, levels) int64 of any number of sketches, in batches; `first` as in `sample`."""
    config, device = prior.config, next(prior.parameters()).device
    codes = [torch.zeros(0, config.frames, config.levels, dtype=torch.int64)]
    for start in range(0, len(sketch), settings.batch_size):
        batch = sketch[start : start + settings.batch_size].to(device)
        noise = record_noise(seed, first + start, len(batch), config.steps, config.levels).to(device)
        codes.append(sample_codes(prior, batch, noise, settings).cpu())
    return torch.cat(codes)


def sample(prior: ECGPrior, condition: Condition, seed: int, settings: SamplingSettings, first: int = 0) -> Samples:
    """Sketches and codes for a condition of any number of records, in batches.

    `first` is the number of the first record in the whole set being generated: it chooses the random streams.
    """
    device, of_traits = next(prior.parameters()).device, (settings.trait_temperature, settings.trait_guidance)
    sketches = list[Sketch]()
    for start in range(0, max(1, len(condition)), settings.batch_size):  # without records, a batch of none
        batch = condition[start : start + settings.batch_size].to(device)
        sketches.append(prior.sketch.sample(batch, seed, first + start, *of_traits).cpu())
    sketch = Sketch.joined(sketches)
    return Samples(write_codes(prior, sketch, seed, settings, first), sketch)
