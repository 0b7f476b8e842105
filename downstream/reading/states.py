"""The reader of the transformer: its hidden states as it reads a recording, whose labels it is never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from vqecg.downstream.reading.fitting import Logistic
from vqecg.downstream.reading.registry import READERS
from vqecg.prior.likelihood import BATCH
from vqecg.prior.modeling import delay
from vqecg.records.labels import LabelTask
from vqecg.records.store.selection import RecordSelection

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator


@READERS.register("logistic states", rank=2)
class LogisticStates(Logistic):
    """Logistic regression on the mean hidden state of the transformer over a recording's codes."""

    help = "logistic regression on the mean hidden state of the transformer"
    measured = "states"

    @torch.inference_mode()
    def measure(self, generator: ECGGenerator, records: RecordSelection, task: LabelTask) -> np.ndarray:
        """(records, width of the transformer) float32."""
        generator.tokenizer.check_sampling_rate(records.store.spec.sampling_rate)
        prior, tokenizer, rows = generator.prior, generator.tokenizer, []
        device = next(prior.parameters()).device
        for start in range(0, len(records), BATCH):
            signal = records.only(slice(start, start + BATCH)).signals
            codes = tokenizer.encode(torch.from_numpy(np.ascontiguousarray(signal)).to(device), prior.config.levels)
            sketch = prior.sketch.measured(signal).to(device)
            states = prior.step_states(delay(codes, prior.config.codebook_size), sketch, prior.code_tables())
            rows.append(states.mean(1).float().cpu().numpy())
        return np.concatenate(rows)
