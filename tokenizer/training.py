"""Training a tokenizer on the training folds of a store."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vqecg.records.bounds import Checked, Count, CountOrNone, Spread
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.config import ECGTokenizerConfig
from vqecg.tokenizer.metrics import prd
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.tokenizer.quantizers.base import perplexity
from vqecg.training.examples import SignalExamples
from vqecg.training.fit import FitResult, FitSettings, fit
from vqecg.training.weights import build_model


@dataclass(frozen=True)
class TokenizerTraining(Checked):
    """A tokenizer's shape and how it is trained."""

    model: ECGTokenizerConfig = field(default_factory=ECGTokenizerConfig)
    fit: FitSettings = field(default_factory=FitSettings)
    shift: CountOrNone = 8  # samples a record is moved by at most, either way, each time it is seen
    gain: Spread = 0.1  # standard deviation of the logarithm of a random factor on each record
    validation_records: Count = 512  # at most so many validation records choose the weights


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
) -> TrainedTokenizer:
    """Trains a tokenizer on the rows `train` of the store and keeps the weights with the lowest median PRD on
    `validation`. With a folder, an interrupted run resumes there exactly.

    Raises ValueError when the settings are for another sampling rate than the store's, or no validation rows are given.
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
    chosen = torch.from_numpy(store.signals(validation[: settings.validation_records]))

    result = fit(
        tokenizer,
        SignalExamples(store, train, settings.shift, settings.gain),
        tokenizer_loss,
        settings.fit,
        folder,
        evaluate=lambda _: validate(tokenizer, chosen),  # fit trains it in place
        metric="prd/median",
        description="tokenizer",
        progress=progress,
    )
    return TrainedTokenizer(tokenizer, result)


def tokenizer_loss(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """The losses of one batch, by name."""
    output = model(batch["signal"])
    return {
        "loss": output.loss,
        "loss/time": output.time_loss,
        "loss/slope": output.slope_loss,
        "loss/commitment": output.commitment_loss,
    }


@torch.inference_mode()
def validate(tokenizer: ECGTokenizer, signal: Tensor, batch_size: int = 64) -> dict[str, float]:
    """PRD on validation records (records, 8, samples) mV, and how training used each level since the last call."""
    device = next(tokenizer.parameters()).device
    half = max(1, tokenizer.num_levels // 2)
    whole, coarse = [], []
    for part in signal.split(batch_size):
        part = part.to(device)
        codes = tokenizer.encode(part)
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
