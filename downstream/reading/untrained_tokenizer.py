"""The control of all that is learned: the embedding of a tokenizer of the same shape whose weights are random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from vqecg.downstream.reading.fitting import Boosted, Logistic
from vqecg.downstream.reading.registry import READERS, Reader
from vqecg.records.labels import LabelTask
from vqecg.records.store.selection import RecordSelection
from vqecg.tokenizer.modeling import ECGTokenizer

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator

SEED = 0  # of the weights


class UntrainedTokenizer(Reader):
    """Measures mean, spread and extremes over time of the embedding by a tokenizer that was never trained."""

    measured = "untrained tokenizer"

    def measure(self, generator: ECGGenerator, records: RecordSelection, task: LabelTask) -> np.ndarray:
        """(records, 4 * dimension) float32; of the generator, only the tokenizer's shape is asked."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            tokenizer = ECGTokenizer(generator.tokenizer.config).eval()
        tokenizer.check_sampling_rate(records.store.spec.sampling_rate)
        return np.concatenate([over_time(tokenizer, signal) for signal in records.chunks()])


@torch.inference_mode()
def over_time(tokenizer: ECGTokenizer, signal: np.ndarray) -> np.ndarray:
    """Mean, standard deviation, least and greatest value of each dimension: (records, 4 * dimension) float32."""
    embedding = tokenizer.embed(torch.from_numpy(np.ascontiguousarray(signal)))
    return torch.cat([embedding.mean(1), embedding.std(1), embedding.amin(1), embedding.amax(1)], dim=1).numpy()


@READERS.register("boosted untrained tokenizer", rank=12)
class BoostedUntrained(Boosted, UntrainedTokenizer):
    """Gradient boosting on the embedding."""

    help = "gradient boosting on the embedding of a tokenizer of random weights"


@READERS.register("logistic untrained tokenizer", rank=13)
class LogisticUntrained(Logistic, UntrainedTokenizer):
    """Logistic regression on the embedding."""

    help = "logistic regression on the embedding of a tokenizer of random weights"
