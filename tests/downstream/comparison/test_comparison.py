"""A whole comparison on simulated records: verdicts, resuming, and what must not be compared."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from vqecg.downstream.augmentation.plan import plan_additions
from vqecg.downstream.classifiers.models.registry import classifier_class
from vqecg.downstream.classifiers.pretraining.contrastive import ContrastivePretraining
from vqecg.downstream.classifiers.pretraining.registry import PretrainingRecords
from vqecg.downstream.classifiers.pretraining.settings import ContrastiveSettings, PretrainingSettings
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.downstream.classifiers.signals import data_digest, record_digests
from vqecg.downstream.comparison.arms.arm_data import ArmData, TrainingArm, duplicate
from vqecg.downstream.comparison.comparison import ComparisonSettings, compare, read_comparison
from vqecg.downstream.comparison.results import Analysis, ArmScores, Comparison, analyse
from vqecg.records.datasets.registry import read_table
from vqecg.records.folds import FoldSplit
from vqecg.records.labels import LabelTask
from vqecg.records.simulation.dataset import simulate_dataset
from vqecg.records.store.building import build_store
from vqecg.records.store.selection import RecordSelection
from vqecg.records.store.signal_spec import SignalSpec

NAMES = ("NORM", "MI", "STTC", "CD", "HYP")
FIT = dataclasses.replace(CLASSIFIER_FIT, steps=2, batch_size=8, warmup_steps=1, evaluate_every=2)
SETTINGS = ComparisonSettings(
    training=ClassifierSettings(fit=FIT),
    analysis=Analysis(replicates=50),
    seeds=(0, 1),
)


@dataclasses.dataclass(frozen=True)
class Parts:
    train: RecordSelection
    validation: RecordSelection
    test: RecordSelection
    task: LabelTask
    arms: tuple[ArmData, ...]

    def run(self, folder: Path, settings: ComparisonSettings = SETTINGS, **change: Any) -> Comparison:
        given: dict[str, Any] = {
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
            "arms": self.arms,
        } | change
        return compare(
            **given, task=self.task, target_classes=("MI",), settings=settings, folder=folder, progress=False
        )


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """Sixty simulated records in a store, split by folds, with duplication and a noise arm."""
    folder = tmp_path_factory.mktemp("simulated")
    simulate_dataset(folder / "raw", records=60, seed=0, progress=False)
    store = build_store(read_table(folder / "raw"), SignalSpec(), folder / "store", progress=False)
    task = store.task("superdiagnostic")
    rows = FoldSplit(train=(1, 2, 3, 4, 5, 6), validation=(7, 8), test=(9, 10)).indices(store.table)
    real = [RecordSelection(store, part) for part in (rows.train, rows.validation, rows.test)]
    plan = plan_additions(real[0].labels(task), NAMES, ("MI",), seed=0, count=6)
    noise = np.random.default_rng(0).normal(scale=0.1, size=(len(plan), 8, 1000)).astype(np.float32)
    arms = (ArmData("prior samples", noise, plan.labels, "noise"), duplicate(real[0], plan))
    return Parts(real[0], real[1], real[2], task, arms)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the finished comparison lies; tests change copies of it."""
    return tmp_path_factory.mktemp("finished") / "comparison"


@pytest.fixture(scope="module")
def finished(parts: Parts, folder: Path) -> Comparison:
    """A comparison that is trained once."""
    return parts.run(folder)


@pytest.fixture
def copy(finished: Comparison, folder: Path, tmp_path: Path) -> Path:
    """A copy of the folder of the finished comparison."""
    return shutil.copytree(folder, tmp_path / "comparison")


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="auroc, average_precision, f1"):
        Analysis(primary_metric="accuracy")
    with pytest.raises(ValueError, match="confidence"):
        Analysis(confidence=95)
    with pytest.raises(ValueError, match="none twice"):
        ComparisonSettings(seeds=(1, 1))


def test_a_comparison_trains_every_arm_and_seed_and_is_resumed_without_training(
    parts: Parts, finished: Comparison, copy: Path
) -> None:
    runs = sorted(path.name for path in copy.iterdir() if path.is_dir())
    assert runs == [f"{arm}-{seed}" for arm in ("duplication", "prior-samples", "real-only") for seed in (0, 1)]
    assert list(finished.arms["arm"]) == ["real only", "duplication", "prior samples"]
    assert list(finished.arms["synthetic_records"]) == [0, 0, 6]
    assert list(finished.arms["real_records"] - len(parts.train)) == [0, 6, 0]
    written = {path: path.stat().st_mtime_ns for path in copy.glob("*-*/*.npz")}
    again = parts.run(copy)
    assert {path: path.stat().st_mtime_ns for path in copy.glob("*-*/*.npz")} == written
    kept = read_comparison(copy)
    assert json.dumps(again.to_dict()) == json.dumps(finished.to_dict()) == json.dumps(kept.to_dict())

    longer = dataclasses.replace(SETTINGS, training=SETTINGS.training.changed({"fit.steps": 1}))
    with pytest.raises(ValueError, match=r"other settings or inputs.*steps.*overwrite"):
        parts.run(copy, longer)
    changed = dataclasses.replace(parts.arms[0], signals=np.asarray(parts.arms[0].signals) * 2)
    with pytest.raises(ValueError, match="prior-samples-0 holds this output with other settings or inputs"):
        parts.run(copy, arms=(changed, parts.arms[1]))
    assert parts.run(copy, longer, overwrite=True).settings["fit"]["steps"] == 1


def test_a_pretrained_arm_differs_by_its_initial_weights_and_no_other_run_by_it(
    parts: Parts, finished: Comparison, copy: Path
) -> None:
    def records(part: RecordSelection) -> PretrainingRecords:
        settings = PretrainingSettings(contrastive=ContrastiveSettings(fit=FIT, excerpt_seconds=1.0))
        labels = part.labels(parts.task)
        return PretrainingRecords(part, labels, part.patients, 100, parts.task, SETTINGS.training, settings)

    before = ContrastivePretraining(records(parts.train))
    arm = TrainingArm("contrastive pretraining", {}, before.note, before)
    identities = {place.parent.name: json.loads(place.read_text())["identity"] for place in copy.glob("*-*/run.json")}
    written = {path: path.stat().st_mtime_ns for path in copy.glob("*-*/*.npz")}
    comparison = parts.run(copy, arms=(*parts.arms, arm))
    assert {path: path.stat().st_mtime_ns for path in written} == written, "the others are read"
    assert not any("pretraining" in identity for identity in identities.values())
    run = json.loads((copy / "contrastive-pretraining-1" / "run.json").read_text())
    assert run["identity"]["pretraining"]["settings"]["excerpt_seconds"] == 1.0
    assert set(run["identity"]) == {*identities["real-only-1"], "pretraining"}
    about = comparison.arms.set_index("arm").loc["contrastive pretraining"]
    assert f"{len(parts.train)} records without labels" in about["description"] and about["synthetic_records"] == 0
    scores = [np.load(copy / f"{name}-1" / "scores.npz")["test"] for name in ("real-only", "contrastive-pretraining")]
    assert not np.array_equal(*scores)
    seen = dataclasses.replace(arm, pretraining=ContrastivePretraining(records(parts.test)))
    with pytest.raises(ValueError, match=r"contrastive pretraining, pretraining.* are in validation or test"):
        parts.run(copy, arms=(*parts.arms, seen))
    with pytest.raises(ValueError, match="at least one change or a pretraining"):
        TrainingArm("nothing", {}, "")


def test_scores_and_labels_on_disk_are_enough_to_do_the_bootstrap_again(finished: Comparison, folder: Path) -> None:
    test = pd.read_parquet(folder / "test.parquet")
    arms = []
    for name in ("real only", "duplication", "prior samples"):
        runs = [np.load(folder / f"{name.replace(' ', '-')}-{seed}" / "scores.npz") for seed in (0, 1)]
        scores, cuts = (np.stack([run[key] for run in runs]) for key in ("test", "thresholds"))
        arms.append(ArmScores(name, "", 0, 0, scores, cuts))
    labels = test[list(NAMES)].to_numpy()
    again = analyse(arms, labels, list(test["patient_id"]), NAMES, ("MI",), (0, 1), "", {}, SETTINGS.analysis)
    pd.testing.assert_frame_equal(again.differences, finished.differences)


def test_synthetic_records_cannot_be_the_test_part(parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="test is a ArmData; expected a RecordSelection"):
        parts.run(tmp_path, test=parts.arms[0])
    assert not list(tmp_path.iterdir())


def test_a_patient_in_two_parts_is_refused(parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="patients are in train and in test"):
        parts.run(tmp_path, test=parts.train)


def test_an_arm_with_a_copy_of_a_test_record_is_refused(parts: Parts, tmp_path: Path) -> None:
    leaked = np.array(parts.arms[0].signals)
    leaked[3] = parts.test[np.array([0])][0]
    with pytest.raises(ValueError, match="1 training records of 'prior samples' are in validation or test"):
        parts.run(tmp_path, arms=(dataclasses.replace(parts.arms[0], signals=leaked), parts.arms[1]))


def test_an_adding_arm_without_the_duplication_control_is_refused(parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no arm is named 'duplication'"):
        parts.run(tmp_path, arms=parts.arms[:1])


MIXUP = TrainingArm("mixup", {"augmentation.name": "mixup"}, "records mixed")


def test_an_arm_that_trains_otherwise_adds_nothing_and_differs_in_that_setting_only(parts: Parts, copy: Path) -> None:
    found = parts.run(copy, arms=(*parts.arms, MIXUP))
    about = {name: json.loads((copy / f"{name}-0" / "run.json").read_text()) for name in ("real-only", "mixup")}
    one, other = (about[name]["identity"] for name in ("real-only", "mixup"))
    assert other["classifier"] == one["classifier"] | {
        "augmentation": one["classifier"]["augmentation"] | {"name": "mixup"}
    }
    assert other["data"] == one["data"]
    row = found.arms.set_index("arm").loc["mixup"]
    assert row["real_records"] == len(parts.train) and row["synthetic_records"] == 0
    assert row["description"] == "the real training records, records mixed"


def test_an_arm_may_add_records_and_train_otherwise(parts: Parts, copy: Path) -> None:
    both = dataclasses.replace(parts.arms[0], name="both", changes={"augmentation.name": "mixup"})
    found = parts.run(copy, arms=(*parts.arms, both))
    about = [
        json.loads((copy / f"{name}-0" / "run.json").read_text())["identity"] for name in ("prior-samples", "both")
    ]
    assert about[1]["classifier"] == about[0]["classifier"] | {
        "augmentation": about[0]["classifier"]["augmentation"] | {"name": "mixup"}
    }
    assert about[1]["data"]["both"] == about[0]["data"]["prior samples"]
    assert found.arms.set_index("arm").loc["both", "synthetic_records"] == len(both.labels)


def test_a_stream_is_a_share_of_the_batch_and_not_added_to_the_real_records(parts: Parts, copy: Path) -> None:
    noise = parts.arms[0]
    share = {"mixture.share": 0.5}
    mixture = dataclasses.replace(noise, name="mixture", labels=noise.labels[:4], signals=noise.signals[np.arange(4)])
    mixture = dataclasses.replace(mixture, changes=share, stream=True)
    found = parts.run(copy, arms=(*parts.arms, mixture))  # runs without a stream are those of before
    identities = {
        name: json.loads((copy / f"{name}-0" / "run.json").read_text())["identity"] for name in ("real-only", "mixture")
    }
    assert "mixture" not in identities["real-only"]["classifier"] and "mixture" not in found.settings
    assert identities["mixture"]["classifier"] == identities["real-only"]["classifier"] | {"mixture": {"share": 0.5}}
    assert identities["mixture"]["data"] == identities["real-only"]["data"] | {
        "mixture": data_digest(record_digests(mixture.signals), mixture.labels)
    }
    row = found.arms.set_index("arm").loc["mixture"]
    assert row["synthetic_records"] == 4
    assert row["description"] == "the real training records and, as 0.5 of every batch, noise"
    other = dataclasses.replace(mixture, signals=mixture.signals * 2)
    with pytest.raises(ValueError, match="mixture-0 holds this output with other settings or inputs"):
        parts.run(copy, arms=(*parts.arms, other))


def test_an_arm_that_trains_as_all_others_do_is_refused(parts: Parts, tmp_path: Path) -> None:
    same = dataclasses.replace(MIXUP, changes={"augmentation.name": "none"})
    with pytest.raises(ValueError, match=r"arm 'mixup' trains as all arms do .*leave it out"):
        parts.run(tmp_path, arms=(*parts.arms, same))
    with pytest.raises(ValueError, match="at least one change"):
        TrainingArm("mixup", {}, "")
    assert not list(tmp_path.iterdir())


def test_a_run_of_other_settings_is_refused_before_another_one_is_trained(parts: Parts, copy: Path) -> None:
    (copy / "prior-samples-1" / "scores.npz").unlink()
    about = json.loads((copy / "duplication-0" / "run.json").read_text())
    about["identity"]["seed"] = 7
    (copy / "duplication-0" / "run.json").write_text(json.dumps(about))
    with pytest.raises(
        ValueError, match=r"duplication-0 holds this output with other settings or inputs \(seed 7 there"
    ):
        parts.run(copy)
    assert not (copy / "prior-samples-1" / "scores.npz").exists()
    about["identity"] |= {"seed": 0, "model": about["identity"]["model"] | {"widths": [1]}}
    (copy / "duplication-0" / "run.json").write_text(json.dumps(about))
    with pytest.raises(ValueError, match=r"other settings or inputs.*widths"):
        parts.run(copy)


@pytest.mark.slow
def test_label_networks_know_the_real_labels_in_every_arm(parts: Parts, tmp_path: Path) -> None:
    training = SETTINGS.training.changed({"model": "label-correlation", "fit.steps": 1})
    parts.run(tmp_path, dataclasses.replace(SETTINGS, training=training, seeds=(0,)))
    kind: Any = classifier_class("label-correlation")
    known = [
        values.numpy()
        for name in ("real-only-0", "duplication-0", "prior-samples-0")
        for buffer, values in kind.from_pretrained(tmp_path / name / "model").named_buffers()
        if buffer.endswith("correlation")
    ]
    assert len(known) == 3
    assert np.abs(known[0]).sum() > 0
    np.testing.assert_array_equal(known[0], known[1])
    np.testing.assert_array_equal(known[0], known[2])


@pytest.mark.slow
def test_several_processes_train_the_same_classifiers(parts: Parts, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    one = parts.run(tmp_path / "one", arms=(*parts.arms, MIXUP))
    two = parts.run(tmp_path / "two", arms=(*parts.arms, MIXUP), workers=2)
    assert json.dumps(one.to_dict()) == json.dumps(two.to_dict())
