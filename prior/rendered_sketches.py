"""Samples of the sketch alone: a representative beat at every R peak, without transformer and codes.

The part of a sample that the small models of the sketch draw, as a recording: what a label means is all in there, how a
recording differs from beat to beat is not; or only by noise of the size that the sketch says. The controls that say
what the codes are good for.
"""

import numpy as np
import torch

from vqecg.prior.conditioning import Condition
from vqecg.prior.config import SamplingSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.requests import Requests
from vqecg.prior.sketch.noise import drawn_noise
from vqecg.prior.synthetic_records import SyntheticRecords

NOISE_STREAM = 4  # of a record's random numbers; those before are the sketch's (prior/sketch/modeling.py)


@torch.inference_mode()
def generate_sketches(
    generator: ECGGenerator,
    requests: Requests,
    seed: int,
    settings: SamplingSettings | None = None,
    first: int = 0,
    noisy: bool = False,
) -> SyntheticRecords:
    """One record for each request: the sketch that `generator.generate` draws for it, rendered. Seeds as there.

    With `noisy`, wander and noise are added (prior/sketch/noise.py). ValueErrors as `ECGGenerator.check_requests`.
    """
    generator.check_requests(requests)
    settings, model = settings or SamplingSettings(), generator.prior.sketch
    condition = Condition.of(requests.labels, requests.attributes, unknown_labels=True)  # if any, as just checked
    device = next(generator.prior.parameters()).device
    parts = [np.zeros((0, len(generator.tokenizer.config.leads), generator.samples), np.float32)]
    for start in range(0, len(condition), settings.batch_size):
        batch = condition[start : start + settings.batch_size].to(device)
        sketch = model.sample(batch, seed, first + start, settings.trait_temperature, settings.trait_guidance)
        drawn = model.rendered(sketch)[..., : generator.samples]
        if noisy:
            streams = [[seed, first + start + row, NOISE_STREAM] for row in range(len(batch))]
            drawn = drawn + drawn_noise(*model.levels(sketch.traits), streams, generator.samples, model.sampling_rate)
        parts.append(drawn.cpu().numpy())
    return SyntheticRecords.drawn(np.concatenate(parts), requests, generator.task)
