"""A pretraining that is done once: the same bits as if each run did it, and a file for each set of inputs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vqecg.downstream.classifiers.pretraining.registry import PretrainingRecords
from vqecg.downstream.classifiers.pretraining.settings import PRETRAINING_FIT, PretrainingSettings, SimulatedSettings
from vqecg.downstream.classifiers.pretraining.shared import SharedPretraining
from vqecg.downstream.classifiers.pretraining.simulated_first import SimulatedFirst
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.training import initial_classifier
from vqecg.records.labels import LabelTask

FIT = replace(PRETRAINING_FIT, steps=3, batch_size=8, warmup_steps=1, evaluate_every=2)
SMALL = {"stem_width": 4, "widths": (4, 8), "blocks": (1, 1)}
TASK = LabelTask.named("superdiagnostic")


@pytest.fixture(scope="module")
def pretraining() -> SimulatedFirst:
    nothing, signals = np.zeros((1, 5)), np.zeros((1, 8, 1000), np.float32)
    settings = PretrainingSettings(simulated=SimulatedSettings(FIT, records=20))
    classifier = ClassifierSettings(crop_seconds=1.0)
    return SimulatedFirst(PretrainingRecords(signals, nothing, np.array(["1"]), 100, TASK, classifier, settings))


def new_model(seed: int = 0) -> nn.Module:
    return initial_classifier("resnet", {"class_names": TASK.class_names, **SMALL}, seed)


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([tensor.flatten().float() for tensor in model.state_dict().values()])


def test_the_second_run_reads_what_the_first_one_wrote(pretraining: SimulatedFirst, tmp_path: Path):
    alone, first, second = (new_model() for _ in range(3))
    pretraining.train(alone, 1, progress=False)
    shared = SharedPretraining(pretraining, tmp_path, {"pretraining": pretraining.identity})
    shared.train(first, 1, progress=False)
    (path,) = tmp_path.iterdir()
    written = path.stat().st_mtime_ns
    shared.train(second, 1, progress=False)
    assert torch.equal(weights(alone), weights(first)) and torch.equal(weights(first), weights(second))
    assert path.stat().st_mtime_ns == written


def test_other_seeds_weights_and_settings_have_files_of_their_own(pretraining: SimulatedFirst, tmp_path: Path):
    shared = SharedPretraining(pretraining, tmp_path, {"pretraining": pretraining.identity})
    other = replace(shared, about={"pretraining": "another"})
    places = [shared.path(new_model(), 1), shared.path(new_model(), 2), shared.path(new_model(5), 1)]
    assert len({*places, other.path(new_model(), 1)}) == 4


def test_a_damaged_file_is_refused(pretraining: SimulatedFirst, tmp_path: Path):
    shared = SharedPretraining(pretraining, tmp_path, {})
    shared.path(new_model(), 1).write_bytes(b"nothing")
    with pytest.raises(ValueError, match="holds no weights that can be read"):
        shared.train(new_model(), 1, progress=False)
