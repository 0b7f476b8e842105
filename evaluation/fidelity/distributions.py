"""Distances of synthetic from real records: between clouds of features, and of plain measures by label.

None of these figures means anything alone: two disjoint halves of the real patients, at the same N, stand beside each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vqecg.evaluation.fidelity.feature_distances import between, frechet_distance, within
from vqecg.evaluation.statistics.weighted_metrics import MACRO
from vqecg.evaluation.waves.physiology import UNITS
from vqecg.records.patients import patient_keys

DISTANCES = ("wasserstein", "wasserstein_reference", "ks", "ks_reference")


@dataclass(frozen=True)
class DistributionDistance:
    """Two clouds of features compared; the first two fields are the numbers of records used."""

    real: int  # records used
    synthetic: int  # records used, as many as real ones
    frechet: float  # squared Frechet distance of the two Gaussians, 0 = equal mean and covariance
    kid: float  # unbiased squared maximum mean discrepancy, about 0 (below or above) when equal
    precision: float  # share of synthetic records near a real one, 0-1
    recall: float  # share of real records near a synthetic one, 0-1
    density: float  # mean number of real neighbourhoods around a synthetic record, over neighbours; about 1 when equal
    coverage: float  # share of real neighbourhoods that hold a synthetic record, 0-1


@dataclass(frozen=True)
class ReferencedDistance:
    """Half of the real patients against synthetic records, and against the other half, with the same N."""

    synthetic: DistributionDistance  # the half against synthetic records
    reference: DistributionDistance  # the half against the other half: what no generator can be asked to beat


def distribution_distance(
    real: np.ndarray, synthetic: np.ndarray, neighbours: int = 5, seed: int = 0
) -> DistributionDistance:
    """Compares features (n, d) with (m, d), in float64 and in blocks of pairs.

    The larger cloud is cut to the size of the smaller one, drawn with `seed`: all but KID change with N. No further
    sampling is done; KID is over all pairs.

    Frechet: Heusel et al., NeurIPS 2017. KID, kernel (x.y/d + 1)^3: Binkowski et al., ICLR 2018. Precision and recall:
    Kynkaanniemi et al., NeurIPS 2019. Density and coverage: Naeem et al., ICML 2020. A record's neighbourhood reaches
    to its `neighbours`-th nearest of its own kind, itself not counted.

    Raises ValueError for shapes that do not fit, NaN, or no more records than `neighbours`.
    """
    real, synthetic = np.asarray(real), np.asarray(synthetic)
    _check(real, synthetic, neighbours)
    records = min(len(real), len(synthetic))
    # centred on the real mean: squared distances are differences of products, exact only near the origin
    centre = real.mean(axis=0, dtype=np.float64)
    generator = np.random.default_rng(seed)
    first = _draw(real, records, generator).astype(np.float64) - centre
    second = _draw(synthetic, records, generator).astype(np.float64) - centre
    kernel_first, radii_first = within(first, centre, neighbours)
    kernel_second, radii_second = within(second, centre, neighbours)
    pairs = between(first, second, centre, radii_first, radii_second)
    return DistributionDistance(
        real=records,
        synthetic=records,
        frechet=frechet_distance(first, second),
        kid=kernel_first + kernel_second - 2 * pairs.kernel,
        precision=pairs.precision,
        recall=pairs.recall,
        density=pairs.density / neighbours,
        coverage=pairs.coverage,
    )


def referenced_distance(
    real: np.ndarray, patient_ids: Sequence[str], synthetic: np.ndarray, neighbours: int = 5, seed: int = 0
) -> ReferencedDistance:
    """`distribution_distance` of one half of the real patients against synthetic records and against the other half.

    `real` (n, d) with its `patient_ids`, `synthetic` (m, d). All three sets are cut to the smallest. ValueErrors as in
    `distribution_distance` and `real_halves`.
    """
    real, synthetic = np.asarray(real), np.asarray(synthetic)
    if len(patient_ids) != len(real):
        raise ValueError(f"got {len(patient_ids)} patient ids for {len(real)} records; expected one each")
    halves = [real[rows] for rows in real_halves(patient_ids, seed)]
    records = min(len(part) for part in (*halves, synthetic))
    generator = np.random.default_rng(seed)
    first, second, drawn = (_draw(part, records, generator) for part in (*halves, synthetic))
    return ReferencedDistance(
        synthetic=distribution_distance(first, drawn, neighbours, seed),
        reference=distribution_distance(first, second, neighbours, seed),
    )


def real_halves(patient_ids: Sequence[str], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows (int64, ascending) of two halves that share no patient, as equal in records as patients allow.

    An empty patient id is an unknown patient, a patient of its own. Raises ValueError below two patients.
    """
    names = patient_keys(patient_ids)
    _, patient_of, sizes = np.unique(names, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        raise ValueError(f"{len(sizes)} patients in {len(names)} records; expected at least two, one for each half")
    order = np.random.default_rng(seed).permutation(len(sizes))
    second = np.zeros(len(sizes), bool)
    surplus = 0  # records that the first half has more than the second
    for patient in order[np.argsort(-sizes[order], kind="stable")]:  # the largest first, so that the rest evens out
        second[patient] = surplus > 0
        surplus += sizes[patient] * (-1 if second[patient] else 1)
    return np.flatnonzero(~second[patient_of]), np.flatnonzero(second[patient_of])


def _draw(features: np.ndarray, records: int, generator: np.random.Generator) -> np.ndarray:
    """`records` rows drawn without replacement; all of them in their own order when there are no more."""
    if len(features) == records:
        return features
    return features[np.sort(generator.choice(len(features), records, replace=False))]


def _check(real: np.ndarray, synthetic: np.ndarray, neighbours: int) -> None:
    if real.ndim != 2 or synthetic.ndim != 2 or real.shape[1] != synthetic.shape[1] or not real.shape[1]:
        raise ValueError(f"features of shape {real.shape} and {synthetic.shape}; expected (n, d) and (m, d)")
    if neighbours < 1 or min(len(real), len(synthetic)) <= neighbours:
        raise ValueError(
            f"{len(real)} real and {len(synthetic)} synthetic records for {neighbours} neighbours; expected at least "
            "one neighbour and more records than neighbours"
        )
    if not (np.isfinite(real).all() and np.isfinite(synthetic).all()):
        raise ValueError("the features hold NaN or infinite values; expected numbers: standardise them before")


def label_distributions(
    real: pd.DataFrame,
    real_labels: np.ndarray,
    synthetic: pd.DataFrame,
    synthetic_labels: np.ndarray,
    class_names: Sequence[str],
    seed: int = 0,
    patient_ids: Sequence[str] | None = None,
    draws: int = 10,
) -> pd.DataFrame:
    """Each measure among the records of each class: one row per class and measure, then rows of class MACRO.

    Args:
        real, synthetic: one row per record, one column per measure; the columns of both are used. NaN is left out.
        real_labels, synthetic_labels: (records, classes) 0 or 1.
        patient_ids: of the real records, so that no patient is in both halves; None: every record is a patient.
        draws: random halves of the real patients over which the distances are averaged.

    Columns: unit; the records with a value (real, synthetic) and their medians; records, the smallest N that a draw
    used on each side; the Wasserstein-1 distance (in the unit) and the two-sample Kolmogorov-Smirnov statistic of
    one real half against synthetic records, and against the other half (..._reference). NaN where a side has fewer
    than two values. MACRO is the mean of the distances over classes. Raises ValueError for shapes that do not fit.
    """
    measures = [name for name in real.columns if name in synthetic.columns]
    patients = np.array([""] * len(real) if patient_ids is None else list(patient_ids), dtype=object)
    expected = [(len(real), len(class_names)), (len(synthetic), len(class_names)), (len(real),)]
    if [np.shape(real_labels), np.shape(synthetic_labels), patients.shape] != expected or not measures:
        raise ValueError(
            f"labels {np.shape(real_labels)} and {np.shape(synthetic_labels)}, {len(patients)} patients and "
            f"{len(measures)} shared measures for {len(real)} real and {len(synthetic)} synthetic records; expected "
            f"labels (records, {len(class_names)}), a patient for each real record, and measures in both tables"
        )
    generator = np.random.default_rng(seed)
    tables = []
    for column, class_name in enumerate(class_names):
        with_class = np.flatnonzero(np.asarray(real_labels)[:, column] > 0.5)
        asked_for = np.flatnonzero(np.asarray(synthetic_labels)[:, column] > 0.5)
        halves = _draws(with_class, patients, asked_for, draws, generator)
        rows = [
            _compare(real[name].to_numpy(), synthetic[name].to_numpy(), with_class, asked_for, halves)
            for name in measures
        ]
        table = pd.DataFrame(rows)
        table.insert(0, "unit", [UNITS.get(name, "") for name in measures])
        table.insert(0, "measure", measures)
        table.insert(0, "class_name", class_name)
        tables.append(table)
    classes = pd.concat(tables, ignore_index=True)
    macro = classes.groupby(["measure", "unit"], sort=False)[list(DISTANCES)].mean().reset_index()
    return pd.concat([classes, macro.assign(class_name=MACRO)], ignore_index=True)


def _draws(
    real_rows: np.ndarray, patients: np.ndarray, synthetic_rows: np.ndarray, draws: int, generator: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Rows of one real half, the other, and synthetic records, in random order; none without two patients."""
    unknown = patients[real_rows] == ""
    if len(set(patients[real_rows][~unknown])) + int(unknown.sum()) < 2:
        return []
    halves = []
    for half_seed in generator.integers(2**31, size=draws):
        first, second = (
            generator.permutation(real_rows[half]) for half in real_halves(list(patients[real_rows]), int(half_seed))
        )
        halves.append((first, second, generator.permutation(synthetic_rows)))
    return halves


def _compare(
    real: np.ndarray,
    synthetic: np.ndarray,
    real_rows: np.ndarray,
    synthetic_rows: np.ndarray,
    draws: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> dict[str, float]:
    """One row of `label_distributions`: one measure among the records of one class."""
    real_values, synthetic_values = real[real_rows], synthetic[synthetic_rows]
    row = {
        "real": int(np.isfinite(real_values).sum()),
        "synthetic": int(np.isfinite(synthetic_values).sum()),
        "real_median": _median(real_values),
        "synthetic_median": _median(synthetic_values),
    }
    distances = np.full((len(draws), len(DISTANCES)), np.nan)
    records = 0
    for number, (first, second, chosen) in enumerate(draws):
        parts = [values[np.isfinite(values)] for values in (real[first], real[second], synthetic[chosen])]
        size = min(len(part) for part in parts)
        records = size if number == 0 else min(records, size)
        if size >= 2:
            half, other, drawn = (np.sort(part[:size]) for part in parts)
            distances[number, 0::2] = _wasserstein(half, drawn), _kolmogorov_smirnov(half, drawn)
            distances[number, 1::2] = _wasserstein(half, other), _kolmogorov_smirnov(half, other)
    means = distances[np.isfinite(distances).all(axis=1)]
    averages = means.mean(axis=0) if len(means) else np.full(len(DISTANCES), np.nan)
    return row | {"records": records} | dict(zip(DISTANCES, averages.tolist(), strict=True))


def _median(values: np.ndarray) -> float:
    """Of the values that are there; NaN for none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _wasserstein(first: np.ndarray, second: np.ndarray) -> float:
    """Wasserstein-1 distance of two sorted samples of equal size."""
    return float(np.abs(first - second).mean())


def _kolmogorov_smirnov(first: np.ndarray, second: np.ndarray) -> float:
    """Largest difference of the distribution functions of two sorted samples."""
    both = np.concatenate([first, second])
    below_first = np.searchsorted(first, both, side="right") / len(first)
    below_second = np.searchsorted(second, both, side="right") / len(second)
    return float(np.abs(below_first - below_second).max())
