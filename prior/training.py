"""Training a prior on the codes of the training folds."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.prior.condition import Condition, group_membership
from vqecg.prior.config import ECGPriorConfig
from vqecg.prior.detail_training import train_detail
from vqecg.prior.examples import CodeExamples, Variants, encode_examples
from vqecg.prior.modeling import ECGPrior
from vqecg.prior.sketch import Sketch, SketchModel
from vqecg.prior.traits import TraitBasis, measure
from vqecg.records.labels import LabelTask
from vqecg.records.rpeaks import find_r_peaks
from vqecg.records.store import RecordStore
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint
from vqecg.training.fit import FitResult, FitSettings, fit

BASIS_RECORDS = 10_000  # training records that the traits' basis is fitted on: more would only take memory


@dataclass(frozen=True)
class PriorTraining:
    """A prior's shape and how it is trained."""

    levels: int = 2  # first levels of the tokenizer that are modelled
    backbone: str = "gpt2"  # "gpt2" or "llama"
    width: int = 256  # of the hidden states
    layers: int = 6  # of the backbone
    heads: int = 4  # of attention, a layer
    dropout: float = 0.1  # on what the backbone is given: codes, condition and beats
    components: int = 48  # of the representative beat, drawn before the codes
    trait_noise: float = 0.2  # standard deviations added to the traits in training, so that they name no record
    label_dropout: float = 0.15  # share of training records whose whole condition is hidden, for guidance
    attribute_dropout: float = 0.3  # share of training records whose age (and, apart, sex) is hidden
    variants: int = 4  # encodings of each training record, jittered anew (the first is not)
    shift: int = 4  # samples a variant is moved by at most, either way
    gain: float = 0.05  # standard deviation of the logarithm of a random factor on each variant
    fit: FitSettings = field(default_factory=FitSettings)
    sketch: FitSettings = field(
        default_factory=lambda: FitSettings(
            steps=1200, learning_rate=3e-3, weight_decay=0.05, average_decay=0.99, mixed_precision="no"
        )
    )
    corruption: float = 0.1  # share of codes replaced by near ones where the detail model learns (prior/detail.py)
    detail: FitSettings = field(
        default_factory=lambda: FitSettings(steps=1000, batch_size=32, learning_rate=2e-3, warmup_steps=30)
    )


@dataclass(frozen=True)
class TrainedPrior:
    """What training gives."""

    prior: ECGPrior
    sketch: FitResult
    result: FitResult  # of the transformer
    detail: FitResult | None  # None where the prior writes all levels, so that there is nothing left out


def train_prior(
    store: RecordStore,
    train: np.ndarray,
    validation: np.ndarray,
    tokenizer: ECGTokenizer,
    task: LabelTask,
    settings: PriorTraining,
    folder: Path | None = None,
    progress: bool = True,
) -> TrainedPrior:
    """Trains a prior on the rows `train` of the store, keeping the weights with the lowest validation loss.

    Raises ValueError when the settings ask for more levels than the tokenizer has or for no variant, no validation
    rows are given, or the store's sampling rate is not the tokenizer's.
    """
    if not 1 <= settings.levels <= tokenizer.num_levels:
        raise ValueError(f"levels is {settings.levels}; expected 1 to {tokenizer.num_levels}, what the tokenizer has")
    if settings.variants < 1:
        raise ValueError(f"variants is {settings.variants}; expected at least 1, the records as they are")
    if len(validation) == 0:
        raise ValueError("no validation records to choose the weights by; name at least one validation fold")
    membership = group_membership(task.class_names)
    basis = trait_basis(store, train, settings)
    config = ECGPriorConfig(
        class_names=task.class_names,
        groups=membership.shape[1],
        tokenizer_fingerprint=fingerprint(tokenizer),
        codebook_size=tokenizer.codebook_size,
        code_dimension=tokenizer.config.dimension,
        levels=settings.levels,
        frames=tokenizer.frames(store.spec.samples),
        sampling_rate=store.spec.sampling_rate,
        components=basis.components,
        trait_noise=settings.trait_noise,
        backbone=settings.backbone,
        width=settings.width,
        layers=settings.layers,
        heads=settings.heads,
        dropout=settings.dropout,
        label_dropout=settings.label_dropout,
        attribute_dropout=settings.attribute_dropout,
    )
    variants = Variants(settings.variants, settings.shift, settings.gain, settings.fit.seed)
    levels = tokenizer.num_levels  # all: the detail model learns what the deeper ones hold
    examples = encode_examples(store, train, tokenizer, basis, task, levels, variants, progress)
    held_out = encode_examples(store, validation, tokenizer, basis, task, levels, progress=progress)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.fit.seed)
        prior = ECGPrior(config)
    prior.know_codes(tokenizer.quantizer.codebooks[: settings.levels])
    prior.know_groups(membership)
    prior.know_traits(basis)
    return fit_parts(prior, examples, held_out, tokenizer.quantizer.codebooks, settings, folder, progress)


def fit_parts(
    prior: ECGPrior,
    examples: CodeExamples,
    held_out: CodeExamples,
    codebooks: Tensor,
    settings: PriorTraining,
    folder: Path | None,
    progress: bool,
) -> TrainedPrior:
    """Trains the sketch, then the transformer on the levels that it writes, then the detail on all of `examples`'."""
    written = examples.first_levels(settings.levels)
    written = replace(written, label_dropout=settings.label_dropout, attribute_dropout=settings.attribute_dropout)
    shown = held_out.first_levels(settings.levels)
    sketch = fit(
        prior.sketch,
        written,
        sketch_loss,
        settings.sketch,
        None if folder is None else folder / "sketch",
        evaluate=lambda _: validate_sketch(prior.sketch, shown),
        description="sketch",
        progress=progress,
    )
    parts = (prior.sketch, prior.detail)
    for part in parts:
        part.requires_grad_(False)  # several processes would wait for its gradient
    result = fit(
        prior,
        written,
        prior_loss,
        settings.fit,
        folder,
        evaluate=lambda _: validate(prior, shown),  # fit trains it in place
        description="prior",
        progress=progress,
    )
    for part in parts:
        part.requires_grad_(True)
    if settings.levels == len(codebooks):
        return TrainedPrior(prior, sketch, result, None)
    detail = train_detail(
        prior.detail,
        examples,
        held_out,
        codebooks,
        settings.levels,
        settings.corruption,
        settings.detail,
        None if folder is None else folder / "detail",
        progress,
    )
    return TrainedPrior(prior, sketch, result, detail)


def trait_basis(store: RecordStore, train: np.ndarray, settings: PriorTraining) -> TraitBasis:
    """The basis of the training records' traits, from at most BASIS_RECORDS of them."""
    some = np.random.default_rng(settings.fit.seed).permutation(train)[:BASIS_RECORDS]
    rate = store.spec.sampling_rate
    measures = [
        measure(signal, find_r_peaks(signal, rate), rate) for row in some for signal in store.signals(row[None])
    ]
    return TraitBasis.fit(np.stack(measures), settings.components)


def prior_loss(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """The losses of one batch, by name: nats a code, over all levels and for each, a beat and a trait."""
    condition = Condition(batch["labels"], batch["age"], batch["sex"], batch["hidden"])
    output = model(batch["codes"], condition, Sketch(batch["times"], batch["traits"]))
    named = {
        "loss": output.code_loss,
        "loss/beats": output.beat_loss,
        "loss/traits": output.trait_loss,
    }
    return named | {f"loss/level_{q}": value for q, value in enumerate(output.level_losses)}


def sketch_loss(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """`loss`, nats a beat and nats a trait added up, and each."""
    condition = Condition(batch["labels"], batch["age"], batch["sex"], batch["hidden"])
    sketch = Sketch(batch["times"], batch["traits"])
    losses = model(sketch, condition)
    beats = losses.beats.sum() / (sketch.times.isfinite().sum() + len(sketch))
    traits = losses.traits.mean() / sketch.traits.shape[1]
    return {"loss": beats + traits, "loss/beats": beats, "loss/traits": traits}


@torch.inference_mode()
def validate_sketch(model: SketchModel, examples: CodeExamples) -> dict[str, float]:
    """Losses of all validation examples at once, with their whole condition shown, in nats; see `sketch_loss`."""
    batch = examples.batch(np.arange(len(examples)), np.random.default_rng(0))
    losses = sketch_loss(model, {name: value.to(model.offset.device) for name, value in batch.items()})
    return {name.replace("loss/", "nats/"): float(value) for name, value in losses.items()}


@torch.inference_mode()
def validate(prior: ECGPrior, examples: CodeExamples, batch_size: int = 64) -> dict[str, float]:
    """Mean losses over validation examples with their whole condition shown, by name, in nats; see `prior_loss`."""
    device = next(prior.parameters()).device
    intervals = np.isfinite(examples.times[0]).sum(1) + 1  # of each record, up to its end
    total: dict[str, float] = {}
    for start in range(0, len(examples), batch_size):
        rows = np.arange(start, min(start + batch_size, len(examples)))
        batch = examples.batch(rows, np.random.default_rng(0))
        losses = prior_loss(prior, {name: value.to(device) for name, value in batch.items()})
        for name, value in losses.items():
            counted = intervals if name == "loss/beats" else np.ones_like(intervals)
            total[name] = total.get(name, 0.0) + float(counted[rows].sum() / counted.sum()) * float(value)
    return {"loss": total.pop("loss")} | {name.replace("loss/", "nats/"): value for name, value in total.items()}
