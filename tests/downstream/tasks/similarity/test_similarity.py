"""Groups and neighbours of points: what is together is found together, and chance is called chance."""

import numpy as np
import pytest

from vqecg.downstream.tasks.similarity.agreement import agreement, lifts
from vqecg.downstream.tasks.similarity.clustering import ClusteringSettings, group_records
from vqecg.downstream.tasks.similarity.neighbours import nearest_records
from vqecg.downstream.tasks.similarity.space import VectorSpace

CENTRES = np.array([[0.0, 0.0, 6.0], [6.0, 0.0, 0.0], [0.0, 6.0, 0.0]])
SIZES = (50, 30, 20)
TRUE = np.repeat(np.arange(3), SIZES)


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return CENTRES[TRUE] + np.random.default_rng(0).normal(size=(100, 3))


def test_groups_are_found_the_largest_first(points: np.ndarray):
    groups = group_records(points, [str(n) for n in range(100)], ClusteringSettings(groups=3, replicates=5))
    assert (groups.group == TRUE).mean() > 0.97
    assert len(groups.stability) == 5 and min(groups.stability) > 0.9
    for number, medoid in enumerate(groups.medoids):
        members = groups.group == number
        assert groups.group[medoid] == number and groups.distance[medoid] == groups.distance[members].min()
    again = group_records(points, [str(n) for n in range(100)], ClusteringSettings(groups=3, replicates=5))
    np.testing.assert_array_equal(groups.group, again.group)


def test_groups_of_noise_are_not_stable():
    noise = np.random.default_rng(1).normal(size=(120, 6))
    groups = group_records(noise, [str(n) for n in range(120)], ClusteringSettings(groups=6, replicates=5))
    assert np.median(groups.stability) < 0.7
    with pytest.raises(ValueError, match="6 groups of 5 records that differ"):
        group_records(np.repeat(noise[:5], 3, 0), list("abcde") * 3, ClusteringSettings(groups=6))


def test_a_medoid_is_of_its_own_group_whatever_the_tails():
    tails = np.random.default_rng(2).standard_t(1.5, (300, 16))
    groups = group_records(tails, [str(n) for n in range(300)], ClusteringSettings(groups=8, replicates=0))
    np.testing.assert_array_equal(groups.group[groups.medoids], np.arange(8))


def test_draws_of_patients_with_too_few_records_are_left_out():
    points = np.random.default_rng(0).normal(size=(12, 3))
    patients = ["a"] * 11 + ["b"]
    groups = group_records(points, patients, ClusteringSettings(groups=8, replicates=20))
    assert 0 < len(groups.stability) < 20


def test_parts_of_a_vector_count_alike_and_unknown_numbers_not_at_all(points: np.ndarray):
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(100, 200)) * 1000
    noise[3, 7] = np.nan
    constant = np.full((100, 4), 0.1, np.float32)
    vectors = {"telling": points, "noise": noise, "constant": constant, "unknown": np.full((100, 2), np.nan)}
    space = VectorSpace.fit(vectors, 3)
    placed = space.points(vectors)
    assert placed.shape == (100, 3) and np.isfinite(placed).all()
    groups = group_records(placed, [str(n) for n in range(100)], ClusteringSettings(groups=3, replicates=0))
    assert groups.stability == () and agreement(groups.group, np.eye(3)[TRUE]).rand > 0.8
    with pytest.raises(ValueError, match="got the parts telling; expected telling, noise, constant, unknown"):
        space.points({"telling": points})
    with pytest.raises(ValueError, match="two or more"):
        VectorSpace.fit({"one": points[:1]}, 2)


def test_agreement_is_over_records_of_one_class():
    labels = np.eye(3)[TRUE]
    labels[0] = 1, 1, 0
    labels[1, 2] = np.nan
    same = agreement(TRUE, labels)
    assert (same.records, same.rand, same.information) == (98, 1.0, pytest.approx(1.0))
    chance = agreement(np.random.default_rng(0).integers(0, 3, 100), labels)
    assert abs(chance.rand) < 0.05
    assert np.isnan(agreement(TRUE, np.ones((100, 1))).rand)


def test_labels_that_a_group_has_more_often_are_named():
    labels = np.zeros((100, 3))
    labels[:, 0] = 1
    labels[:20, 1] = 1
    labels[:3, 2] = 1  # too few to be named
    (only,) = lifts(np.arange(100) < 50, labels, ("A", "B", "C"))
    assert (only.name, only.share, only.share_of_all) == ("B", 0.4, 0.2)


def test_neighbours_are_the_nearest_that_may_be_named(points: np.ndarray):
    excluded = np.zeros(100, bool)
    rows, distances = nearest_records(points, 0, 5, excluded)
    assert 0 not in rows and (np.diff(distances) >= 0).all() and (TRUE[rows] == 0).all()
    excluded[rows[0]] = True
    assert nearest_records(points, 0, 4, excluded)[0].tolist() == rows[1:].tolist()
    with pytest.raises(ValueError, match="98 records can be compared, expected 99"):
        nearest_records(points, 0, 99, excluded)
