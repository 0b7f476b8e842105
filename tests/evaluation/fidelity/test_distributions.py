"""Distances between clouds of features and between plain measures, against closed forms and brute force."""

from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest

from vqecg.evaluation.fidelity import feature_distances as clouds
from vqecg.evaluation.fidelity.distributions import (
    MACRO,
    distribution_distance,
    label_distributions,
    real_halves,
    referenced_distance,
)
from vqecg.evaluation.fidelity.feature_distances import frechet_distance


def cloud(records: int, features: int = 3, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1.0, (records, features))


def with_moments(mean: np.ndarray, covariance: np.ndarray, seed: int) -> np.ndarray:
    """Features whose sample mean and covariance are exactly these."""
    raw = cloud(50, len(mean), seed=seed)
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
    return mean + white @ np.linalg.cholesky(covariance).T


def kernel(x: np.ndarray, y: np.ndarray) -> float:
    return float((x @ y / len(x) + 1) ** 3)


def brute_force(real: np.ndarray, synthetic: np.ndarray, neighbours: int) -> dict[str, float]:
    """The definitions, pair by pair."""
    n, m = len(real), len(synthetic)
    kid = np.mean([kernel(real[i], real[j]) for i in range(n) for j in range(n) if i != j])
    kid += np.mean([kernel(synthetic[i], synthetic[j]) for i in range(m) for j in range(m) if i != j])
    kid -= 2 * np.mean([kernel(x, y) for x in real for y in synthetic])
    radius = [sorted(np.linalg.norm(real - x, axis=1))[neighbours] for x in real]
    radius_synthetic = [sorted(np.linalg.norm(synthetic - y, axis=1))[neighbours] for y in synthetic]
    inside = np.array([[np.linalg.norm(x - y) <= radius[i] for y in synthetic] for i, x in enumerate(real)])
    near = np.array([[np.linalg.norm(x - y) <= radius_synthetic[j] for j, y in enumerate(synthetic)] for x in real])
    return {
        "kid": float(kid),
        "precision": inside.any(axis=0).mean(),
        "recall": near.any(axis=1).mean(),
        "density": inside.sum() / (neighbours * m),
        "coverage": inside.any(axis=1).mean(),
    }


@pytest.mark.parametrize("block", [7, 100, 8_000_000])
def test_all_but_frechet_equal_the_definitions_in_blocks_of_any_size(block: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clouds, "BLOCK", block)
    real, synthetic = cloud(40) + 5, cloud(40, shift=0.7, seed=1) + 5
    found = distribution_distance(real, synthetic, neighbours=3)
    for name, expected in brute_force(real, synthetic, 3).items():
        assert getattr(found, name) == pytest.approx(expected, rel=1e-9), name
    assert found.real == found.synthetic == 40


def test_frechet_of_two_gaussians_is_the_closed_form():
    diagonal = np.diag([4.0, 9.0]), np.diag([1.0, 25.0])
    first = with_moments(np.array([1.0, 2.0]), diagonal[0], 0)
    second = with_moments(np.array([4.0, -2.0]), diagonal[1], 1)
    # |mean difference|^2 + sum of (sd - sd)^2
    assert frechet_distance(first, second) == pytest.approx(25 + (2 - 1) ** 2 + (3 - 5) ** 2, rel=1e-9)


def test_frechet_of_correlated_gaussians_is_the_trace_formula():
    one, two = np.array([[2.0, 0.6], [0.6, 1.0]]), np.array([[1.0, -0.3], [-0.3, 0.5]])
    first, second = with_moments(np.zeros(2), one, 2), with_moments(np.zeros(2), two, 3)
    # the root of a 2 x 2 matrix has the trace sqrt(tr + 2 sqrt(det))
    root = np.sqrt(np.trace(one @ two) + 2 * np.sqrt(np.linalg.det(one @ two)))
    assert frechet_distance(first, second) == pytest.approx(np.trace(one + two) - 2 * root, rel=1e-9)


def test_frechet_stands_fewer_records_than_features_and_constant_features():
    few, other = cloud(5, 40), cloud(7, 40, seed=1)
    few[:, 3] = other[:, 3] = 1.0
    assert frechet_distance(few, few.copy()) == pytest.approx(0, abs=1e-10)
    assert frechet_distance(few, few + 0.5) == pytest.approx(40 * 0.25, rel=1e-9)
    assert frechet_distance(few, other) == pytest.approx(frechet_distance(other, few), rel=1e-9)


def test_equal_distributions_are_near_and_shifted_ones_are_far():
    same = distribution_distance(cloud(400), cloud(400, seed=1))
    far = distribution_distance(cloud(400), cloud(400, shift=20.0, seed=1))
    assert same.precision > 0.9 and same.recall > 0.9 and same.coverage > 0.9 and abs(same.density - 1) < 0.15
    assert (far.precision, far.recall, far.density, far.coverage) == (0, 0, 0, 0)
    assert far.frechet > 1000 * same.frechet and far.kid > 1000 * abs(same.kid)


def test_collapse_to_one_mode_is_seen_by_recall_and_coverage_but_not_by_precision():
    real = np.concatenate([cloud(200), cloud(200, shift=20.0, seed=1)])
    found = distribution_distance(real, cloud(400, seed=2) * 0.3)
    assert found.precision > 0.95 and found.recall < 0.5 and found.coverage <= 0.5


def test_kid_of_equal_distributions_is_zero_on_average():
    values = [distribution_distance(cloud(20, seed=s), cloud(20, seed=s + 500), 3).kid for s in range(100)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))


def test_order_rotation_and_a_shift_of_both_do_not_matter():
    real, synthetic = cloud(60), cloud(60, shift=0.5, seed=1)
    expected = distribution_distance(real, synthetic)
    shuffled = distribution_distance(real[::-1], np.random.default_rng(0).permutation(synthetic))
    np.testing.assert_allclose(astuple(shuffled), astuple(expected), rtol=1e-9)
    turn = np.linalg.qr(cloud(3, seed=5))[0]
    np.testing.assert_allclose(astuple(distribution_distance(real @ turn, synthetic @ turn)), astuple(expected), 1e-9)
    moved = distribution_distance(real + 1e6, synthetic + 1e6)
    assert moved.frechet == pytest.approx(expected.frechet, rel=1e-6)
    assert astuple(moved)[4:] == astuple(expected)[4:], "neighbours far from the origin"


def test_the_larger_cloud_is_cut_by_seed():
    real, synthetic = cloud(90), cloud(50, seed=1)
    found = distribution_distance(real, synthetic, seed=3)
    assert found.real == found.synthetic == 50
    assert found == distribution_distance(real, synthetic, seed=3)
    assert found != distribution_distance(real, synthetic, seed=4)


@pytest.mark.parametrize(
    ("real", "synthetic", "neighbours", "told"),
    [
        (cloud(9), cloud(9, 4), 5, "expected \\(n, d\\) and \\(m, d\\)"),
        (cloud(9)[0], cloud(9), 5, "expected \\(n, d\\)"),
        (cloud(5), cloud(9), 5, "more records than neighbours"),
        (cloud(9), cloud(9), 0, "at least one neighbour"),
        (cloud(9), cloud(9) * np.nan, 5, "NaN"),
    ],
)
def test_what_cannot_be_compared_is_refused(real: np.ndarray, synthetic: np.ndarray, neighbours: int, told: str):
    with pytest.raises(ValueError, match=told):
        distribution_distance(real, synthetic, neighbours)


def test_halves_share_no_patient_and_are_equal_in_records():
    patients = [f"p{n // 3}" for n in range(60)] + [""] * 11
    first, second = real_halves(patients, seed=1)
    assert sorted([*first, *second]) == list(range(71))
    assert not {patients[n] for n in first if patients[n]} & {patients[n] for n in second if patients[n]}
    assert abs(len(first) - len(second)) <= 3
    again, other = real_halves(patients, seed=1), real_halves(patients, seed=2)
    np.testing.assert_array_equal(first, again[0])
    assert not np.array_equal(first, other[0])
    for few in ([], ["a", "a"]):
        with pytest.raises(ValueError, match="at least two"):
            real_halves(few)


def test_synthetic_records_and_the_other_half_are_judged_at_the_same_n():
    real = cloud(120)
    found = referenced_distance(real, [f"p{n // 2}" for n in range(120)], cloud(40, shift=5, seed=1), seed=2)
    assert found.synthetic.real == found.synthetic.synthetic == found.reference.real == 40
    assert found.reference.coverage > 0.8 and found.synthetic.coverage < 0.1
    with pytest.raises(ValueError, match="expected one each"):
        referenced_distance(real, ["a"], real)


def measures(records: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {"qrs": generator.normal(90 + shift, 10, records), "pr": generator.normal(160, 20, records), "no": np.nan}
    )


def test_distributions_by_label_in_plain_units_beside_real_halves():
    real, synthetic = measures(400, 0), measures(300, 1, shift=50)
    labels, asked = np.zeros((400, 2)), np.zeros((300, 2))
    labels[:200, 0], labels[200:, 1], asked[:, 0] = 1, 1, 1
    real.loc[:9, "pr"] = np.nan
    table = label_distributions(real, labels, synthetic, asked, ("A", "B"), seed=0)
    rows = table.set_index(["class_name", "measure"])
    qrs = rows.loc[("A", "qrs")]
    assert qrs["unit"] == "ms" and qrs["records"] == 100 and qrs["real"] == 200 and qrs["synthetic"] == 300
    assert qrs["wasserstein"] == pytest.approx(50, abs=4) and qrs["ks"] > 0.95
    assert qrs["wasserstein_reference"] < 4 and qrs["ks_reference"] < 0.25
    assert qrs["synthetic_median"] - qrs["real_median"] == pytest.approx(50, abs=4)
    assert rows.loc[("A", "pr"), "real"] == 190
    assert rows.loc[("B", "qrs"), "synthetic"] == 0 and np.isnan(rows.loc[("B", "qrs"), "wasserstein"])
    assert np.isnan(rows.loc[("A", "no"), "ks"]) and rows.loc[("A", "no"), "records"] == 0
    assert rows.loc[(MACRO, "qrs"), "wasserstein"] == qrs["wasserstein"], "a class without a value is left out"


def test_distances_of_samples_known_by_hand():
    real = pd.DataFrame({"m": [0.0, 0.0, 0.0, 0.0]})
    synthetic = pd.DataFrame({"m": [2.0, 2.0]})
    row = label_distributions(real, np.ones((4, 1)), synthetic, np.ones((2, 1)), ("A",), draws=3).iloc[0]
    assert (row["wasserstein"], row["ks"], row["wasserstein_reference"], row["ks_reference"]) == (2, 1, 0, 0)
    half = pd.DataFrame({"m": [0.0, 2.0]})
    row = label_distributions(real, np.ones((4, 1)), half, np.ones((2, 1)), ("A",), draws=3).iloc[0]
    assert (row["wasserstein"], row["ks"]) == (1, 0.5)


def test_one_patient_has_no_halves_and_no_distances():
    real = measures(20, 0)
    table = label_distributions(real, np.ones((20, 1)), real, np.ones((20, 1)), ("A",), patient_ids=["p"] * 20)
    assert table["wasserstein"].isna().all() and table["real_median"].notna().any()


def test_labels_and_tables_that_do_not_fit_are_refused():
    real = measures(20, 0)
    for labels, patients in ((np.ones((19, 1)), None), (np.ones((20, 2)), None), (np.ones((20, 1)), ["p"])):
        with pytest.raises(ValueError, match="a patient for each real record"):
            label_distributions(real, labels, real, np.ones((20, 1)), ("A",), patient_ids=patients)
    with pytest.raises(ValueError, match="0 shared measures"):
        label_distributions(real, np.ones((20, 1)), real.add_prefix("x"), np.ones((20, 1)), ("A",))
