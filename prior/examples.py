"""Training examples of a prior: the codes of recordings, their sketches, labels and attributes."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.prior.conditioning import ATTRIBUTE_KEY
from vqecg.prior.sketch.rhythm import most_beats, move_beats, pad_kinds, pad_times
from vqecg.prior.sketch.traits import TraitBasis, measure_all, scaled
from vqecg.records.attributes import ATTRIBUTES, USUAL_ATTRIBUTES
from vqecg.records.bounds import Checked, Count, CountOrNone, Seed, Spread
from vqecg.records.files.progress import Progress
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.encoding import code_type
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.examples import jitter

BATCH = 64  # records that are encoded or evaluated together


@dataclass(frozen=True)
class Variants(Checked):
    """The encodings of each recording."""

    count: Count = 1  # encodings of each record: the first as it is, the others jittered
    shift: CountOrNone = 0  # samples a variant is moved by at most, either way
    gain: Spread = 0.0  # standard deviation of the logarithm of a random factor on each variant
    seed: Seed = 0


@dataclass(frozen=True)
class CodeExamples:
    """Codes with their conditions, as batches for `fit`."""

    codes: np.ndarray  # (variants, records, frames, levels) int16 or int32
    times: np.ndarray  # (variants, records, beats) float32, R peaks in frames, NaN-padded
    traits: np.ndarray  # (variants, records, traits) float32
    labels: np.ndarray  # (records, classes) float32, NaN = unknown
    attributes: Mapping[str, np.ndarray]  # by name, (records,) each, as `Attribute.encode` gives them
    label_dropout: float = 0.0  # share of records whose whole condition is hidden
    attribute_dropout: float = 0.0  # share of records of which an attribute is hidden, each by itself
    unlike: np.ndarray | None = None  # (variants, records, beats) bool, beats of another kind; None = none is

    def __len__(self) -> int:
        return self.codes.shape[1]

    def first_levels(self, levels: int) -> "CodeExamples":
        """The same records with the codes of the first levels alone."""
        return replace(self, codes=self.codes[..., :levels])

    def batch(self, indices: np.ndarray, generator: np.random.Generator) -> dict[str, Tensor]:
        """One variant of each example, drawn with `generator`, and the part of its condition that is shown."""
        variant = generator.integers(self.codes.shape[0], size=len(indices))
        hide = generator.random((len(self.attributes), len(indices))) < self.attribute_dropout
        shown = {
            ATTRIBUTE_KEY + name: torch.from_numpy(np.where(hidden, unknown_value(name), values[indices]))
            for (name, values), hidden in zip(self.attributes.items(), hide, strict=True)
        }
        kinds = {} if self.unlike is None else {"unlike": torch.from_numpy(self.unlike[variant, indices])}
        return {
            "codes": torch.from_numpy(self.codes[variant, indices].astype(np.int64)),
            "times": torch.from_numpy(self.times[variant, indices]),
            "traits": torch.from_numpy(self.traits[variant, indices]),
            "labels": torch.from_numpy(self.labels[indices]),
            **shown,
            **kinds,
            "hidden": torch.from_numpy(generator.random(len(indices)) < self.label_dropout),
        }


def unknown_value(name: str) -> np.generic:
    """The encoded value of an attribute that is unknown."""
    attribute = ATTRIBUTES.get(name)
    return attribute.encode([attribute.unknown])[0]


@torch.inference_mode()
def encode_examples(
    store: RecordStore,
    indices: np.ndarray,
    tokenizer: ECGTokenizer,
    basis: TraitBasis,
    task: LabelTask,
    levels: int,
    variants: Variants = Variants(),
    attributes: Sequence[str] = USUAL_ATTRIBUTES,
    progress: bool = True,
) -> CodeExamples:
    """The chosen rows of a store with the codes of the first `levels`, in `variants.count` variants.

    Raises ValueError when the store's sampling rate is not the tokenizer's.
    """
    tokenizer.check_sampling_rate(store.spec.sampling_rate)
    device, rate = next(tokenizer.parameters()).device, store.spec.sampling_rate
    frames = tokenizer.frames(store.spec.samples)
    shape = (variants.count, len(indices))
    codes = np.zeros((*shape, frames, levels), code_type(tokenizer.codebook_size))
    times, others = np.zeros((*shape, most_beats(frames)), np.float32), basis.other_components > 0
    unlike = np.zeros(times.shape, bool)
    traits = np.zeros((*shape, basis.count), np.float32)
    starts = range(0, len(indices), BATCH)
    for start in Progress(starts, description="encoding", unit="batch", shown=progress):
        rows = slice(start, min(start + BATCH, len(indices)))
        signal = store.signals(indices[rows])
        measured = measure_all(signal, rate, others)
        padded, kinds = pad_times(measured.peaks, tokenizer.hop_length, frames), pad_kinds(measured.unlike, frames)
        for variant in range(variants.count):
            generator = np.random.default_rng([variants.seed, variant, start])
            moved = jitter(signal, variants.shift if variant else 0, variants.gain if variant else 0.0, generator)
            encoded = tokenizer.encode(torch.from_numpy(moved.signal).to(device), levels)
            codes[variant, rows] = encoded.cpu().numpy()
            beats = move_beats(padded, kinds, moved.moves / tokenizer.hop_length, frames)
            times[variant, rows], unlike[variant, rows] = beats
            traits[variant, rows] = basis.traits(scaled(measured.measures, moved.gains))
    table = store.table.iloc[indices]
    return CodeExamples(
        codes,
        times,
        traits,
        store.labels(task, indices, math.nan),
        {name: ATTRIBUTES.get(name).encode(table[name].to_numpy()) for name in attributes},
        unlike=unlike if others else None,
    )


@torch.inference_mode()
def mean_losses(
    model: nn.Module,
    examples: CodeExamples,
    loss: Callable[[nn.Module, dict[str, Tensor]], dict[str, Tensor]],
    weights: Mapping[str, np.ndarray] | None = None,
    batch_size: int = BATCH,
) -> dict[str, float]:
    """The mean of each named loss over all examples, as they are and with what of their condition they show.

    "loss/beats" comes back as "nats/beats". A loss is a mean over records; where it is one over something else,
    `weights` (records,) by its name say how much of that each record has.
    """
    device, even = next(model.parameters()).device, np.ones(len(examples))
    total: dict[str, float] = {}
    for start in range(0, len(examples), batch_size):
        rows = np.arange(start, min(start + batch_size, len(examples)))
        batch = examples.batch(rows, np.random.default_rng(0))
        for name, value in loss(model, {key: part.to(device) for key, part in batch.items()}).items():
            weight = (weights or {}).get(name, even)
            total[name] = total.get(name, 0.0) + float(weight[rows].sum() / weight.sum()) * float(value)
    return {name.replace("loss/", "nats/"): value for name, value in total.items()}
