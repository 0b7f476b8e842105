"""Arms of several members: shared runs, averages, seeds of their own, and resuming."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vqecg.downstream.augmentation.methods.registry import Ingredients
from vqecg.downstream.augmentation.plan import plan_additions
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.downstream.comparison.arms.arm_data import Arm, ArmData, EnsembleArm, NetworkMember, TrainingArm, duplicate
from vqecg.downstream.comparison.arms.filling import Filling
from vqecg.downstream.comparison.arms.registry import AveragingArm, find_arm
from vqecg.downstream.comparison.comparison import (
    Comparison,
    ComparisonSettings,
    ReadyComparison,
    compare_ready,
    get_ready,
)
from vqecg.downstream.comparison.members import FURTHER, average
from vqecg.downstream.comparison.results import Analysis
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import SplitIndices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection

FIT = replace(CLASSIFIER_FIT, steps=2, batch_size=8, warmup_steps=1, evaluate_every=2)
TRAINING = ClassifierSettings(fit=FIT)
TWO = (NetworkMember(), NetworkMember(1))


def ready(
    store: RecordStore,
    split: SplitIndices,
    main: str,
    *arms: Arm,
    seeds: tuple[int, ...] = (0,),
    against: tuple[str, ...] = (),
):
    """A comparison of arms beside the two references."""
    parts = [RecordSelection(store, rows) for rows in (split.train, split.validation, split.test)]
    task = store.task("superdiagnostic")
    plan = plan_additions(parts[0].labels(task), task.class_names, ("MI",), seed=0, count=6)
    settings = ComparisonSettings(TRAINING, Analysis(main, replicates=20, against=against), seeds)
    given = dict.fromkeys(seeds, (duplicate(parts[0], plan), *arms))
    return get_ready(parts[0], parts[1], parts[2], given, task, ("MI",), settings)


def run(comparison: ReadyComparison, folder: Path, **more) -> Comparison:
    return compare_ready(comparison, folder, progress=False, **more)


def scores(folder: Path) -> dict[str, Mapping[str, np.ndarray]]:
    return {path.parent.name: dict(np.load(path)) for path in folder.glob("*/scores.npz")}


@pytest.fixture(scope="module")
def added(simulated_store: RecordStore, simulated_split: SplitIndices) -> ArmData:
    task = simulated_store.task("superdiagnostic")
    part = RecordSelection(simulated_store, simulated_split.train).labels(task)
    labels = plan_additions(part, task.class_names, ("MI",), seed=0, count=6).labels
    noise = np.random.default_rng(0).normal(scale=0.1, size=(6, 8, 1000)).astype(np.float32)
    return ArmData("prior samples", noise, labels, "noise")


def test_an_average_shares_its_first_member_and_is_resumed_without_training(
    simulated_store: RecordStore, simulated_split: SplitIndices, tmp_path: Path
):
    two = EnsembleArm("two networks", TWO, "averaged")
    comparison = ready(simulated_store, simulated_split, "two networks", two)
    found = run(comparison, tmp_path)
    by_name = scores(tmp_path)
    assert sorted(by_name) == ["duplication-0", "real-only-0", f"real-only-{FURTHER}", "two-networks-0"]
    one, other, mean = (by_name[name] for name in ("real-only-0", f"real-only-{FURTHER}", "two-networks-0"))
    for part in ("test", "validation"):
        np.testing.assert_array_equal(mean[part], (one[part] + other[part]) / 2)
        assert np.abs(one[part] - other[part]).max() > 0
    assert found.arms.set_index("arm").loc["two networks", "description"] == "the real training records, averaged"
    about = json.loads((tmp_path / "two-networks-0" / "run.json").read_text())
    assert about["members"] == ["real-only-0", f"real-only-{FURTHER}"]

    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("scores.npz")}
    assert json.dumps(run(comparison, tmp_path).to_dict()) == json.dumps(found.to_dict())
    shutil.rmtree(tmp_path / f"real-only-{FURTHER}")  # an average that is there needs no member
    run(comparison, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("scores.npz")} == {
        path: time for path, time in written.items() if path.is_file()
    }
    shutil.rmtree(tmp_path / "two-networks-0")  # stopped in between: the missing member is trained again
    assert json.dumps(run(comparison, tmp_path).to_dict()) == json.dumps(found.to_dict())
    np.testing.assert_array_equal(scores(tmp_path)["two-networks-0"]["test"], mean["test"])


def test_networks_of_an_arm_train_as_another_arm_does(
    simulated_store: RecordStore, simulated_split: SplitIndices, added: ArmData, tmp_path: Path
):
    other = NetworkMember(0, {"model": "attention-rnn"}, "attention-rnn")
    mixed = EnsembleArm("two networks + prior samples", (*TWO, other), "averaged", added)
    run(ready(simulated_store, simulated_split, mixed.name, added, mixed), tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert [name for name in names if name.startswith("prior-samples")] == [
        "prior-samples-0",
        f"prior-samples-{FURTHER}",
        "prior-samples-attention-rnn-0",
    ]
    about = [json.loads((tmp_path / name / "run.json").read_text())["identity"] for name in names]
    by_name = dict(zip(names, about, strict=True))
    own, further, rnn = (by_name[name] for name in names if name.startswith("prior-samples"))
    assert own["data"] == further["data"] and set(own["data"]) >= {"prior samples"}
    assert rnn["data"]["prior samples, attention-rnn"] == own["data"]["prior samples"]
    assert rnn["classifier"] == own["classifier"] | {"model": "attention-rnn"}


def test_arms_are_compared_with_further_ones_that_are_named_beforehand(
    simulated_store: RecordStore, simulated_split: SplitIndices, tmp_path: Path
):
    two, one = EnsembleArm("two networks", TWO, "averaged"), EnsembleArm("one", TWO[:1], "alone")
    asked = ready(simulated_store, simulated_split, "one", one, two, against=("real only", "two networks"))
    found = run(asked, tmp_path)
    pairs = set(zip(found.differences["arm"], found.differences["against"], strict=True))
    assert pairs == {(arm, "real only") for arm in ("duplication", "one", "two networks")} | {
        ("one", "duplication"),
        ("two networks", "duplication"),
        ("one", "two networks"),
    }
    again = Comparison.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.analysis == asked.settings.analysis


def test_what_cannot_be_averaged_is_refused(
    simulated_store: RecordStore, simulated_split: SplitIndices, added: ArmData, tmp_path: Path
):
    two = EnsembleArm("two networks", TWO, "averaged")
    with pytest.raises(ValueError, match=r"seeds \[1000000\] are those of further networks too"):
        ready(simulated_store, simulated_split, two.name, two, seeds=(0, FURTHER))
    with pytest.raises(ValueError, match="1 weights for 2 members"):
        replace(two, weights=(1.0,))
    with pytest.raises(ValueError, match="0 members; expected some"):
        replace(two, members=())
    same = replace(two, trained=TrainingArm("classic augmentation", {"augmentation.name": "none"}, ""))
    with pytest.raises(ValueError, match="trains as all arms do"):
        ready(simulated_store, simulated_split, same.name, same)
    fewer = replace(two, trained=replace(added, signals=added.signals[np.arange(5)], labels=added.labels[:5]))
    with pytest.raises(ValueError, match="arms must add the same records"):
        ready(simulated_store, simulated_split, fewer.name, fewer)
    with pytest.raises(ValueError, match="prior samples trains on records made from all training records"):
        replace(two, stacked=2, trained=added)
    with pytest.raises(ValueError, match=r"fitted out of fold, and mixture \+ classic augmentation knows all training"):
        find_arm("stacked-reading+mixture+classic-augmentation")
    assert replace(two, stacked=2, trained=TrainingArm("mixup", {"augmentation.name": "mixup"}, "")).stacked == 2


def test_averages_are_of_scores_or_of_weighted_logits():
    one, other = np.array([[0.2, 0.5, 1.0]]), np.array([[0.6, 0.5, 0.0]])
    np.testing.assert_allclose(average([one, other]), [[0.4, 0.5, 0.5]])
    np.testing.assert_allclose(average([one, other], (1.0, 3.0)), [[0.5, 0.5, 0.25]])
    weighted = average([one, other], (1.0, 2.0), logits=True)
    np.testing.assert_allclose(weighted[0, :2], [0.25 * 2.25 / (1 + 0.25 * 2.25), 0.5])
    assert 0 < weighted[0, 2] < 1e-9


def test_an_averaging_arm_is_joined_with_the_arm_that_trains_its_networks():
    joined = find_arm("two-networks+prior samples+classic augmentation")
    assert isinstance(joined, AveragingArm) and joined.trained is not None
    assert joined.name == "two networks + prior samples + classic augmentation"
    assert joined.trained.training == {"augmentation.name": "classic"} and joined.methods == ("prior samples",)
    for wrong in ("two networks + real only", "two networks + three networks", "two networks + two networks"):
        with pytest.raises(ValueError, match="one that averages several classifiers"):
            find_arm(wrong)


def test_readers_are_members_and_stacked_by_scores_of_patients_that_they_have_not_seen(
    simulated_store: RecordStore, simulated_split: SplitIndices, tiny_generator: ECGGenerator, tmp_path: Path
):
    rows = {"validation": simulated_split.validation, "test": simulated_split.test}
    task = simulated_store.task("superdiagnostic")
    own = Ingredients(simulated_store, simulated_split.train, task, tiny_generator)
    plan = plan_additions(simulated_store.labels(task)[own.rows], task.class_names, ("MI",), 0, count=5)
    filling = Filling(own, plan, tmp_path / "additions", held_out=rows)
    reading, stacked = (find_arm(name).fill(filling) for name in ("reading", "stacked reading"))
    assert isinstance(stacked, EnsembleArm)
    stacked = replace(stacked, stacked=2)
    comparison = ready(simulated_store, simulated_split, "reading", reading, stacked)
    run(comparison, tmp_path / "runs")
    by_name = scores(tmp_path / "runs")
    members = ["real-only-0", "reader-of-boosted-traits-0", "reader-of-logistic-traits-0"]
    without = [f"{name}-without-{part}" for name in members for part in (0, 1)]
    assert sorted(by_name) == sorted([*members, *without, "duplication-0", "reading-0", "stacked-reading-0"])
    mean = np.average([by_name[name]["test"] for name in members], axis=0, weights=(2, 1, 1))
    np.testing.assert_array_equal(by_name["reading-0"]["test"], mean)
    sizes = [len(by_name[f"{members[1]}-without-{part}"]["test"]) for part in (0, 1)]
    assert sum(sizes) == len(simulated_split.train) and len(by_name["stacked-reading-0"]["test"]) == len(mean)
    about = json.loads((tmp_path / "runs" / "stacked-reading-0" / "run.json").read_text())
    weights = np.array(about["stack"]["weights"])
    assert weights.shape == (3, 5) and weights.min() >= 0
    of_part = [
        json.loads((tmp_path / "runs" / f"{members[0]}-without-{part}" / "run.json").read_text()) for part in (0, 1)
    ]
    assert len({one["identity"]["data"]["real only"] for one in of_part}) == 2
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    run(comparison, tmp_path / "runs")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")} == written
    with pytest.raises(ValueError, match="of which there are none here"):
        find_arm("reading").fill(replace(filling, held_out={}))
