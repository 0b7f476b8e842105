"""A set of records with its measures: features of a classifier, physiological features, shapes of signals."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from vqecg.downstream.assessment.record_sets import RecordSet
from vqecg.downstream.classifiers.signals import Signals, in_batches
from vqecg.evaluation.fidelity.signal_fidelity import SignalSummary, summarise
from vqecg.evaluation.waves.physiology import physiology

if TYPE_CHECKING:
    from vqecg.evaluation.waves.segmenter import WaveSegmenter


@dataclass(frozen=True, eq=False)
class DescribedRecords:
    """A record set with its measures, in the same order."""

    records: RecordSet
    measures: pd.DataFrame  # of `physiology`: one row per record, NaN where not measurable
    summary: SignalSummary  # amplitudes, mean spectra and correlations, lead by lead
    features: np.ndarray  # (records, width) float32, of the classifier

    def __len__(self) -> int:
        return len(self.records)


def describe(
    records: RecordSet, classifier: nn.Module, sampling_rate: int, segmenter: "WaveSegmenter | None"
) -> DescribedRecords:
    """Reads all signals in batches, so that no set has to fit into memory."""
    return DescribedRecords(
        records,
        physiology(in_batches(records.signals), sampling_rate, segmenter),
        summarise(in_batches(records.signals), sampling_rate),
        classifier_features(classifier, records.signals),
    )


@torch.no_grad()
def classifier_features(classifier: nn.Module, signals: Signals) -> np.ndarray:
    """(records, width) float32: the activations of a registered classifier before its last layer."""
    classifier.eval()
    model: Any = classifier
    device = next(classifier.parameters()).device
    return np.concatenate(
        [model.features(torch.from_numpy(batch).to(device)).float().cpu().numpy() for batch in in_batches(signals)]
    )
