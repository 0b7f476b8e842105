"""Quality of a tokenizer: PRD, codebook use, and the speed of encoding and decoding."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vqecg.records.files.progress import Progress
from vqecg.records.leads import twelve_leads
from vqecg.records.store.record_store import RecordStore
from vqecg.tokenizer.quantizers.base import code_usage, perplexity

if TYPE_CHECKING:
    from vqecg.tokenizer.modeling import ECGTokenizer


@dataclass(frozen=True)
class LevelUse:
    """Use of the codes of one level by a set of records."""

    level: int  # from 0
    used: float  # share of the codebook that occurs at all
    perplexity: float  # 1 to codebook_size
    bits: float  # entropy of a code, at most log2(codebook_size)


@dataclass(frozen=True)
class PRDSummary:
    """Percentage root-mean-square difference over a set of records, decoded from the first `levels` levels."""

    levels: int
    median: float  # %
    lower_quartile: float  # %
    upper_quartile: float  # %
    records: int


@dataclass(frozen=True)
class TokenizerAssessment:
    """Measurements of `assess_tokenizer`; plain values, JSON-able through `to_dict`."""

    bit_rate: float  # bits per second
    frame_rate: float  # frames per second
    prd: tuple[PRDSummary, ...]  # for growing numbers of first levels
    use: tuple[LevelUse, ...]  # over the training records
    encode_records_per_second: float
    decode_records_per_second: float

    def to_dict(self) -> dict[str, Any]:
        """The assessment as plain JSON values."""
        return asdict(self)


def prd(signal: Tensor, reconstruction: Tensor) -> Tensor:
    """PRD of each record in percent, over the twelve leads, each made mean-free: (batch, 8, samples) twice -> (batch,).

    100 sqrt(sum of squared error / sum of squared mean-free signal); the error keeps its mean, so a shifted baseline
    counts against the reconstruction.
    """
    original, error = twelve_leads(signal), twelve_leads(reconstruction - signal)
    energy = (original - original.mean(-1, keepdim=True)).square().sum((1, 2))
    return 100 * (error.square().sum((1, 2)) / energy).sqrt()


@torch.inference_mode()
def encode_store(
    tokenizer: ECGTokenizer, store: RecordStore, indices: np.ndarray, batch_size: int = 64, progress: bool = True
) -> Tensor:
    """Codes of the chosen records: (records, frames, levels) int16 (int32 for codebooks beyond 32,768).

    Raises ValueError when the store's sampling rate is not the tokenizer's.
    """
    tokenizer.check_sampling_rate(store.spec.sampling_rate)
    device = next(tokenizer.parameters()).device
    kind = torch.int16 if tokenizer.codebook_size <= 2**15 else torch.int32
    starts = range(0, len(indices), batch_size)
    parts = [
        tokenizer.encode(torch.from_numpy(store.signals(indices[n : n + batch_size])).to(device)).to(kind).cpu()
        for n in Progress(starts, description="encoding", unit="batch", shown=progress)
    ]
    return torch.cat(parts) if parts else torch.zeros(0, 0, tokenizer.num_levels, dtype=kind)


@torch.inference_mode()
def reconstruct(
    tokenizer: ECGTokenizer, codes: Tensor, samples: int, levels: int | None = None, batch_size: int = 64
) -> Tensor:
    """Codes (records, frames, levels) -> (records, 8, samples) mV from the first `levels` of them, in batches."""
    device = next(tokenizer.parameters()).device
    return torch.cat(
        [tokenizer.decode(part[..., :levels].long().to(device), samples).cpu() for part in codes.split(batch_size)]
    )


def summarise_prd(values: Tensor, levels: int) -> PRDSummary:
    """Median and quartiles of PRD values (records,)."""
    low, median, high = np.quantile(values.double().numpy(), [0.25, 0.5, 0.75])
    return PRDSummary(levels, float(median), float(low), float(high), len(values))


def level_use(codes: Tensor, codebook_size: int) -> tuple[LevelUse, ...]:
    """Use of every level over a set of codes (records, frames, levels)."""
    usage = code_usage(codes.long(), codebook_size)
    spread = perplexity(usage)
    return tuple(
        LevelUse(level, float((usage[level] > 0).float().mean()), float(spread[level]), float(spread[level].log2()))
        for level in range(len(usage))
    )


def assess_tokenizer(
    tokenizer: ECGTokenizer, store: RecordStore, train: np.ndarray, test: np.ndarray, progress: bool = True
) -> TokenizerAssessment:
    """Codebook use over the `train` rows of the store; PRD and speed over its `test` rows.

    Raises ValueError when there are no test rows.
    """
    if len(test) == 0:
        raise ValueError("no test records to measure PRD on; name at least one test fold")
    signal = torch.from_numpy(store.signals(test))
    began = time.perf_counter()
    codes = encode_store(tokenizer, store, test, progress=progress)
    encoded = time.perf_counter()
    reconstruct(tokenizer, codes, signal.shape[2])
    decoded = time.perf_counter()
    ladder = sorted({q for q in (1, 2, 3, 4, 6) if q < tokenizer.num_levels} | {tokenizer.num_levels})
    summaries = [
        summarise_prd(prd(signal, reconstruct(tokenizer, codes, signal.shape[2], levels)), levels) for levels in ladder
    ]
    use = level_use(encode_store(tokenizer, store, train, progress=progress), tokenizer.codebook_size)
    return TokenizerAssessment(
        tokenizer.bit_rate,
        tokenizer.frame_rate,
        tuple(summaries),
        use,
        len(test) / (encoded - began),
        len(test) / (decoded - encoded),
    )
