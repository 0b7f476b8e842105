"""Real records through the tokenizer and back, kept on disk: what the codes can carry, whatever prior writes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from vqecg.records.files.array_file import ArrayFile
from vqecg.records.files.atomic import atomic_file
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import MICROVOLTS, STORED_TYPE
from vqecg.tokenizer.metrics import encode_store, reconstruct

if TYPE_CHECKING:
    from vqecg.tokenizer.modeling import ECGTokenizer

CHUNK = 512  # records decoded at a time


@dataclass(frozen=True, eq=False)
class MicrovoltSignals:
    """Records in a .npy file of (records, leads, samples) int16 microvolt, read from disk when asked for."""

    path: Path

    @cached_property
    def _signals(self) -> np.ndarray:
        return np.load(self.path, mmap_mode="r")

    def __len__(self) -> int:
        return len(self._signals)

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        return np.asarray(self._signals[indices]).astype(np.float32) / np.float32(MICROVOLTS)


def write_reconstructions(
    tokenizer: ECGTokenizer, store: RecordStore, indices: np.ndarray, path: Path, levels: int | None = None
) -> MicrovoltSignals:
    """Encodes the records at `indices` and decodes the first `levels` levels (None: all) into `path`, whole or not.

    Voltages beyond what int16 microvolt hold (32.767 mV) are cut. Raises ValueError when the store's sampling rate is
    not the tokenizer's.
    """
    codes = encode_store(tokenizer, store, indices)
    samples, leads = store.spec.samples, len(tokenizer.config.leads)
    with atomic_file(path) as aside, ArrayFile(aside, (leads, samples), STORED_TYPE) as file:
        for part in codes.split(CHUNK):
            decoded = torch.as_tensor(reconstruct(tokenizer, part, samples, levels)).numpy()
            file.append(np.rint(decoded * MICROVOLTS).clip(-(2**15), 2**15 - 1).astype(STORED_TYPE))
    return MicrovoltSignals(path)
