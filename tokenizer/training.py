"""Training a tokenizer on the training folds of a store."""

from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.records.bounds import OMITTED_WHILE_DEFAULT, Checked, Count, CountOrNone, Spread
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.config import ECGTokenizerConfig
from vqecg.tokenizer.metrics import prd
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.tokenizer.noise import NoiseSettings, NoisyExamples
from vqecg.tokenizer.quantizers.base import perplexity
from vqecg.training.examples import SignalExamples
from vqecg.training.fit import FitResult, FitSettings, fit
from vqecg.training.sampler import Examples
from vqecg.training.weights import build_model

# of a tokenizer's settings: what may differ from those of the tokenizer that training starts from
LOSSES = (
    "codebook_decay",
    "dead_code_threshold",
    "quantizer_dropout",
    "commitment_weight",
    "slope_weight",
    "noise_share",
)


@dataclass(frozen=True)
class TokenizerTraining(Checked):
    """A tokenizer's shape and how it is trained."""

    model: ECGTokenizerConfig = field(default_factory=ECGTokenizerConfig)
    fit: FitSettings = field(default_factory=FitSettings)
    shift: CountOrNone = 8  # samples a record is moved by at most, either way, each time it is seen
    gain: Spread = 0.1  # standard deviation of the logarithm of a random factor on each record
    validation_records: Count = 512  # at most so many validation records choose the weights
    noise: NoiseSettings = field(default=NoiseSettings(), metadata=OMITTED_WHILE_DEFAULT)  # see model.noise_share


@dataclass(frozen=True)
class TrainedTokenizer:
    """A trained tokenizer and the course of its training."""

    tokenizer: ECGTokenizer
    result: FitResult


def train_tokenizer(
    store: RecordStore,
    train: np.ndarray,
    validation: np.ndarray,
    settings: TokenizerTraining,
    folder: Path | None = None,
    progress: bool = True,
    start: ECGTokenizer | None = None,
) -> TrainedTokenizer:
    """Trains a tokenizer on the rows `train` of the store and keeps the weights with the lowest median PRD on
    `validation`. With a folder, an interrupted run resumes there exactly. With another tokenizer as `start`, training
    begins with its weights and codebooks.

    Where `model.noise_share` is above 0, noise is added to that share of the inputs, and to all of validation: a
    denoising autoencoder (Vincent et al. 2008) with codes in the middle.

    Raises ValueError when the settings are for another sampling rate than the store's or another shape than that of
    `start`, when noise of a kind does not exist at that rate, or no validation rows are given.
    """
    if settings.model.sampling_rate != store.spec.sampling_rate:
        raise ValueError(
            f"the tokenizer's settings are for {settings.model.sampling_rate} Hz, the store holds "
            f"{store.spec.sampling_rate} Hz: prepare the store at that rate, or change the settings"
        )
    if len(validation) == 0:
        raise ValueError("no validation records to choose the weights by; name at least one validation fold")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.fit.seed)
        tokenizer = build_model(ECGTokenizer, settings.model)
    if start is not None:
        check_shape(start.config, settings.model)
        tokenizer.load_state_dict(start.state_dict())
    signals = SignalExamples(store, train, settings.shift, settings.gain)
    examples: Examples = signals
    chosen = store.signals(validation[: settings.validation_records])
    given = chosen
    if settings.model.denoises:
        settings.noise.check_sampling_rate(store.spec.sampling_rate)
        examples = NoisyExamples(signals, settings.noise, settings.model.noise_share)
        # the same noise at every evaluation
        given = settings.noise.added_to(chosen, store.spec.sampling_rate, np.random.default_rng(settings.fit.seed))

    result = fit(
        tokenizer,
        examples,
        tokenizer_loss,
        settings.fit,
        folder,
        # fit trains it in place
        evaluate=lambda _: validate(tokenizer, torch.from_numpy(chosen), torch.from_numpy(given)),
        metric="prd/median",
        description="tokenizer",
        progress=progress,
    )
    return TrainedTokenizer(tokenizer, result)


def check_shape(start: ECGTokenizerConfig, wanted: ECGTokenizerConfig) -> None:
    """Raises ValueError, naming what differs, where a tokenizer to start from has another shape, rate or quantizer."""
    names = [field.name for field in fields(wanted) if field.name not in LOSSES]
    differing = [
        f"{name} {getattr(start, name)} (asked for: {getattr(wanted, name)})"
        for name in names
        if getattr(start, name) != getattr(wanted, name)
    ]
    if differing:
        raise ValueError(
            f"the tokenizer to start from has {', '.join(differing)}; expected the same: change --training.model, or "
            "train from the beginning"
        )


def tokenizer_loss(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """The losses of one batch, by name."""
    output = model(batch["signal"], batch.get("disturbed"))
    return {
        "loss": output.loss,
        "loss/time": output.time_loss,
        "loss/slope": output.slope_loss,
        "loss/commitment": output.commitment_loss,
    }


@torch.inference_mode()
def validate(
    tokenizer: ECGTokenizer, signal: Tensor, disturbed: Tensor | None = None, batch_size: int = 64
) -> dict[str, float]:
    """PRD on validation records (records, 8, samples) mV, and how training used each level since the last call.

    With the same records `disturbed`, what is decoded of these is compared with `signal`.
    """
    device = next(tokenizer.parameters()).device
    half = max(1, tokenizer.num_levels // 2)
    whole, coarse = [], []
    given = signal if disturbed is None else disturbed
    for part, encoded in zip(signal.split(batch_size), given.split(batch_size), strict=True):
        part = part.to(device)
        codes = tokenizer.encode(encoded.to(device))
        whole.append(prd(part, tokenizer.decode(codes, part.shape[2])).cpu())
        coarse.append(prd(part, tokenizer.decode(codes[..., :half], part.shape[2])).cpu())
    quantizer = tokenizer.quantizer
    values = {"prd/median": float(torch.cat(whole).median()), "prd/half_levels": float(torch.cat(coarse).median())}
    for level, usage in enumerate(quantizer.usage):
        values[f"vq/perplexity_{level}"] = float(perplexity(usage))
        values[f"vq/used_{level}"] = float((usage > 0).float().mean())
        values[f"vq/restarts_{level}"] = float(quantizer.restarts[level])
    quantizer.reset_statistics()
    return values
