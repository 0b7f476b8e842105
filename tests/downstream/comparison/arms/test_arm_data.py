"""Arms as data: the duplication control, and equal numbers of every class in every arm."""

import dataclasses

import numpy as np
import pytest

from vqecg.downstream.augmentation.plan import DUPLICATION, REAL_ONLY, plan_additions
from vqecg.downstream.comparison.arms.arm_data import ArmData, check_arms, duplicate

NAMES = ("NORM", "MI", "HYP")


def labels() -> np.ndarray:
    """100 NORM, 30 MI, 10 HYP of which 4 are MI too."""
    rows = [[1, 0, 0]] * 100 + [[0, 1, 0]] * 26 + [[0, 1, 1]] * 4 + [[0, 0, 1]] * 6
    return np.array(rows, np.float32)


def signals(records: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(records, 8, 20)).astype(np.float32)


def test_duplication_copies_the_planned_training_records() -> None:
    real = signals(136)
    plan = plan_additions(labels(), NAMES, ("HYP",), seed=0, count=25)
    arm = duplicate(real, plan)
    assert np.array_equal(arm.signals[np.arange(25)], real[plan.source_indices])
    assert np.array_equal(arm.labels, labels()[plan.source_indices])
    assert (arm.name, arm.copies, arm.note) == (DUPLICATION, 25, "copies of 10 real training records")


def test_arms_that_add_different_numbers_are_refused() -> None:
    plan = plan_additions(labels(), NAMES, ("HYP",), seed=0, count=10)
    same = ArmData("prior samples", signals(10), plan.labels, "drawn from the prior")
    check_arms([duplicate(signals(136), plan), same], NAMES)
    fewer = ArmData("prior samples", signals(9), plan.labels[:9], "drawn from the prior")
    other = dataclasses.replace(same, labels=np.roll(plan.labels, 1, axis=1))
    for wrong in (fewer, other):
        with pytest.raises(ValueError, match="the same records of every class"):
            check_arms([duplicate(signals(136), plan), wrong], NAMES)
    with pytest.raises(ValueError, match="every name once"):
        check_arms([same, same], NAMES)
    with pytest.raises(ValueError, match="differ in letters or digits"):  # or they would share a folder of runs
        check_arms([same, dataclasses.replace(same, name="Prior Samples %")], NAMES)
    with pytest.raises(ValueError, match="11 of them copies"):
        dataclasses.replace(same, copies=11)


def test_a_stream_has_as_many_records_as_it_likes_and_a_share_of_the_batch() -> None:
    plan = plan_additions(labels(), NAMES, ("HYP",), seed=0, count=10)
    share = {"mixture.share": 0.5}
    stream = ArmData("mixture", signals(40), np.resize(plan.labels, (40, 3)), "samples", changes=share, stream=True)
    check_arms([stream, duplicate(signals(136), plan)], NAMES)
    with pytest.raises(ValueError, match="2 label columns for 3 classes"):
        check_arms([dataclasses.replace(stream, labels=stream.labels[:, :2])], NAMES)
    for wrong in ({"changes": {}}, {"stream": False}):
        with pytest.raises(ValueError, match=r"expected 'mixture.share' among the changes of a stream"):
            dataclasses.replace(stream, **wrong)


def test_an_arm_needs_a_row_of_labels_for_each_record_and_a_name_of_its_own() -> None:
    with pytest.raises(ValueError, match="a row of labels for each"):
        ArmData("prior samples", signals(3), np.zeros((2, 3)), "")
    with pytest.raises(ValueError, match="adds nothing"):
        ArmData(REAL_ONLY, signals(3), np.zeros((3, 3)), "")
