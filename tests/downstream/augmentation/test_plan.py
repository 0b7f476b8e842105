"""What is added to the real records: counts, the duplication control, and equal numbers in every arm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.downstream.augmentation.plan import draw_evenly, plan_additions, scarce_classes

NAMES = ("NORM", "MI", "HYP")


def labels() -> np.ndarray:
    """100 NORM, 30 MI, 10 HYP of which 4 are MI too."""
    rows = [[1, 0, 0]] * 100 + [[0, 1, 0]] * 26 + [[0, 1, 1]] * 4 + [[0, 0, 1]] * 6
    return np.array(rows, np.float32)


def signals(records: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(records, 8, 20)).astype(np.float32)


def test_a_ratio_raises_every_target_class_to_that_share_of_the_most_frequent() -> None:
    plan = plan_additions(labels(), NAMES, ("HYP", "MI"), seed=0, ratio=0.5)
    total = labels().sum(axis=0) + plan.labels.sum(axis=0)
    assert total.tolist() == [100, 50, 50]
    assert plan.counts == {"NORM": 0, "MI": 20, "HYP": 40}


def test_companions_have_no_target_class() -> None:
    alone = plan_additions(labels(), NAMES, ("HYP", "MI"), seed=0, ratio=0.5)
    plan = plan_additions(labels(), NAMES, ("HYP", "MI"), seed=0, ratio=0.5, companions=0.5)
    first = len(alone)
    assert len(plan) == first + round(first / 2)
    np.testing.assert_array_equal(plan.source_indices[:first], alone.source_indices)
    targets = [NAMES.index(name) for name in ("HYP", "MI")]
    assert plan.labels[:first, targets].any(1).all() and not plan.labels[first:, targets].any()
    np.testing.assert_array_equal(plan.labels, labels()[plan.source_indices])


def test_companions_are_drawn_from_the_eligible_records() -> None:
    eligible = np.arange(len(labels())) % 2 == 0
    plan = plan_additions(labels(), NAMES, ("HYP",), seed=0, count=4, eligible=eligible, companions=2)
    assert len(plan) == 12 and eligible[plan.source_indices].all()
    has = labels()[:, NAMES.index("HYP")] > 0
    with pytest.raises(ValueError, match="no companion"):
        plan_additions(labels(), NAMES, ("HYP",), seed=0, count=4, eligible=has, companions=1)


def test_a_class_that_has_the_ratio_gets_nothing() -> None:
    plan = plan_additions(labels(), NAMES, ("HYP", "MI"), seed=0, ratio=0.2)
    assert plan.counts["HYP"] == 10
    with pytest.raises(ValueError, match="nothing would be added"):
        plan_additions(labels(), NAMES, ("MI",), seed=0, ratio=0.3)


def test_a_count_adds_that_many_records_of_each_target_class() -> None:
    plan = plan_additions(labels(), NAMES, ("HYP",), seed=0, count=25)
    assert len(plan) == plan.counts["HYP"] == 25
    uses = np.bincount(plan.source_indices, minlength=136)[labels()[:, 2] > 0]
    assert uses.min() == 2 and uses.max() == 3


def test_only_eligible_records_are_added_and_scarcity_still_counts_all() -> None:
    eligible = labels()[:, 1] == 0  # no HYP that is MI too
    plan = plan_additions(labels(), NAMES, ("HYP",), seed=0, ratio=0.5, eligible=eligible)
    assert plan.counts == {"NORM": 0, "MI": 0, "HYP": 40}
    assert eligible[plan.source_indices].all()
    with pytest.raises(ValueError, match=r"no training record has HYP \(and is eligible\)"):
        plan_additions(labels(), NAMES, ("HYP",), seed=0, count=5, eligible=labels()[:, 2] == 0)


def test_scarce_classes_have_a_third_of_the_commonest_at_most_and_enough_to_learn_from() -> None:
    assert scarce_classes(labels(), NAMES) == ["MI"]
    assert scarce_classes(labels(), NAMES, least=10) == ["MI", "HYP"]
    with pytest.raises(ValueError, match="NORM 100, MI 30, HYP 10"):
        scarce_classes(labels(), NAMES, share=0.05)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 20), st.integers(0, 70), st.integers(0, 1000))
def test_rows_are_used_evenly(rows: int, count: int, seed: int) -> None:
    drawn = draw_evenly(np.arange(rows), count, np.random.default_rng(seed))
    uses = np.bincount(drawn, minlength=rows)
    assert len(drawn) == count and uses.max() - uses.min() <= 1


def test_the_seed_decides_the_plan() -> None:
    plans = [plan_additions(labels(), NAMES, ("HYP",), seed=seed, count=25) for seed in (0, 0, 1)]
    assert np.array_equal(plans[0].source_indices, plans[1].source_indices)
    assert not np.array_equal(plans[0].source_indices, plans[2].source_indices)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ratio": 1.0, "count": 3}, "exactly one"),
        ({}, "exactly one"),
        ({"count": -1}, "more than 0"),
        ({"count": 1, "companions": -0.5}, "companions is -0.5"),
        ({"count": 1, "target_classes": ("STTC",)}, "not all among the classes"),
        ({"count": 1, "target_classes": ()}, "not all among the classes"),
        ({"count": 1, "labels": labels() * (1, 1, 0)}, "no training record has HYP"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_additions(**{"labels": labels(), "class_names": NAMES, "target_classes": ("HYP",), "seed": 0} | change)


def test_a_class_without_a_record_is_planned_alone_where_the_method_invents_it():
    known = np.concatenate([labels(), np.zeros((len(labels()), 1), np.float32)], axis=1)
    names = (*NAMES, "LQTS")
    plan = plan_additions(known, names, ("LQTS", "HYP"), seed=0, count=5, invented=("LQTS",))
    alone = plan.labels[:, -1] > 0
    assert plan.counts["LQTS"] == 5 and (plan.labels[alone].sum(axis=1) == 1).all()
    np.testing.assert_array_equal(plan.labels[~alone], known[plan.source_indices[~alone]])
    with pytest.raises(ValueError, match="no training record has LQTS"):
        plan_additions(known, names, ("LQTS",), seed=0, count=5)
