"""New records from real ones: part of a record's codes is kept, and the prior writes the rest anew.

The new codes are drawn for the sketch of the record, its rate, beats and representative beat, so that what is drawn
fits what is kept. The prior sees only what came before. So the record's beginning is always kept, or it would be drawn
with no beat of the record in sight; and of several draws (`candidates`) one is chosen by how likely the kept codes are
after it (sampling-importance resampling: Rubin 1987).
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.prior.config import SamplingSettings
from vqecg.prior.editing.settings import BEATS, InfillingSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.likelihood import EncodedRecords
from vqecg.prior.modeling import ECGPrior, delay, undelay
from vqecg.prior.sampling import another_seed, record_noise, sample_codes
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.beats.alignment import beat_edges
from vqecg.records.beats.r_peaks import find_r_peaks
from vqecg.records.store.selection import RecordSelection


def infill(
    generator: ECGGenerator,
    parents: RecordSelection,
    settings: InfillingSettings,
    sampling: SamplingSettings,
    numbers: np.ndarray,
    attempt: int = 0,
) -> SyntheticRecords:
    """A record for each parent, of which `settings.kept` is the parent's; labels are of the generator's task.

    `numbers` (records,) are those of the new records in the whole set: they and `attempt` choose the random streams.
    Raises ValueError when the store's sampling rate is not the generator's.
    """
    rate, hop = parents.store.spec.sampling_rate, generator.tokenizer.hop_length
    generator.tokenizer.check_sampling_rate(rate)
    streams = [np.random.default_rng([settings.seed, int(number), attempt]) for number in numbers]
    frames = generator.prior.config.frames
    signals = parents.store.signals(parents.rows)
    mask = np.zeros((len(numbers), frames), bool)
    for row, (signal, stream) in enumerate(zip(signals, streams, strict=True)):
        mask[row] = kept_frames(find_r_peaks(signal, rate), signal.shape[1], hop, frames, settings, stream)
    codes = infill_codes(generator, parents, mask, settings, sampling, numbers, attempt)
    sketch = generator.prior.sketch.measured(signals)
    signal = generator.decode(codes, sketch, sampling.batch_size, correct=False)
    records = SyntheticRecords.derived(signal, parents, generator.task, generator.attributes)
    return replace(records, codes=codes.numpy(), sketch=sketch, real_frames=mask)


def kept_frames(
    r_peaks: np.ndarray,
    samples: int,
    hop_length: int,
    frames: int,
    settings: InfillingSettings,
    generator: np.random.Generator,
) -> np.ndarray:
    """True for frames that keep the parent's codes: (frames,) bool; the first is kept, and at least one is drawn.

    Of beats, `settings.kept` of their number are kept, the first one and not all. Of a record with fewer than two beats
    found a stretch is kept.
    """
    if settings.unit == BEATS and len(r_peaks) > 1:
        edges = beat_edges(r_peaks, samples)
        count = int(np.clip(round(settings.kept * len(r_peaks)), 1, len(r_peaks) - 1))
        chosen = np.append(0, generator.choice(np.arange(1, len(r_peaks)), count - 1, replace=False))
        # a frame belongs to the beat in which its middle lies
        middles = np.minimum((np.arange(frames) + 0.5) * hop_length, samples - 1)
        mask = np.isin(np.searchsorted(edges, middles, side="right") - 1, chosen)
        if mask[0] and not mask.all():
            return mask
    return np.arange(frames) < np.clip(round(settings.kept * frames), 1, frames - 1)


@torch.inference_mode()
def infill_codes(
    generator: ECGGenerator,
    parents: RecordSelection,
    mask: np.ndarray,
    settings: InfillingSettings,
    sampling: SamplingSettings,
    numbers: np.ndarray,
    attempt: int = 0,
) -> Tensor:
    """Codes (records, frames, levels) int64: the parents' where `mask` (records, frames) says so, else drawn."""
    prior, device = generator.prior, next(generator.prior.parameters()).device
    parts, count = [torch.zeros(0, prior.config.frames, prior.config.levels, dtype=torch.int64)], settings.candidates
    step = max(1, sampling.batch_size // count)
    seed = another_seed(settings.seed, attempt)
    for start in range(0, len(numbers), step):
        rows = slice(start, start + step)
        records = EncodedRecords.of_records(generator, replace(parents, rows=parents.rows[rows])).repeated(count)
        fixed = torch.from_numpy(mask[rows]).to(device).repeat_interleave(count, 0)
        given = torch.where(fixed[..., None], records.codes, -1)
        noise = [
            record_noise(seed, int(number) * count, count, prior.config.steps, prior.config.levels)
            for number in numbers[rows]
        ]
        drawn = sample_codes(prior, records.sketch, torch.cat(noise).to(device), sampling, given)
        if count > 1:
            losses = kept_losses(prior, drawn, records, fixed).view(-1, count)
            uniform = [np.random.default_rng([seed, int(number), 2]).random() for number in numbers[rows]]
            chosen = resampled(losses, torch.tensor(uniform, device=device))
            drawn = drawn.view(-1, count, *drawn.shape[1:])[torch.arange(len(losses)), chosen]
        parts.append(drawn.cpu())
    return torch.cat(parts)


def kept_losses(prior: ECGPrior, codes: Tensor, records: EncodedRecords, mask: Tensor) -> Tensor:
    """Negative log-likelihood of the codes in the frames `mask` (batch, frames), given all before: (batch,) nats."""
    delayed = delay(codes, prior.config.codebook_size)
    logits = prior.step_logits(delayed, records.sketch).float()
    target = delayed.clamp(max=prior.config.codebook_size - 1)  # where there is no code; cut off by undelay
    losses = nn.functional.cross_entropy(logits.flatten(0, 2), target.flatten(), reduction="none").view(delayed.shape)
    return (undelay(losses) * mask[..., None]).sum((1, 2))


def resampled(losses: Tensor, uniform: Tensor) -> Tensor:
    """One candidate of each record, in proportion to exp(-loss): (records, candidates), (records,) -> (records,)."""
    weights = (-losses.double()).softmax(-1).cumsum(-1)
    return (weights < uniform[:, None]).sum(-1).clamp(max=losses.shape[1] - 1)
