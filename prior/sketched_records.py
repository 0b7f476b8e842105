"""Recordings of sketches that are given: the prior writes the codes for them."""

from dataclasses import replace

import numpy as np

from vqecg.prior.config import SamplingSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.sampling import write_codes
from vqecg.prior.sketch.sketch import Sketch


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


def recordings_of(
    generator: ECGGenerator, sketch: Sketch, seed: int, settings: SamplingSettings | None = None, first: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """A recording of each sketch, (records, 8, samples) float32 mV, and its codes, (records, frames, levels) int64.

    Seeds as for `generator.generate`.
    """
    settings = settings or SamplingSettings()
    codes = write_codes(generator.prior, sketch, seed, settings, first)
    return generator.decode(codes, sketch, settings.batch_size), codes.numpy()
