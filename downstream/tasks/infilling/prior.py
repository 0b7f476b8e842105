"""The way of the prior: the codes of the gap are drawn, given those before it and the sketch of the recording.

The decoded gap is then held to the recording's own usual beat (prior/sketch/correction.py): a sketch knows it only as
far as its components go.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from vqecg.downstream.tasks.infilling.context import Context
from vqecg.downstream.tasks.infilling.mean_beat import all_peaks, rhythms_of
from vqecg.downstream.tasks.infilling.registry import FILLERS, Filler
from vqecg.prior.config import SamplingSettings
from vqecg.prior.detail.decoding import decoded
from vqecg.prior.sampling import sample_codes
from vqecg.prior.sketch.correction import Asked, held_to
from vqecg.prior.sketch.rhythm import pad_times
from vqecg.prior.sketch.sketch import Sketch

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator

BATCH = 64  # windows that go through the models at once
SIDES = 1  # frames on either side of a gap that are drawn too: the encoder saw the gap in them


@FILLERS.register("prior", 0)
class PriorFiller(Filler):
    """Codes drawn by the transformer."""

    help = "codes drawn by the prior, for the recording's own beats and drawn R peaks"

    def fill(self, generator: "ECGGenerator", contexts: Sequence[Context], draws: int) -> list[np.ndarray]:
        """(draws, 8, samples) each."""
        rows = [(one, draw, rhythm) for one in contexts for draw, rhythm in enumerate(rhythms_of(one, draws))]
        parts = [filled(generator, rows[start : start + BATCH]) for start in range(0, len(rows), BATCH)]
        windows = torch.cat(parts).cpu().numpy()
        return [windows[start : start + draws] for start in range(0, len(rows), draws)]


@torch.inference_mode()
def filled(generator: "ECGGenerator", rows: Sequence[tuple[Context, int, np.ndarray]]) -> Tensor:
    """Windows (rows, 8, samples) mV, each of a context, the number of a draw, and its R peaks in the gap."""
    tokenizer, prior = generator.tokenizer, generator.prior
    device = next(prior.parameters()).device
    contexts = [context for context, _, _ in rows]
    sketch, model = sketch_of(generator, rows).to(device), prior.sketch
    noise = [
        np.random.default_rng([*context.seed, draw, 2]).random((prior.config.steps, prior.config.levels), np.float32)
        for context, draw, _ in rows
    ]
    signal = torch.from_numpy(np.stack([context.signal for context in contexts])).to(device)
    codes = tokenizer.encode(signal, prior.config.levels)
    to_draw = torch.from_numpy(np.stack([drawn_frames(one.unknown, tokenizer.hop_length) for one in contexts]))
    given = codes.masked_fill(to_draw.to(device)[..., None], -1)
    drawn = sample_codes(prior, sketch, torch.from_numpy(np.stack(noise)).to(device), SamplingSettings(), given)
    parts = decoded(drawn, sketch, tokenizer, model, prior.detail, generator.samples, correct=False)
    beat, wander, noises = (
        torch.from_numpy(np.stack(part)).float().to(device)
        for part in zip(*((one.beat, one.wander, one.noise) for one in contexts), strict=True)
    )
    asked = Asked(beat, None, wander, noises)
    return held_to(parts, sketch.times * model.hop_length, sketch.kinds, asked, model.sampling_rate)


def sketch_of(generator: "ECGGenerator", rows: Sequence[tuple[Context, int, np.ndarray]]) -> Sketch:
    """The sketches of the recordings, with the R peaks of each draw; all beats of the usual kind."""
    model, basis = generator.prior.sketch, generator.prior.sketch.basis
    measures = np.full((len(rows), len(basis.offset)), np.nan, np.float32)
    for row, (context, _, _) in zip(measures, rows, strict=True):
        row[: len(context.measures)] = context.measures
    peaks = [all_peaks(context, [rhythm])[0] for context, _, rhythm in rows]
    times = pad_times(peaks, generator.samples / model.frames, model.frames)
    return Sketch(torch.from_numpy(times), torch.from_numpy(basis.traits(measures)))


def drawn_frames(unknown: np.ndarray, hop_length: int) -> np.ndarray:
    """The frames of which anything is `unknown` (samples,) bool, and SIDES on either side: (frames,) bool."""
    padded = np.pad(unknown, (0, -len(unknown) % hop_length))
    frames = padded.reshape(-1, hop_length).any(1)
    return np.convolve(frames, np.ones(2 * SIDES + 1), "same") > 0
