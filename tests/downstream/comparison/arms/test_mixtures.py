"""Mixtures: found by share and method, filled with any number of records of all labels, with their controls."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vqecg.downstream.augmentation.methods.registry import AugmentationSettings, Ingredients
from vqecg.downstream.augmentation.plan import AdditionPlan, plan_additions
from vqecg.downstream.augmentation.stream import StreamSettings
from vqecg.downstream.augmentation.verdict import Verdict
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.comparison.arms.arm_data import ArmData, check_arms, duplicate
from vqecg.downstream.comparison.arms.filling import Filling
from vqecg.downstream.comparison.arms.how_to_mix import WAYS
from vqecg.downstream.comparison.arms.registry import arm_help, find_arm
from vqecg.downstream.comparison.design import Design, fill_design, plan_design
from vqecg.prior.generator import ECGGenerator
from vqecg.prior.synthetic_records import SyntheticRecords
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.arguments import plain

SETTINGS = AugmentationSettings(least=1, attempts=1)
FEW = StreamSettings(times=0.1)


class Moody:
    """Rejects every other record."""

    def judge(self, records: SyntheticRecords) -> list[Verdict]:
        return [Verdict("mood") if number % 2 else Verdict() for number in range(len(records))]

    def describe(self) -> str:
        return "Moods."


class Never(Moody):
    def judge(self, records: SyntheticRecords) -> list[Verdict]:
        return [Verdict("no")] * len(records)


@pytest.fixture(scope="module")
def own(simulated_store: RecordStore, simulated_split: SplitIndices, tiny_generator: ECGGenerator) -> Ingredients:
    task = simulated_store.task("superdiagnostic")
    return Ingredients(simulated_store, simulated_split.train, task, tiny_generator, SETTINGS)


@pytest.fixture(scope="module")
def plan(own: Ingredients) -> AdditionPlan:
    labels = own.store.labels(own.task)[own.rows]
    return plan_additions(labels, own.task.class_names, ("HYP",), 0, count=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("additions")


def fill(name: str, own: Ingredients, plan: AdditionPlan, folder: Path, stream: StreamSettings = FEW) -> ArmData:
    arm = find_arm(name).fill(Filling(own, plan, folder, stream=stream))
    assert isinstance(arm, ArmData)
    return arm


@pytest.mark.parametrize(
    ("name", "canonical", "share", "method"),
    [
        ("mixture", "mixture", 0.5, "prior samples"),
        ("Mixture-0.5", "mixture", 0.5, "prior samples"),
        ("mixture 0.2", "mixture 0.2", 0.2, "prior samples"),
        ("mixture-.8", "mixture 0.8", 0.8, "prior samples"),
        ("mixture of reconstructions", "mixture of reconstructions", 0.5, "reconstructions"),
        ("mixture 0.2 of interpolation", "mixture 0.2 of latent interpolation", 0.2, "latent interpolation"),
        ("mixture-of-prior-samples", "mixture", 0.5, "prior samples"),
        ("mixture of shuffled labels", "mixture of shuffled labels", 0.5, "prior samples"),
    ],
)
def test_a_mixture_is_found_by_its_share_and_its_records(name: str, canonical: str, share: float, method: str):
    arm = find_arm(name)
    assert (arm.name, arm.methods, dict(arm.training)) == (canonical, (method,), {"mixture.share": share})
    assert arm.stream and arm.help and find_arm(arm.name).training == arm.training
    joined = find_arm(f"{name}+classic augmentation")
    assert joined.name == f"{canonical} + classic augmentation" and joined.stream
    assert joined.training == {"mixture.share": share, "augmentation.name": "classic"}
    ClassifierSettings().changed(joined.training)
    assert "mixture: half of every batch" in arm_help()


@pytest.mark.bad_input("settings")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("mixture of smote", "arm 'mixture of smote' is unknown; expected real-only"),
        ("mixture0.2", "arm 'mixture0.2' is unknown"),
        ("mixture 0", "has a share of 0; expected more than 0"),
        ("mixture 1.5", "share is 1.5; expected a number"),
        ("mixture+infilling", "expected two different arms that make records"),
        ("mixture+mixture 0.2", "expected two different arms that make records"),
    ],
)
def test_what_is_no_mixture_is_refused(name: str, told: str):
    with pytest.raises(ValueError, match=r".") as error:
        find_arm(name)
    assert told in str(error.value)


def test_a_stream_has_the_labels_of_all_training_records_evenly(own: Ingredients):
    labels = own.store.labels(own.task)[own.rows]
    names, every = own.task.class_names, np.ones(len(labels), bool)
    whole = StreamSettings(times=3).plan(labels, names, ("HYP",), 7, every)
    assert len(whole) == 3 * len(labels) and (np.bincount(whole.source_indices) == 3).all()
    np.testing.assert_array_equal(whole.labels.sum(0), 3 * labels.sum(0))
    few = FEW.plan(labels, names, ("HYP",), 7, every)
    np.testing.assert_array_equal(few.source_indices, whole.source_indices[: len(few)])
    assert len(few) == round(0.1 * len(labels))
    targets = replace(FEW, targets_only=True).plan(labels, names, ("HYP",), 7, every)
    assert len(targets) == len(few) and targets.labels[:, names.index("HYP")].all()
    able = np.arange(len(labels)) < 9
    assert set(StreamSettings().plan(labels, names, ("HYP",), 7, able).source_indices) == set(range(9))
    with pytest.raises(ValueError, match=r"any of the \d+ training records with a target class"):
        StreamSettings(targets_only=True).plan(labels, names, ("HYP",), 7, labels[:, names.index("HYP")] == 0)


def test_the_arm_is_a_stream_of_what_its_method_makes(own: Ingredients, plan: AdditionPlan, folder: Path):
    arms = [fill(name, own, plan, folder) for name in ("mixture", "mixture 0.2", "mixture of shuffled labels")]
    check_arms([*arms, duplicate(own.store.signals(own.rows), plan)], own.task.class_names)
    one, fifth, shuffled = arms
    everything = np.arange(len(one.labels))
    assert one.stream and one.copies == 0 and len(one.labels) == round(0.1 * len(own.rows))
    assert one.changes == {"mixture.share": 0.5} and fifth.changes == {"mixture.share": 0.2}
    assert one.note.endswith("of real training records")
    for other in (fifth, shuffled):  # the share and the labels differ, and nothing else: no record is made twice
        np.testing.assert_array_equal(other.signals[everything], one.signals[everything])
    np.testing.assert_array_equal(fifth.labels, one.labels)
    assert sorted(map(tuple, shuffled.labels)) == sorted(map(tuple, one.labels))
    assert not np.array_equal(shuffled.labels, one.labels)
    assert len(list(folder.glob("prior-*.npz"))) == 1
    copies = fill("mixture of duplication", own, plan, folder)
    assert copies.copies == len(copies.labels)


def test_what_did_not_pass_is_left_out_and_no_copy_stands_in(own: Ingredients, plan: AdditionPlan, tmp_path: Path):
    usual = fill("mixture", own, plan, tmp_path / "all")
    half = fill("mixture+classic augmentation", replace(own, check=Moody()), plan, tmp_path / "half")
    everything = np.arange(len(usual.labels))
    np.testing.assert_array_equal(half.signals[everything[: len(half.labels)]], usual.signals[everything[::2]])
    np.testing.assert_array_equal(half.labels, usual.labels[::2])
    assert half.note.endswith(", augmentation.name classic")
    with pytest.raises(ValueError, match=r"none of .* records of prior samples passed"):
        fill("mixture", replace(own, check=Never()), plan, tmp_path / "none")


def test_one_stream_serves_all_seeds_unless_it_is_drawn_anew(
    simulated_store: RecordStore, tiny_generator: ECGGenerator, tmp_path: Path
):
    design = Design(
        arms=("mixture", "prior samples"),
        target_classes=("HYP",),
        ratio=0.4,
        seeds=(3, 5),
        augmentation=SETTINGS,
        stream=FEW,
    )
    planned = plan_design(design, simulated_store, tiny_generator)
    ready = fill_design(design, planned, tmp_path)
    digests = {name: [ready.prepared.added[seed, name] for seed in (3, 5)] for name in ("mixture", "prior samples")}
    assert digests["mixture"][0] == digests["mixture"][1] and digests["prior samples"][0] != digests["prior samples"][1]
    anew = replace(design, stream=replace(FEW, anew=True))
    ready = fill_design(anew, planned, tmp_path)
    assert ready.prepared.added[3, "mixture"] != ready.prepared.added[5, "mixture"]
    assert "stream" not in plain(replace(design, stream=StreamSettings())) and plain(design)["stream"]["times"] == 0.1


@pytest.mark.bad_input("settings")
def test_a_share_for_all_arms_is_refused():
    design = Design(training=ClassifierSettings().changed({"mixture.share": 0.5}))
    with pytest.raises(ValueError, match=r"mixture.share is 0.5 for every arm.*--arms mixture-0.2"):
        design.check()
    with pytest.raises(ValueError, match="times is 0"):
        StreamSettings(times=0.0)


@pytest.mark.parametrize(
    ("name", "canonical", "differs"),
    [
        ("mixture, synthetic first", "mixture, synthetic first", {"mixture.schedule": "synthetic first"}),
        ("mixture-0.2-falling-share", "mixture 0.2, falling share", {"mixture.schedule": "linear"}),
        ("mixture of reconstructions, flagged", "mixture of reconstructions, flagged", {"mixture.branch": "flag"}),
        (
            "mixture-of-shuffled-labels-separate-batch-norm",
            "mixture of shuffled labels, separate batch norm",
            {"mixture.branch": "batch norm"},
        ),
    ],
)
def test_every_mixture_can_be_used_in_other_ways(name: str, canonical: str, differs: dict[str, str]):
    arm = find_arm(name)
    base = find_arm(canonical.split(",")[0])
    assert (arm.name, arm.methods, type(arm).fill) == (canonical, base.methods, type(base).fill)
    assert arm.training == {**base.training, **differs}
    assert find_arm(arm.name) == arm


def test_every_way_to_mix_is_listed_and_a_mixture_is_no_way_of_another():
    for way in WAYS:
        assert f"mixture-{way.replace(' ', '-')}: " in arm_help()
    with pytest.raises(ValueError, match="unknown"):
        find_arm("mixture of nothing, flagged")
