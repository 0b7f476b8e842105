"""A set of records as an assessment sees it: features of a classifier, physiological features, shapes of signals.

Two spaces, neither of which the generator ever saw: what a classifier trained on real training folds makes of a record
just before its answer, and plain measures of rhythm, waves and voltage, which no label trained.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from vqecg.downstream.classifiers.signals import Signals, in_batches
from vqecg.evaluation.fidelity.distributions import distribution_distance, referenced_distance
from vqecg.evaluation.fidelity.signal_fidelity import (
    SignalSummary,
    amplitude_table,
    correlation_distance,
    spectrum_table,
    summarise,
)
from vqecg.evaluation.waves.physiology import Standardiser, physiology, physiology_features

if TYPE_CHECKING:
    from vqecg.evaluation.waves.segmenter import WaveSegmenter

CLASSIFIER_SPACE, PHYSIOLOGY_SPACE = "classifier features", "physiology"
SPACES = (CLASSIFIER_SPACE, PHYSIOLOGY_SPACE)


@dataclass(frozen=True, eq=False)
class RecordSet:
    """Records with what is known of them; rows belong together."""

    name: str  # for people: "test", "training", "synthetic", "reconstructions"
    signals: Signals  # (records, leads, samples) float32 mV when indexed
    labels: np.ndarray  # (records, classes) float32 0/1
    statements: tuple[Collection[str], ...]  # of each record
    patient_ids: tuple[str, ...]  # "" = unknown

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class DescribedRecords:
    """A record set with its measures, in the same order."""

    records: RecordSet
    measures: pd.DataFrame  # of `physiology`: one row a record, NaN where not measurable
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
    """(records, width) float32: what a classifier of downstream/models makes of every record before its last layer."""
    classifier.eval()
    model: Any = classifier
    device = next(classifier.parameters()).device
    return np.concatenate(
        [model.features(torch.from_numpy(batch).to(device)).float().cpu().numpy() for batch in in_batches(signals)]
    )


def distance_table(
    test: DescribedRecords,
    training: DescribedRecords,
    others: Sequence[DescribedRecords],
    neighbours: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """Distances of every set from the real test records, with real against real at the same N beside each.

    Columns: space, against ("test records", or "half of the test patients"), compared (a set's name; "training" and
    "other half of the test patients" are real against real), and the fields of `DistributionDistance`. All sets are cut
    to the smallest, so that every row of a space and `against` has the same N.
    """
    axes = Standardiser.fit(physiology_features(training.measures))
    rows: list[dict[str, Any]] = []
    for space in SPACES:
        clouds = {
            own.records.name: own.features
            if space == CLASSIFIER_SPACE
            else axes.transform(physiology_features(own.measures))
            for own in (test, training, *others)
        }
        rows += space_rows(space, clouds, test, neighbours, seed)
    return pd.DataFrame(rows)


def space_rows(
    space: str, clouds: Mapping[str, np.ndarray], test: DescribedRecords, neighbours: int, seed: int
) -> list[dict[str, Any]]:
    """The rows of one space; `clouds` maps the names of the sets to (records, width), the test records first."""
    real = clouds[test.records.name]
    least = min(len(cloud) for cloud in clouds.values())
    whole = real[drawn(len(real), least, seed)]
    rows: list[dict[str, Any]] = []
    reference: dict[str, Any] = {}
    for name, cloud in clouds.items():
        if cloud is real:
            continue
        found = distribution_distance(whole, cloud, neighbours, seed)
        rows.append({"space": space, "against": "test records", "compared": name, **asdict(found)})
    for name, cloud in clouds.items():
        if cloud is real:
            continue
        as_many = cloud[drawn(len(cloud), least, seed)]
        halves = referenced_distance(real, test.records.patient_ids, as_many, neighbours, seed)
        about = {"space": space, "against": "half of the test patients"}
        rows.append({**about, "compared": name, **asdict(halves.synthetic)})
        reference = {**about, "compared": "other half of the test patients", **asdict(halves.reference)}
    return [*rows, reference]


def drawn(records: int, wanted: int, seed: int) -> np.ndarray:
    """`wanted` of `records` rows, in their own order, without replacement."""
    return np.sort(np.random.default_rng(seed).permutation(records)[:wanted])


def shape_tables(
    test: DescribedRecords, training: DescribedRecords, others: Sequence[DescribedRecords]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Amplitudes lead by lead, and distances of spectra and correlations: every set beside the real test records.

    The first is `amplitude_table` with the column compared. The second has compared, measure, unit, value and
    reference (the same for real training records): the log-spectral distance, mean over leads, and the root mean
    square difference of the inter-lead correlations.
    """
    amplitudes, shapes = [], []
    for own in others:
        name = own.records.name
        amplitudes.append(amplitude_table(test.summary, own.summary, training.summary).assign(compared=name))
        spectra = spectrum_table(test.summary, own.summary, training.summary)
        correlation = (correlation_distance(test.summary, one.summary) for one in (own, training))
        for measure, unit, (value, reference) in (
            ("power spectrum", "dB", (spectra["distance"].mean(), spectra["reference_distance"].mean())),
            ("inter-lead correlation", "1", correlation),
        ):
            row = {"compared": name, "measure": measure, "unit": unit}
            shapes.append(row | {"value": float(value), "reference": float(reference)})
    return pd.concat(amplitudes, ignore_index=True), pd.DataFrame(shapes)
