"""The likelihood of recordings, real or synthetic, under a prior: their codes, given their condition and sketch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from vqecg.prior.conditioning import Condition
from vqecg.prior.sketch.sketch import Sketch
from vqecg.records.store.selection import RecordSelection
from vqecg.records.unknown_labels import unknown_of

if TYPE_CHECKING:  # a chain of imports that only the types need
    from vqecg.prior.generator import ECGGenerator

BATCH = 64  # records


@dataclass(frozen=True, eq=False)
class EncodedRecords:
    """A batch of recordings as the prior sees them; row n of each field belongs together."""

    codes: Tensor  # (batch, frames, levels) int64, of the levels that the prior writes
    condition: Condition  # none of them hidden
    sketch: Sketch

    @classmethod
    @torch.inference_mode()
    def of(
        cls,
        generator: ECGGenerator,
        signal: np.ndarray,
        statements: Sequence[Mapping[str, float]],
        attributes: Mapping[str, np.ndarray],
        unknown: Sequence[Collection[str]] | None = None,
    ) -> EncodedRecords:
        """Of signals (batch, 8, samples) float32 mV, statements, and columns (batch,) of a record table by name.

        `unknown` names the unknown statements of each record. Raises ValueError for a prior that knows no such.
        """
        tokenizer, prior = generator.tokenizer, generator.prior
        device = next(tokenizer.parameters()).device
        waveform = torch.from_numpy(np.ascontiguousarray(signal))
        labels = generator.task.encode(statements, unknown)
        condition = Condition.of(labels, attributes, unknown_labels=prior.config.unknown_labels)
        codes = tokenizer.encode(waveform.to(device), prior.config.levels)
        return cls(codes, condition.to(device), prior.sketch.measured(signal).to(device))

    @classmethod
    def of_records(cls, generator: ECGGenerator, records: RecordSelection) -> EncodedRecords:
        """Of records of a store. Raises ValueError when its sampling rate is not the generator's."""
        generator.tokenizer.check_sampling_rate(records.store.spec.sampling_rate)
        attributes = records.attributes(generator.prior.config.attributes)
        return cls.of(generator, records.signals, records.statements, attributes, unknown_of(records.table))

    def repeated(self, count: int) -> EncodedRecords:
        """Every recording `count` times in a row."""
        again = torch.arange(len(self.codes), device=self.codes.device).repeat_interleave(count)
        return EncodedRecords(self.codes[again], self.condition[again], self.sketch[again])

    @torch.inference_mode()
    def losses(self, generator: ECGGenerator) -> np.ndarray:
        """Negative log-likelihood of each recording, sketch and codes together: (batch,) float64 nats."""
        return generator.prior.negative_log_likelihood(self.codes, self.condition, self.sketch).double().cpu().numpy()


def losses_of_records(generator: ECGGenerator, records: RecordSelection) -> np.ndarray:
    """Negative log-likelihood of records of a store: (records,) float64 nats."""
    losses = [np.zeros(0)]
    for start in range(0, len(records), BATCH):
        part = RecordSelection(records.store, records.rows[start : start + BATCH])
        losses.append(EncodedRecords.of_records(generator, part).losses(generator))
    return np.concatenate(losses)
