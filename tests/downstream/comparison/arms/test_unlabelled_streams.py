"""Arms that learn from records without labels: pseudo-labels, consistency, reconstructions, and streams joined."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vqecg.downstream.augmentation.methods.registry import AugmentationSettings, Ingredients
from vqecg.downstream.augmentation.plan import plan_additions
from vqecg.downstream.augmentation.stream import StreamSettings
from vqecg.downstream.augmentation.teacher_settings import PseudoLabelSettings
from vqecg.downstream.augmentation.teachers import FIRST_SEED, PseudoLabelled, hard_labels
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.downstream.comparison.arms.arm_data import ArmData, TrainingArm
from vqecg.downstream.comparison.arms.control_settings import ControlSettings
from vqecg.downstream.comparison.arms.filling import Filling
from vqecg.downstream.comparison.arms.registry import JoinedStreams, find_arm
from vqecg.downstream.comparison.comparison import ComparisonSettings, compare
from vqecg.downstream.comparison.design import Design, fill_design, plan_design
from vqecg.downstream.comparison.results import Analysis
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.records.store.subset import TrainingSubset, split_rows

FIT = replace(CLASSIFIER_FIT, steps=2, batch_size=8, warmup_steps=1, evaluate_every=2)
TRAINING = ClassifierSettings(fit=FIT)
CONTROLS = ControlSettings(pseudo_labels=PseudoLabelSettings(teachers=2))
LABELLED = TrainingSubset(labelled=0.4)


@pytest.fixture(scope="module")
def hidden(simulated_store: RecordStore) -> RecordStore:
    """The simulated store with the labels of six in ten training patients hidden."""
    return LABELLED.known_labels(simulated_store, FoldSplit())


@pytest.fixture(scope="module")
def filling(hidden: RecordStore, tiny_generator: ECGGenerator, tmp_path_factory: pytest.TempPathFactory) -> Filling:
    task = hidden.task("superdiagnostic")
    rows = split_rows(hidden, FoldSplit(), LABELLED, task)
    ingredients = Ingredients(
        hidden, rows.train, task, tiny_generator, AugmentationSettings(least=1), unlabelled=rows.unlabelled
    )
    labels = hidden.labels(task, rows.train)
    plan = plan_additions(labels, task.class_names, ("HYP",), 0, count=3)
    folder = tmp_path_factory.mktemp("additions")
    return Filling(ingredients, plan, folder, stream=StreamSettings(times=0.5), training=TRAINING, controls=CONTROLS)


def filled(filling: Filling, name: str) -> ArmData:
    arm = find_arm(name).fill(filling)
    assert isinstance(arm, ArmData) and arm.stream
    return arm


def test_pseudo_labels_are_the_mean_scores_of_teachers_that_are_trained_once(filling: Filling):
    arm = filled(filling, "pseudo-labels")
    unlabelled = filling.ingredients.unlabelled
    assert isinstance(arm.signals, RecordSelection) and arm.changes == {"mixture.share": 0.5}
    np.testing.assert_array_equal(np.sort(arm.signals.rows), unlabelled)
    assert (np.diff(arm.signals.rows) < 0).any()  # in random order: tuning may take the first ones
    assert ((arm.labels > 0) & (arm.labels < 1)).all() and arm.copies == len(unlabelled) > 20
    teachers = sorted(path.name for path in filling.folder.glob("teachers-*/labelled-resnet-*"))
    assert teachers == [f"labelled-resnet-{FIRST_SEED + number}" for number in range(2)]
    written = {path: path.stat().st_mtime_ns for path in filling.folder.rglob("*") if path.is_file()}
    np.testing.assert_array_equal(filled(filling, "pseudo-labels").labels, arm.labels)
    assert {path: path.stat().st_mtime_ns for path in filling.folder.rglob("*") if path.is_file()} == written
    assert "training records with unknown labels" in arm.note and "half" not in arm.note


def test_teachers_of_other_labels_have_a_folder_of_their_own(
    filling: Filling, simulated_store: RecordStore, tmp_path: Path
):
    few = TrainingSubset(labelled=0.3)
    view = few.known_labels(simulated_store, FoldSplit())
    rows = split_rows(view, FoldSplit(), few, filling.ingredients.task)
    fewer = replace(filling.ingredients, store=view, rows=rows.train, unlabelled=rows.unlabelled)
    for ingredients in (filling.ingredients, fewer):
        filled(replace(filling, ingredients=ingredients, folder=tmp_path), "pseudo-labels")
    teachers = list(tmp_path.glob("teachers-*/labelled-resnet-*"))
    assert len({path.parent for path in teachers}) == 2 and len({path.name for path in teachers}) == 2


def test_hard_labels_have_the_proportions_of_the_known_ones_and_leave_doubtful_records_open():
    generator = np.random.default_rng(0)
    scores = generator.random((100, 2)).astype(np.float32)
    labels = np.zeros((50, 2), np.float32)
    labels[:10, 0] = labels[:25, 1] = 1
    soft = PseudoLabelled(np.arange(100), scores, np.ones((100, 2), bool))
    hard = hard_labels(soft, labels, 0.8)
    chosen = scores[hard.rows]
    assert [int((hard.labels[:, column] == 1).sum()) for column in (0, 1)] == [16, 40]
    assert [int((hard.labels[:, column] == 0).sum()) for column in (0, 1)] == [64, 40]
    for column in (0, 1):
        there, absent = hard.labels[:, column] == 1, hard.labels[:, column] == 0
        assert chosen[there, column].min() > chosen[absent, column].max()
    assert len(hard.rows) < 100 and not np.isnan(hard.labels).all(axis=1).any()


def test_the_surest_of_a_class_keep_its_label_where_rounding_asks_for_more_records_than_there_are():
    labels = np.repeat([1.0, 0.0], [3, 7]).astype(np.float32)[:, None]
    soft = PseudoLabelled(np.arange(5), np.linspace(0.9, 0.1, 5, dtype=np.float32)[:, None], np.ones((5, 1), bool))
    np.testing.assert_array_equal(hard_labels(soft, labels, 1.0).labels[:, 0], [1, 1, 0, 0, 0])


def test_a_label_that_is_known_stays_as_it_is():
    labels = np.array([[1.0, 0.2], [0.0, 0.9]], np.float32)
    soft = PseudoLabelled(np.arange(2), labels, np.array([[False, True], [False, True]]))
    hard = hard_labels(soft, np.array([[1.0, 1.0], [0.0, 0.0]], np.float32), 1.0)
    np.testing.assert_array_equal(hard.labels, [[1, 0], [0, 1]])


def test_consistency_and_reconstructions_are_of_the_same_records(filling: Filling):
    soft, open_labels = filled(filling, "pseudo-labels"), filled(filling, "consistency")
    assert np.isnan(open_labels.labels).all() and open_labels.changes["consistency.weight"] == 1
    coded = filled(filling, "reconstructions of unlabelled")
    np.testing.assert_array_equal(coded.labels, soft.labels)
    everything, tokenizer = np.arange(len(coded.labels)), filling.ingredients.generator.tokenizer
    signals = torch.from_numpy(np.asarray(soft.signals[everything]))
    with torch.inference_mode():
        decoded = tokenizer.decode(tokenizer.encode(signals), 1000).numpy()
    np.testing.assert_allclose(coded.signals[everything], decoded, atol=1e-5)
    assert coded.copies == 0


def test_joined_streams_are_each_as_large_beside_the_real_records_as_alone(filling: Filling):
    soft, mixed = filled(filling, "pseudo-labels"), filled(filling, "mixture of reconstructions")
    both = filled(filling, "pseudo-labels + mixture of reconstructions")
    assert both.changes == {"mixture.share": pytest.approx(2 / 3)} and "0.667 of every batch" in both.note
    assert len(soft.labels) > len(mixed.labels) and len(both.labels) == 2 * len(soft.labels)
    half, made = np.arange(len(soft.labels)), np.arange(len(mixed.labels))
    np.testing.assert_array_equal(both.signals[2 * half], soft.signals[half])  # in turns
    np.testing.assert_array_equal(both.signals[2 * made + 1], mixed.signals[made])
    np.testing.assert_array_equal(both.labels[2 * made + 1], mixed.labels)
    assert find_arm("consistency+mixture").training["consistency.weight"] == 1
    less = find_arm("pseudo-labels + mixture 0.2").training["mixture.share"]
    assert less == pytest.approx(1.25 / 2.25)


def test_a_stream_may_start_from_pretrained_weights_and_longer_training_is_an_arm(filling: Filling):
    arm = filled(filling, "pseudo-labels + contrastive pretraining")
    assert arm.pretraining is not None and "without labels" in arm.note
    assert len(arm.pretraining.signals) == len(filling.ingredients.every_row)
    longer = find_arm("longer training").fill(filling)
    assert isinstance(longer, TrainingArm) and longer.changes == {"fit.steps": 4}


def test_a_comparison_trains_them_on_a_store_whose_labels_are_hidden(
    filling: Filling, hidden: RecordStore, tmp_path: Path
):
    rows, task = split_rows(hidden, FoldSplit(), LABELLED, filling.ingredients.task), filling.ingredients.task
    names = ("duplication", "pseudo-labels", "hard pseudo-labels", "consistency")
    arms = [find_arm(name).fill(filling) for name in names]
    settings = ComparisonSettings(
        training=TRAINING, analysis=Analysis(replicates=20, main_arm="pseudo-labels"), seeds=(0,)
    )
    train, validation, test = (RecordSelection(hidden, part) for part in (rows.train, rows.validation, rows.test))
    result = compare(train, validation, test, arms, task, ("HYP",), settings, tmp_path / "runs", progress=False)
    about = result.arms.set_index("arm")
    assert about.loc["pseudo-labels", "real_records"] == len(rows.train) + len(rows.unlabelled)
    assert about.loc["pseudo-labels", "synthetic_records"] == 0
    assert np.isnan(hidden.labels(task, rows.unlabelled, math.nan)).all()


def test_a_design_fills_them_from_the_records_whose_labels_its_subset_hides(
    simulated_store: RecordStore, tiny_generator: ECGGenerator, tmp_path: Path
):
    arms = ("hard-pseudo-labels", "consistency+masked-code-pretraining")
    design = Design(
        arms=arms, subset=LABELLED, seeds=(0,), training=TRAINING, controls=CONTROLS, target_classes=("HYP",),
        analysis=Analysis(main_arm="hard pseudo-labels"), augmentation=AugmentationSettings(least=1),
    )  # fmt: skip
    planned = plan_design(design, simulated_store, tiny_generator)
    runs = {run.name: run for run in fill_design(design, planned, tmp_path).runs}
    unlabelled = len(planned.rows.unlabelled)
    assert unlabelled > 20 and len(planned.ingredients.unlabelled) == unlabelled
    about = runs["consistency + masked-code pretraining"].identity
    assert {"codes", "signals", "settings"} == about["pretraining"].keys() and about["classifier"]["consistency"]
    for name in ("real only", "hard pseudo-labels"):
        identity = runs[name].identity
        assert "pretraining" not in identity and "consistency" not in identity["classifier"], name
    with pytest.raises(ValueError, match="hard pseudo-labels learns from training records with unknown labels"):
        plan_design(replace(design, subset=TrainingSubset()), simulated_store, tiny_generator)


@pytest.mark.bad_input("setting")
@pytest.mark.parametrize(
    "name", ["pseudo-labels", "consistency", "mixture+hard-pseudo-labels", "two-networks+consistency"]
)
def test_they_are_refused_where_every_label_is_known(
    name: str, simulated_store: RecordStore, filling: Filling, tmp_path: Path
):
    every = np.concatenate([filling.ingredients.rows, filling.ingredients.unlabelled])
    known = Ingredients(simulated_store, every, filling.ingredients.task, filling.ingredients.generator)
    with pytest.raises(ValueError, match=r"learns from training records with unknown labels.*leave it out"):
        find_arm(name).check(known)
    with pytest.raises(ValueError, match="unknown labels"):
        find_arm(name).fill(replace(filling, ingredients=known, folder=tmp_path))


@pytest.mark.bad_input("setting")
def test_streams_that_contradict_each_other_are_not_joined():
    other = replace(find_arm("pseudo-labels"), training={"mixture.share": 0.5, "consistency.weight": 2.0})
    with pytest.raises(ValueError, match=r"differ in consistency.weight"):
        JoinedStreams.of((find_arm("consistency"), other))


@pytest.mark.bad_input("damaged file")
def test_damaged_scores_of_teachers_are_refused(filling: Filling):
    filled(filling, "pseudo-labels")
    (path,) = filling.folder.glob("teacher-scores-*.npy")
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:-4] + np.float32(np.nan).tobytes())
        with pytest.raises(ValueError, match="not in 0 to 1: delete it"):
            filled(filling, "pseudo-labels")
        path.write_bytes(whole[:-4])
        with pytest.raises(ValueError, match="bytes instead of"):
            filled(filling, "pseudo-labels")
    finally:
        path.write_bytes(whole)
