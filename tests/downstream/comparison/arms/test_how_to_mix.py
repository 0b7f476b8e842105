"""Every way to mix, and what a simulator knows, trained and judged in one comparison."""

from pathlib import Path

import numpy as np
import pytest

from vqecg.downstream.augmentation.methods.registry import AugmentationSettings
from vqecg.downstream.augmentation.stream import StreamSettings
from vqecg.downstream.classifiers.pretraining.settings import PretrainingSettings, SimulatedSettings
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.comparison.arms.control_settings import ControlSettings
from vqecg.downstream.comparison.arms.how_to_mix import WAYS
from vqecg.downstream.comparison.comparison import finish_runs, judge
from vqecg.downstream.comparison.design import Design, fill_design, plan_design
from vqecg.downstream.comparison.results import Analysis
from vqecg.downstream.comparison.runs import RunTask
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.training.fit import FitSettings

FIT = FitSettings(steps=2, batch_size=8, warmup_steps=1)
ARMS = (
    *(f"mixture, {way}" for way in WAYS),
    *("mixture of shuffled labels, flagged", "mixture of simulated hearts", "mixture of textbook hearts"),
    *("simulated first", "simulated first, shuffled labels", "axis rotation", "textbook hearts"),
)


@pytest.mark.slow
def test_all_arms_train_and_are_judged(simulated_store: RecordStore, tiny_generator: ECGGenerator, tmp_path: Path):
    simulated = SimulatedSettings(FIT, records=20)
    design = Design(
        arms=ARMS,
        target_classes=("HYP",),
        ratio=0.4,
        seeds=(3,),
        augmentation=AugmentationSettings(least=1, attempts=1),
        stream=StreamSettings(times=0.1),
        training=ClassifierSettings(fit=FIT, crop_seconds=1.0),
        controls=ControlSettings(pretraining=PretrainingSettings(simulated=simulated)),
        analysis=Analysis(main_arm="mixture, falling share", replicates=20),
    )
    ready = fill_design(design, plan_design(design, simulated_store, tiny_generator), tmp_path)
    runs = {run.keyed_slug: RunTask(run, tmp_path / run.keyed_slug) for run in ready.runs}
    assert len(runs) == len(ARMS) + 2
    done = finish_runs(runs, 1, False, "")
    finished = [done[run.keyed_slug] for run in ready.runs]
    scores = np.stack([run.test_scores for run in finished])
    assert len(np.unique(scores.round(9), axis=0)) == len(runs), "no two arms are the same"
    judged = judge([ready], [finished])
    assert set(ARMS) <= set(judged.differences["arm"])
