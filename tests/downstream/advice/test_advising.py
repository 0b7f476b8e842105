"""An advice from trials on simulated records: what it holds, that it resumes, and that test folds are never read."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqecg.downstream.advice.advising import advice_of, run_rounds, schedule_of
from vqecg.downstream.advice.decision import ACTIONS, Advice
from vqecg.downstream.advice.settings import AdviceSettings
from vqecg.downstream.advice.trials import bench_of
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.comparison.arms.arm_data import ArmData
from vqecg.downstream.comparison.design import Design, fill_design, plan_design
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.training.fit import FitSettings

FOLDS = FoldSplit(train=(1, 2, 3), validation=(4, 5, 6, 7), test=(10,))
FIT = FitSettings(steps=4, batch_size=8, warmup_steps=1, evaluate_every=2)
TRAINING = ClassifierSettings(fit=FIT, crop_seconds=2.0)
DESIGN = Design(folds=FOLDS, training=TRAINING, target_classes=("NORM",), ratio=2.0, seeds=(0, 1))
SETTINGS = AdviceSettings(steps=(1.0,), seeds=4, fractions=(0.5,))
HOUR = 3600.0


def advise(store: RecordStore, generator: ECGGenerator | None, folder: Path, *arms: str) -> Advice:
    folder.mkdir(parents=True, exist_ok=True)
    bench = bench_of(replace(DESIGN, arms=arms), store, generator, folder)
    schedule = schedule_of(bench, arms, SETTINGS, HOUR, workers=1)
    return advice_of(run_rounds(bench, SETTINGS, schedule, progress=False))


@pytest.fixture(scope="module")
def advised(simulated_store: RecordStore, tiny_generator: ECGGenerator, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("advised")
    return folder, advise(simulated_store, tiny_generator, folder, "mixture", "classic-augmentation")


def test_an_advice_holds_all_figures_behind_it(advised: tuple[Path, Advice]):
    _, advice = advised
    assert advice.action in ACTIONS and advice.arm.arm in ("mixture", "classic augmentation")
    assert advice.gain.low < advice.gain.estimate < advice.gain.high and advice.gain.smallest > 0
    assert (advice.generator is None) == (advice.arm.arm != "mixture")
    assert advice.setting.targets == ("NORM",) and len(advice.setting.last_seeds) == 4
    assert advice.curve is not None and [point.seeds for point in advice.curve.points] == [2, 4]
    assert {one.candidate.arm for one in advice.tried} == {"real only", "mixture", "classic augmentation"}
    assert Advice.from_dict(json.loads(json.dumps(advice.to_dict()))) == advice


def test_the_same_plan_gives_the_same_advice_without_training_again(
    advised: tuple[Path, Advice], simulated_store: RecordStore, tiny_generator: ECGGenerator
):
    folder, advice = advised
    written = {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")}
    assert advise(simulated_store, tiny_generator, folder, "mixture", "classic-augmentation") == advice
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")} == written


@pytest.mark.slow
def test_the_test_folds_change_nothing(simulated_store: RecordStore, tmp_path: Path):
    other = tmp_path / "store"
    shutil.copytree(simulated_store.folder, other)
    rows = np.flatnonzero(simulated_store.table["fold"] == 10)
    signals = np.load(other / "signals.npy")
    signals[rows] = signals[rows][:, :, ::-1]
    np.save(other / "signals.npy", signals)
    table = pd.read_parquet(other / "table.parquet")
    table.loc[rows, "patient_id"] = [f"another {row}" for row in rows]
    table.to_parquet(other / "table.parquet")
    changed = RecordStore.open(other)
    assert (changed.signals(rows) != simulated_store.signals(rows)).any()
    advices = [
        advise(store, None, tmp_path / name, "mixup") for name, store in (("one", simulated_store), ("other", changed))
    ]
    assert advices[0] == advices[1]


def test_an_arm_that_needs_a_generator_is_left_out_without_one(simulated_store: RecordStore, tmp_path: Path):
    bench = bench_of(DESIGN, simulated_store, None, tmp_path)
    schedule = schedule_of(bench, ("mixture", "mixup"), SETTINGS, HOUR, workers=1)
    assert schedule.left_out == ("No generator is given, so these are not tried: mixture.",)
    assert [one.arm for one in schedule.candidates] == ["real only", "mixup"]


def test_an_arm_with_steps_of_its_own_is_left_out(simulated_store: RecordStore, tmp_path: Path):
    bench = bench_of(DESIGN, simulated_store, None, tmp_path)
    schedule = schedule_of(bench, ("longer-training", "mixup"), SETTINGS, HOUR, workers=1)
    assert [one.arm for one in schedule.candidates] == ["real only", "mixup"]
    assert schedule.left_out[0].startswith("longer training cannot be tried: it has steps of its own")


def test_trials_add_what_the_comparison_would(
    simulated_store: RecordStore, tiny_generator: ECGGenerator, tmp_path: Path
):
    design = replace(DESIGN, arms=("prior-samples",), checks=("likelihood",), only_able=True, seeds=(3,))
    ready = fill_design(design, plan_design(design, simulated_store, tiny_generator), tmp_path / "additions")
    bench = bench_of(design, simulated_store, tiny_generator, tmp_path)
    for compared in ready.arms[3]:
        arm = None if compared is None else bench.arm(compared.name, 3)
        assert isinstance(arm, ArmData) or compared is None
        if isinstance(arm, ArmData) and isinstance(compared, ArmData):
            rows = np.arange(len(arm.labels))
            assert arm.note == compared.note and (arm.labels == compared.labels).all()
            assert (arm.signals[rows] == compared.signals[rows]).all()
    assert len(list((tmp_path / "additions").iterdir())) == 1  # of samples, not made twice under two names


@pytest.mark.bad_input("too few validation patients")
def test_classes_that_nobody_can_judge_are_refused(simulated_store: RecordStore, tmp_path: Path):
    few = replace(DESIGN, folds=FoldSplit())
    bench = bench_of(few, simulated_store, None, tmp_path)
    with pytest.raises(ValueError, match="too few validation patients have, or lack, NORM"):
        schedule_of(bench, ("mixup",), SETTINGS, HOUR, workers=1)


@pytest.mark.bad_input("a target class that the task does not have")
@pytest.mark.parametrize("named", [("MII",), ("NORM", "MII"), ("auto",)])
def test_a_target_class_that_there_is_not_is_no_word_for_all(
    simulated_store: RecordStore, tmp_path: Path, named: tuple[str, ...]
):
    bench = bench_of(replace(DESIGN, target_classes=named), simulated_store, None, tmp_path)
    with pytest.raises(ValueError, match=f"{named[-1]}: no class of the task superdiagnostic; expected some of NORM"):
        schedule_of(bench, ("mixup",), SETTINGS, HOUR, workers=1)
