"""Records whose sketch is given: the prior writes the codes for it, and so how a recording of it would look."""

from dataclasses import replace

import numpy as np
import torch

from vqecg.prior.conditioning import Condition
from vqecg.prior.config import SamplingSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.requests import Requests
from vqecg.prior.sampling import record_noise, sample_codes
from vqecg.prior.sketch.sketch import Sketch
from vqecg.prior.synthetic_records import SyntheticRecords


def sketches_of(generator: ECGGenerator, signal: np.ndarray) -> Sketch:
    """The sketches of recordings (records, 8, samples) float32 mV, with no trait beyond those of training records.

    Raises ValueError for recordings of another length than the generator's.
    """
    if signal.shape[1:] != (len(generator.tokenizer.config.leads), generator.samples):
        raise ValueError(
            f"got recordings of shape {signal.shape}; expected (records, {len(generator.tokenizer.config.leads)}, "
            f"{generator.samples}): the leads and length of the generator's training"
        )
    model = generator.prior.sketch
    sketch = model.measured(signal)
    low, high = model.limits.cpu()
    return replace(sketch, traits=sketch.traits.clamp(low, high))


@torch.inference_mode()
def generate_for_sketches(
    generator: ECGGenerator,
    requests: Requests,
    sketch: Sketch,
    seed: int,
    settings: SamplingSettings | None = None,
    first: int = 0,
) -> SyntheticRecords:
    """One record for each request and sketch. Seeds as for `generator.generate`.

    Raises ValueError as `ECGGenerator.check_requests`, and for another number of sketches.
    """
    generator.check_requests(requests)
    if len(sketch) != len(requests):
        raise ValueError(f"got {len(sketch)} sketches for {len(requests)} requests; expected one for each")
    settings, prior = settings or SamplingSettings(), generator.prior
    condition = Condition.of(requests.labels, requests.attributes, unknown_labels=True)  # if any, as just checked
    device = next(prior.parameters()).device
    codes = [torch.zeros(0, prior.config.frames, prior.config.levels, dtype=torch.int64)]
    for start in range(0, len(condition), settings.batch_size):
        part = slice(start, start + settings.batch_size)
        asked = condition[part].to(device)
        noise = record_noise(seed, first + start, len(asked), prior.config.steps, prior.config.levels)
        codes.append(sample_codes(prior, asked, sketch[part].to(device), noise.to(device), settings).cpu())
    together = torch.cat(codes)
    signal = generator.decode(together, sketch, settings.batch_size)
    return SyntheticRecords.sampled(signal, requests, generator.task, together.numpy(), sketch)
