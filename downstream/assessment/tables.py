"""Tables of an assessment: distances, shapes of signals, physiology and label adherence of each set of records.

Distances are measured in two spaces, neither of which the generator ever saw: the features of a classifier trained on
real training folds, and plain measures of rhythm, waves and voltage, which no label trained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from vqecg.downstream.assessment.described_records import DescribedRecords
from vqecg.evaluation.fidelity.distributions import distribution_distance, label_distributions, referenced_distance
from vqecg.evaluation.fidelity.signal_fidelity import amplitude_table, correlation_distance, spectrum_table
from vqecg.evaluation.waves.label_adherence import adherence_table
from vqecg.evaluation.waves.physiology import UNITS, Standardiser, physiology_features

CLASSIFIER_SPACE, PHYSIOLOGY_SPACE = "classifier features", "physiology"
SPACES = (CLASSIFIER_SPACE, PHYSIOLOGY_SPACE)


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
            described.records.name: described.features
            if space == CLASSIFIER_SPACE
            else axes.transform(physiology_features(described.measures))
            for described in (test, training, *others)
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
        distance = distribution_distance(whole, cloud, neighbours, seed)
        rows.append({"space": space, "against": "test records", "compared": name, **asdict(distance)})
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
    for other in others:
        name = other.records.name
        amplitudes.append(amplitude_table(test.summary, other.summary, training.summary).assign(compared=name))
        spectra = spectrum_table(test.summary, other.summary, training.summary)
        correlation = (correlation_distance(test.summary, described.summary) for described in (other, training))
        for measure, unit, (value, reference) in (
            ("power spectrum", "dB", (spectra["distance"].mean(), spectra["reference_distance"].mean())),
            ("inter-lead correlation", "1", correlation),
        ):
            row = {"compared": name, "measure": measure, "unit": unit}
            shapes.append(row | {"value": float(value), "reference": float(reference)})
    return pd.concat(amplitudes, ignore_index=True), pd.DataFrame(shapes)


def physiology_table(
    test: DescribedRecords, others: Sequence[DescribedRecords], class_names: Sequence[str], seed: int
) -> pd.DataFrame:
    """`label_distributions` of every set against the real test records."""
    tables = []
    for other in others:
        table = label_distributions(
            of_units(test.measures),
            test.records.labels,
            of_units(other.measures),
            other.records.labels,
            class_names,
            seed,
            test.records.patient_ids,
        )
        tables.append(table.assign(compared=other.records.name))
    return pd.concat(tables, ignore_index=True)


def of_units(measures: pd.DataFrame) -> pd.DataFrame:
    """The measures that are compared as distributions; signs are for rules."""
    return measures[[name for name in measures if name in UNITS]]


def adherence_tables(real: Sequence[DescribedRecords], others: Sequence[DescribedRecords]) -> pd.DataFrame:
    """`adherence_table` of every set against all of `real`: rates need no held-out records, and rules are rare."""
    measures = pd.concat([described.measures for described in real], ignore_index=True)
    statements = [row for described in real for row in described.records.records.statements]
    tables = []
    for other in others:
        table = adherence_table(measures, statements, other.measures, other.records.records.statements)
        tables.append(table.assign(compared=other.records.name))
    return pd.concat(tables, ignore_index=True)
