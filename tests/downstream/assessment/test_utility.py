"""TRTR, TSTR and TRTS: intervals and ratios on made-up scores, and classifiers that are not trained twice."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from vqecg.downstream.assessment.judges import RUN_FILE, JudgeSettings, TrainingSource, scores_of, train_judges
from vqecg.downstream.assessment.settings import AssessmentSettings
from vqecg.downstream.assessment.utility import (
    MACRO,
    TRTR,
    TRTS,
    TSTR,
    TrainedTested,
    measure_utility,
    shared_draws,
)
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.downstream.classifiers.training import LabelledSignals
from vqecg.records.files.reuse import kept_identity

NAMES = ("A", "B")
SETTINGS = AssessmentSettings(families=("resnet",), seeds=(0, 1), replicates=200)


def design(name: str, strength: float, records: int = 300, seed: int = 0, own_records: bool = False) -> TrainedTested:
    """Scores of two classifiers that know the labels as well as `strength` says; the same labels for the same seed."""
    generator = np.random.default_rng(seed)
    labels = (generator.random((records, 2)) < 0.3).astype(np.float32)
    noise = np.random.default_rng([seed, sum(map(ord, name))]).normal(size=(2, records, 2))
    prefix = "made" if own_records else "patient"
    patients = tuple(f"{prefix} {row // 2}" for row in range(records))
    return TrainedTested("resnet", name, 1000, labels, 1 / (1 + np.exp(-(strength * labels + noise))), patients)


def trio(tstr: float = 1.5) -> list[TrainedTested]:
    return [design(TRTR, 1.5), design(TSTR, tstr), design(TRTS, 1.5, 200, 1, own_records=True)]


def row_of(table: pd.DataFrame, **wanted: object) -> pd.Series:
    found = table[np.logical_and.reduce([table[name] == value for name, value in wanted.items()])]
    assert len(found) == 1
    return found.iloc[0]


def test_values_are_scikit_learns_averaged_over_seeds_with_both_n_beside_them():
    found = measure_utility(trio(), NAMES, SETTINGS)
    own = trio()[2]
    for metric, function in (("auroc", roc_auc_score), ("average_precision", average_precision_score)):
        expected = np.mean([function(own.labels, scores) for scores in own.scores])
        row = row_of(found.scores, design=TRTS, metric=metric, class_name=MACRO)
        assert row["value"] == pytest.approx(expected)
        assert row["low"] < row["value"] < row["high"]
        assert (row["trained_on"], row["tested_on"]) == (1000, 200)
    one = row_of(found.scores, design=TRTS, metric="auroc", class_name="B")
    assert one["positives"] == own.labels[:, 1].sum()


def test_the_ratio_is_that_of_the_macro_averages_and_its_interval_excludes_a_real_loss():
    found = measure_utility(trio(tstr=0.5), NAMES, SETTINGS)
    values = found.scores.set_index(["design", "metric", "class_name"])["value"]
    row = row_of(found.ratios, design=TSTR, metric="auroc")
    assert row["ratio"] == pytest.approx(values[TSTR, "auroc", MACRO] / values[TRTR, "auroc", MACRO])
    assert row["difference"] == pytest.approx(values[TSTR, "auroc", MACRO] - values[TRTR, "auroc", MACRO])
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"] < 1 and row["difference_high"] < 0
    assert row["paired"] and not row_of(found.ratios, design=TRTS, metric="auroc")["paired"]


def test_equal_scores_have_a_ratio_of_exactly_one_because_draws_are_shared():
    same = dataclasses.replace(design(TRTR, 1.0), name=TSTR)
    row = row_of(measure_utility([design(TRTR, 1.0), same], NAMES, SETTINGS).ratios, metric="auroc")
    assert (row["ratio"], row["ratio_low"], row["ratio_high"]) == (1, 1, 1)
    assert (row["difference"], row["difference_low"], row["difference_high"]) == (0, 0, 0)


def test_designs_on_other_records_share_the_draw_of_seeds_alone():
    real, again, made = shared_draws(trio(), SETTINGS)
    assert real.record_weights is again.record_weights
    assert real.record_weights.shape[1] == 300 and made.record_weights.shape[1] == 200
    np.testing.assert_array_equal(real.seed_weights, made.seed_weights)


def test_a_class_that_one_side_lacks_is_left_out_of_both_averages_of_a_ratio():
    real, made = design(TRTR, 1.0), design(TRTS, 1.0, 200, 1, own_records=True)
    lacking = dataclasses.replace(made, labels=made.labels * np.array([1, 0], np.float32))
    found = measure_utility([real, lacking], NAMES, SETTINGS)
    row = row_of(found.ratios, metric="auroc")
    values = found.scores.set_index(["design", "metric", "class_name"])["value"]
    assert row["classes"] == 1
    assert row["ratio"] == pytest.approx(values[TRTS, "auroc", "A"] / values[TRTR, "auroc", "A"])
    assert np.isnan(values[TRTS, "auroc", "B"])


def test_a_family_without_trtr_is_refused():
    with pytest.raises(ValueError, match="has no TRTR"):
        measure_utility(trio()[1:], NAMES, SETTINGS)


@pytest.mark.parametrize(
    "change", [{"seeds": ()}, {"seeds": (0, 0)}, {"families": ("oracle",)}, {"confidence": 1.0}, {"replicates": 0}]
)
def test_settings_that_judge_nothing_are_refused(change: dict):
    with pytest.raises(ValueError, match="expected"):
        dataclasses.replace(SETTINGS, **change)


def tiny_source(name: str = "real", seed: int = 0) -> TrainingSource:
    generator = np.random.default_rng(seed)
    signals = generator.normal(scale=0.2, size=(16, 8, 200)).astype(np.float32)
    return TrainingSource.of(name, LabelledSignals(signals, generator.integers(0, 2, (16, 2)).astype(np.float32)))


def judge_settings(steps: int = 2) -> JudgeSettings:
    return JudgeSettings(
        ClassifierSettings(
            fit=dataclasses.replace(CLASSIFIER_FIT, steps=steps, batch_size=8, warmup_steps=1, evaluate_every=2)
        ),
        NAMES,
        100,
    )


def test_judges_of_both_families_are_trained_once_and_read_afterwards(tmp_path: Path):
    families, source = ("resnet", "attention-rnn"), tiny_source()
    first = train_judges(source, families, (0, 1), judge_settings(), tmp_path, progress=False)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.safetensors")}
    again = train_judges(source, families, (0, 1), judge_settings(), tmp_path, progress=False)
    assert len(files) == 4 and files == {path: path.stat().st_mtime_ns for path in files}
    for family in families:
        scores = scores_of(first[family], source.data.signals)
        assert scores.shape == (2, 16, 2)
        np.testing.assert_array_equal(scores, scores_of(again[family], source.data.signals))
        assert not np.allclose(scores[0], scores[1]), "another seed, another classifier"


def test_judges_of_a_recipe_with_early_stopping_take_all_steps_for_lack_of_a_validation_part(tmp_path: Path):
    settings = judge_settings()
    patient = dataclasses.replace(settings, classifier=settings.classifier.changed({"fit.patience": 1}))
    assert patient.identity(tiny_source(), "resnet", 0) == settings.identity(tiny_source(), "resnet", 0)
    train_judges(tiny_source(), ("resnet",), (0,), patient, tmp_path, progress=False)
    assert kept_identity(tmp_path / "real-resnet-0", RUN_FILE, "steps") == 2


def test_judges_of_an_earlier_assessment_are_taken_over_only_with_the_same_data_and_settings(tmp_path: Path):
    earlier, own, source = tmp_path / "earlier", tmp_path / "own", tiny_source()
    before = train_judges(source, ("resnet",), (0,), judge_settings(), earlier, progress=False)
    taken = train_judges(source, ("resnet",), (0,), judge_settings(), own, (earlier,), progress=False)
    assert not own.exists()
    assert all(map(torch.equal, before["resnet"][0].state_dict().values(), taken["resnet"][0].state_dict().values()))
    train_judges(tiny_source(seed=1), ("resnet",), (0,), judge_settings(), own, (earlier,), progress=False)
    identity = kept_identity(own / "real-resnet-0", RUN_FILE, "identity")
    assert identity["data"] == tiny_source(seed=1).digest != source.digest
    train_judges(source, ("resnet",), (0,), judge_settings(steps=3), own, (earlier,), progress=False)
    assert kept_identity(own / "real-resnet-0", RUN_FILE, "identity")["classifier"]["fit"]["steps"] == 3
