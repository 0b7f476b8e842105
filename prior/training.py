"""Training a prior on the codes of the training folds."""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.prior.conditioning import group_membership
from vqecg.prior.config import ECGPriorConfig, PriorShape
from vqecg.prior.detail.training import DetailLoss, train_detail
from vqecg.prior.examples import BATCH, CodeExamples, Variants, encode_examples, mean_losses
from vqecg.prior.modeling import ECGPrior
from vqecg.prior.sketch.loss import SketchLoss
from vqecg.prior.sketch.modeling import SketchModel
from vqecg.prior.sketch.sketch import Sketch
from vqecg.prior.sketch.traits import TraitBasis, measure_all
from vqecg.records.bounds import Checked, Count, Factor, SecondsOrNone, Share, Spread
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import OMITTED_WHILE_DEFAULT, fingerprint
from vqecg.training.fit import FitResult, FitSettings, fit
from vqecg.training.weights import build_model

BASIS_RECORDS = 10_000  # training records that the traits' basis is fitted on: more would only take memory
# the recurrent models keep float32: a heart keeps its rate to a percent
SKETCH_FIT = FitSettings(steps=1200, learning_rate=3e-3, weight_decay=0.05, average_decay=0.99, mixed_precision="no")
DETAIL_FIT = FitSettings(steps=1200, batch_size=32, learning_rate=2e-3, warmup_steps=30, average_decay=0.99)


@dataclass(frozen=True)
class PriorTraining(Checked):
    """A prior's shape and how it is trained."""

    model: PriorShape = field(default_factory=PriorShape)
    variants: Count = 4  # encodings of each training record, jittered anew (the first is not)
    shift: SecondsOrNone = 0.04  # s, a variant is moved by at most, either way
    gain: Spread = 0.05  # standard deviation of the logarithm of a random factor on each variant
    fit: FitSettings = field(default_factory=FitSettings)  # of the transformer
    sketch: FitSettings = SKETCH_FIT  # of the small models that draw the sketch
    contrast: Factor = 10.0  # weight of choosing a record's labels over another's (prior/sketch/loss.py)
    detail: FitSettings = DETAIL_FIT  # of the network that puts back what the other levels hold
    corruption: Share = 0.1  # share of codes replaced by near ones where the detail model learns (prior/detail)
    # learn from the training recordings without labels too, as records of which nothing is known
    unlabelled: bool = field(default=False, metadata=OMITTED_WHILE_DEFAULT)


@dataclass(frozen=True)
class TrainedPrior:
    """A trained prior and the course of its trainings."""

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

    Labels of `train` may be unknown, those of `validation` not. Raises ValueError when the settings ask for more levels
    than the tokenizer has, no validation rows are given, or the store's sampling rate is not the tokenizer's.
    """
    if not 1 <= settings.model.levels <= tokenizer.num_levels:
        raise ValueError(
            f"levels is {settings.model.levels}; expected 1 to {tokenizer.num_levels}, what the tokenizer has"
        )
    if len(validation) == 0:
        raise ValueError("no validation records to choose the weights by; name at least one validation fold")
    membership = group_membership(task.class_names)
    basis = trait_basis(store, train, settings)
    shape = replace(settings.model, components=basis.components, other_components=basis.other_components)
    config = ECGPriorConfig(
        **vars(shape),
        class_names=task.class_names,
        groups=membership.shape[1],
        tokenizer_fingerprint=fingerprint(tokenizer),
        codebook_size=tokenizer.codebook_size,
        code_dimension=tokenizer.config.dimension,
        frames=tokenizer.frames(store.spec.samples),
        sampling_rate=store.spec.sampling_rate,
        hop_length=tokenizer.hop_length,
        unknown_labels=bool(np.isnan(store.labels(task, train, math.nan)).any()),
    )
    store.labels(task, validation)  # known, all of them
    shift = round(settings.shift * store.spec.sampling_rate)
    variants = Variants(settings.variants, shift, settings.gain, settings.fit.seed)
    levels = tokenizer.num_levels  # all: the detail model learns what the deeper ones hold
    columns = settings.model.attributes
    examples = encode_examples(store, train, tokenizer, basis, task, levels, variants, columns, progress)
    held_out = encode_examples(store, validation, tokenizer, basis, task, levels, attributes=columns, progress=progress)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.fit.seed)
        prior = build_model(ECGPrior, config)
    vectors = tokenizer.quantizer.code_vectors()
    prior.set_code_vectors(vectors[: settings.model.levels])
    prior.set_groups(membership)
    prior.set_trait_basis(basis)
    return fit_parts(prior, examples, held_out, vectors, settings, folder, progress)


def fit_parts(
    prior: ECGPrior,
    examples: CodeExamples,
    held_out: CodeExamples,
    code_vectors: Tensor,
    settings: PriorTraining,
    folder: Path | None,
    progress: bool,
) -> TrainedPrior:
    """Trains the sketch, then the transformer on the levels that it writes, then the detail on all of `examples`'."""
    written, shown = (part.first_levels(settings.model.levels) for part in (examples, held_out))
    shape = settings.model
    sketch = fit(
        prior.sketch,
        replace(written, label_dropout=shape.label_dropout, attribute_dropout=shape.attribute_dropout),
        SketchLoss(settings.contrast),
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
        evaluate=lambda _: mean_losses(prior, shown, prior_loss),  # fit trains it in place
        description="prior",
        progress=progress,
    )
    for part in parts:
        part.requires_grad_(True)
    if settings.model.levels == len(code_vectors):
        return TrainedPrior(prior, sketch, result, None)
    detail = train_detail(
        prior.detail,
        examples,
        held_out,
        DetailLoss(code_vectors, settings.model.levels, settings.corruption, prior.sketch, settings.model.trait_noise),
        settings.detail,
        None if folder is None else folder / "detail",
        progress,
    )
    return TrainedPrior(prior, sketch, result, detail)


def trait_basis(store: RecordStore, train: np.ndarray, settings: PriorTraining) -> TraitBasis:
    """The basis of the traits of the rows `train`, from at most BASIS_RECORDS of them."""
    some = np.random.default_rng(settings.fit.seed).permutation(train)[:BASIS_RECORDS]
    parts = np.array_split(some, -(-len(some) // BATCH))
    shape, rate = settings.model, store.spec.sampling_rate
    measures = [measure_all(store.signals(part), rate, shape.other_components > 0).measures for part in parts]
    return TraitBasis.fit(np.concatenate(measures), shape.components, shape.other_components)


def prior_loss(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """The losses of one batch, by name: nats per code, over all levels and for each."""
    output = model(batch["codes"], Sketch.from_batch(batch))
    return {"loss": output.code_loss} | {f"loss/level_{q}": value for q, value in enumerate(output.level_losses)}


def validate_sketch(model: SketchModel, examples: CodeExamples) -> dict[str, float]:
    """Mean losses of the validation examples; see `SketchLoss`."""
    intervals = np.isfinite(examples.times[0]).sum(1) + 1  # of each record, up to its end
    losses = mean_losses(model, examples, SketchLoss(), {"loss/beats": intervals})
    return losses | {"loss": losses["nats/beats"] + losses["nats/traits"]}
