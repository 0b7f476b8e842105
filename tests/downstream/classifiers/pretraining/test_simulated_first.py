"""Pretraining on simulated records: their labels, the control, and the same bits from the same seed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vqecg.downstream.classifiers.pretraining.registry import PretrainingRecords
from vqecg.downstream.classifiers.pretraining.settings import (
    PRETRAINING_FIT,
    PretrainingSettings,
    SimulatedSettings,
)
from vqecg.downstream.classifiers.pretraining.simulated_first import SimulatedFirst, SimulatedFirstShuffled
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.training import initial_classifier
from vqecg.records.labels import LabelTask

FIT = replace(PRETRAINING_FIT, steps=3, batch_size=8, warmup_steps=1, evaluate_every=2)
SETTINGS = PretrainingSettings(simulated=SimulatedSettings(FIT, records=20))
SMALL = {"stem_width": 4, "widths": (4, 8), "blocks": (1, 1)}


def records(task: LabelTask) -> PretrainingRecords:
    nothing = np.zeros((1, len(task.class_names)))
    signals = np.zeros((1, 8, 1000), np.float32)
    return PretrainingRecords(
        signals, nothing, np.array(["1"]), 100, task, ClassifierSettings(crop_seconds=1.0), SETTINGS
    )


def trained(pretraining: SimulatedFirst, folder: Path | None = None) -> torch.Tensor:
    model = initial_classifier("resnet", {"class_names": pretraining.task.class_names, **SMALL}, 0)
    pretraining.train(model, 1, folder, progress=False)
    return torch.cat([tensor.flatten().float() for tensor in model.state_dict().values()])


def test_simulated_records_are_of_the_length_and_labels_of_the_task_and_train_to_the_same_bits(tmp_path: Path):
    task = LabelTask.named("superdiagnostic")
    pretraining = SimulatedFirst(records(task))
    assert pretraining.signals[np.arange(20)].shape == (20, 8, 1000)
    assert np.isin(pretraining.labels, (0, 1)).all() and pretraining.labels.sum() >= 15
    weights = trained(pretraining)
    assert torch.equal(weights, trained(SimulatedFirst(records(task)), tmp_path))
    control = SimulatedFirstShuffled(records(task))
    assert sorted(map(tuple, control.labels)) == sorted(map(tuple, pretraining.labels))
    assert not np.array_equal(control.labels, pretraining.labels) and control.identity != pretraining.identity
    assert not torch.equal(weights, trained(control))
    assert "20 simulated records" in pretraining.note and "labels of others" in control.note


def test_a_class_that_cannot_be_simulated_is_unknown():
    task = LabelTask.named("all")
    labels = SimulatedFirst(records(task)).labels
    assert np.isnan(labels[:, task.class_names.index("WPW")]).all()
    assert np.isin(labels[:, task.class_names.index("IMI")], (0, 1)).all()


@pytest.mark.bad_input("task")
def test_a_task_without_a_simulated_class_is_refused():
    with pytest.raises(ValueError, match="simulator knows no class"):
        SimulatedFirst(records(LabelTask.own([{"elsewhere": 100.0}])))
