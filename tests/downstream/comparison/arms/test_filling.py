"""Arms filled from one plan: equal labels in all, files that are used again, and copies where nothing can be made."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vqecg.downstream.augmentation.methods.registry import AugmentationSettings, Ingredients, find_method
from vqecg.downstream.augmentation.plan import AdditionPlan, plan_additions
from vqecg.downstream.augmentation.verdict import Verdict
from vqecg.downstream.comparison.arms.arm_data import Arm, ArmData, TrainingArm, check_arms
from vqecg.downstream.comparison.arms.filling import FilledRows, Filling, fill_arms, halves
from vqecg.downstream.comparison.arms.registry import arms_of, find_arm, find_arms
from vqecg.prior.editing.settings import InfillingSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore

SETTINGS = AugmentationSettings(infilling=InfillingSettings(candidates=1), least=1, attempts=2)


def fill_arm(name: str, own: Ingredients, plan: AdditionPlan, folder: Path) -> Arm:
    return find_arm(name).fill(Filling(own, plan, folder))


def make_records(method: str, own: Ingredients, plan: AdditionPlan, folder: Path, checked: str = "") -> FilledRows:
    return Filling(own, plan, folder, checked).rows(find_method(method))


class Never:
    """Rejects everything."""

    def judge(self, records: SyntheticRecords) -> list[Verdict]:
        return [Verdict("no")] * len(records)

    def describe(self) -> str:
        return "Nothing passes."


@pytest.fixture(scope="module")
def own(simulated_store: RecordStore, simulated_split: SplitIndices, tiny_generator: ECGGenerator) -> Ingredients:
    task = simulated_store.task("superdiagnostic")
    return Ingredients(simulated_store, simulated_split.train, task, tiny_generator, SETTINGS)


@pytest.fixture(scope="module")
def labels(own: Ingredients) -> np.ndarray:
    return own.store.labels(own.task)[own.rows]


@pytest.fixture(scope="module")
def plan(own: Ingredients, labels: np.ndarray) -> AdditionPlan:
    """A few MI and HYP records."""
    return plan_additions(labels, own.task.class_names, ("MI", "HYP"), 0, count=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("additions")


def test_every_adding_arm_adds_the_same_counts_of_every_class_and_all_signals_can_be_read(
    own: Ingredients, plan: AdditionPlan, folder: Path
):
    arms = fill_arms(find_arms((*arms_of(), "naive mixing")), Filling(own, plan, folder))
    check_arms(arms, own.task.class_names)
    adding = {arm.name: arm for arm in arms if isinstance(arm, ArmData)}
    assert len(arms) == 13 and len(adding) == 9
    training = {arm.name: dict(arm.changes) for arm in arms if isinstance(arm, TrainingArm)}
    assert training["mixup"] == {"augmentation.name": "mixup"} and len(training) == 4
    everything = np.arange(len(plan))
    seen = {name: np.asarray(arm.signals[everything]) for name, arm in adding.items()}
    for name, signals in seen.items():
        assert signals.shape == (len(plan), 8, 1000) and np.isfinite(signals).all(), name
        assert (adding[name].labels.sum(0) == plan.labels.sum(0)).all(), name
        assert signals.std(axis=(1, 2)).min() > 0, name
        copied = (seen["duplication"] == signals).all(axis=(1, 2)).sum()
        assert adding[name].copies == copied and (copied == len(plan)) == (name == "duplication"), name
    different = [signals.tobytes() for name, signals in seen.items() if not adding[name].changes]
    assert len(set(different)) == len(different) == len(seen) - 1, "no two arms add the same signals, but for the pair"


def test_a_pair_takes_half_of_each_with_the_labels_that_belong_to_them(
    own: Ingredients, plan: AdditionPlan, folder: Path
):
    names = ("reconstructions", "prior samples", "reconstructions+prior samples")
    one, other, pair = (fill_arm(name, own, plan, folder) for name in names)
    assert isinstance(one, ArmData) and isinstance(other, ArmData) and isinstance(pair, ArmData)
    first, everything = halves(plan.labels), np.arange(len(plan))
    expected = np.concatenate([one.signals[everything][first], other.signals[everything][~first]])
    np.testing.assert_array_equal(pair.signals[everything], expected)
    np.testing.assert_array_equal(pair.labels, np.concatenate([plan.labels[first], plan.labels[~first]]))
    assert abs(int(first.sum()) - int((~first).sum())) <= 1


def test_records_and_another_training_make_an_arm(own: Ingredients, plan: AdditionPlan, folder: Path):
    everything = np.arange(len(plan))
    for name in ("prior samples", "duplication"):
        alone, both = (fill_arm(arm, own, plan, folder) for arm in (name, f"{name}+mixup"))
        assert isinstance(alone, ArmData) and isinstance(both, ArmData)
        np.testing.assert_array_equal(both.signals[everything], alone.signals[everything])
        assert both.copies == alone.copies and both.changes == {"augmentation.name": "mixup"} and not alone.changes
        assert both.name == f"{name} + mixup" and both.note == f"{alone.note}, trained with augmentation mixup"


def test_shuffled_labels_are_those_of_the_plan_on_records_asked_for_others(
    own: Ingredients, labels: np.ndarray, folder: Path
):
    lone = plan_additions(labels, own.task.class_names, ("HYP",), 0, count=12)
    arm = fill_arm("shuffled labels", own, lone, folder)
    assert isinstance(arm, ArmData) and sorted(map(tuple, arm.labels)) == sorted(map(tuple, lone.labels))
    again = fill_arm("shuffled labels", own, lone, folder)
    assert isinstance(again, ArmData)
    np.testing.assert_array_equal(arm.labels, again.labels)
    made = make_records("prior samples", own, lone, folder, "")
    everything = np.arange(len(lone))
    assert not np.array_equal(arm.signals[everything], made.signals[everything])


def test_a_prior_that_knows_no_label_of_the_records_makes_no_shuffled_arm(
    own: Ingredients, plan: AdditionPlan, tmp_path: Path
):
    with pytest.raises(ValueError, match="leave the shuffled arm out"):
        fill_arm("shuffled labels", replace(own, settings=replace(SETTINGS, least=10**6)), plan, tmp_path)


def test_what_was_made_is_not_made_again_unless_something_differs(own: Ingredients, plan: AdditionPlan, tmp_path: Path):
    arm = fill_arm("prior samples", own, plan, tmp_path)
    (file,) = tmp_path.iterdir()
    written = file.stat().st_mtime_ns
    fill_arm("prior samples", own, plan, tmp_path)
    assert [path.stat().st_mtime_ns for path in tmp_path.iterdir()] == [written]
    other = replace(own, settings=replace(SETTINGS, seed=1))
    fill_arm("prior samples", other, plan, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert isinstance(arm, ArmData)
    packed = pickle.dumps(arm)  # as a worker process is sent it; no file of ours is pickled
    everything = np.arange(len(plan))
    np.testing.assert_array_equal(pickle.loads(packed).signals[everything], arm.signals[everything])
    assert len(packed) < 10_000 + arm.labels.nbytes, "signals travel as the path of their file"


def test_copies_stand_in_where_no_draw_passes_or_no_pair_exists(
    own: Ingredients, plan: AdditionPlan, labels: np.ndarray, tmp_path: Path
):
    strict = replace(own, check=Never())
    made = make_records("prior samples", strict, plan, tmp_path, "never")
    everything = np.arange(len(plan))
    np.testing.assert_array_equal(made.signals[everything], own.store.signals(own.rows[plan.source_indices]))
    assert made.note.startswith("0 ") and f"and {len(plan)} copies where none could be made" in made.note
    lonely = np.flatnonzero(~find_method("latent interpolation").eligible(own))
    combinations = {row.tobytes() for row in labels[find_method("latent interpolation").eligible(own)]}
    lonely = np.array([row for row in lonely if labels[row].tobytes() not in combinations], np.int64)
    mixed = np.concatenate([lonely[:1], plan.source_indices]).astype(np.int64)
    if len(lonely):
        other = replace(plan, source_indices=mixed, labels=labels[mixed])
        assert not find_method("latent interpolation").can_make(own, other)[0]
        found = make_records("latent interpolation", own, other, tmp_path, "").signals[np.arange(1)]
        np.testing.assert_array_equal(found, own.store.signals(own.rows[mixed[:1]]))
        alone = replace(plan, source_indices=mixed[:1], labels=labels[mixed[:1]])
        with pytest.raises(ValueError, match="can make none of the 1 planned records"):
            make_records("latent interpolation", own, alone, tmp_path, "")
