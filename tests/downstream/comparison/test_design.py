"""How a design becomes a comparison that is ready to run: other draws for every seed, the same labels in every arm."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from vqecg.downstream.augmentation.methods.registry import AugmentationSettings
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.downstream.comparison.design import Design, fill_design, plan_design
from vqecg.downstream.comparison.results import Analysis
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore

DESIGN = Design(
    arms=("prior samples",),
    target_classes=("HYP",),
    folds=FoldSplit((1, 2, 3, 4, 5, 6, 7, 8), (9,), (10,)),
    seeds=(0, 3),
    training=ClassifierSettings(fit=replace(CLASSIFIER_FIT, steps=2, batch_size=8, warmup_steps=1, evaluate_every=2)),
    augmentation=AugmentationSettings(least=1, attempts=1),
    analysis=Analysis(replicates=20),
)


def test_every_seed_has_draws_of_its_own_and_its_arms_add_the_same_labels(
    simulated_store: RecordStore, tiny_generator: ECGGenerator, tmp_path: Path
):
    planned = plan_design(DESIGN, simulated_store, tiny_generator)
    ready = fill_design(DESIGN, planned, tmp_path)
    assert list(ready.arms) == [0, 3] and [run.seed for run in ready.runs] == [0, 3, 0, 3, 0, 3]
    for arms in ready.arms.values():
        _, copies, made = arms
        assert copies.name == "duplication" and made.name == "prior samples"
        np.testing.assert_array_equal(copies.labels, made.labels)
    assert len(set(ready.prepared.added.values())) == 4, "copies and samples, other ones for each seed"
    data = [run.identity["data"] for run in ready.runs]
    assert data[0] == data[1] and data[2] != data[3] and data[4] != data[5]
    assert len(list(tmp_path.glob("*.npz"))) == 2
    written = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = fill_design(DESIGN, plan_design(DESIGN, simulated_store, tiny_generator), tmp_path)
    assert [run.identity for run in again.runs] == [run.identity for run in ready.runs]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written
