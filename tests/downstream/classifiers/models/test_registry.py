"""A classifier from outside the package: one file, found by its name in the library, the command line and workers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from vqecg.downstream.classifiers.models.registry import CLASSIFIERS, classifier_class
from vqecg.downstream.classifiers.settings import for_model, recipe
from vqecg.downstream.classifiers.training import LabelledSignals, predict, train_classifier
from vqecg.records.files.worker_pool import run_tasks
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main

EXTENSION = '''\
"""A classifier that sees the mean and the spread of each lead."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from vqecg.downstream.classifiers.models.interface import Classifier, ClassifierConfig, Recipe, scaled
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS


@dataclass(frozen=True)
class MomentsConfig(ClassifierConfig):
    hidden: int = 8  # units


@CLASSIFIERS.register("mine")
class MomentsClassifier(Classifier):
    config_class = MomentsConfig
    help = "mean and spread of each lead"
    recipe: ClassVar[Recipe] = {"fit.steps": 6, "fit.warmup_steps": 1, "fit.evaluate_every": 3}

    def __init__(self, config: MomentsConfig) -> None:
        super().__init__()
        self.config = config
        self.hidden = nn.Linear(2 * len(config.leads), config.hidden)
        self.head = nn.Linear(config.hidden, len(config.class_names))

    def features(self, signal: Tensor) -> Tensor:
        x = scaled(signal, self.config)
        return torch.relu(self.hidden(torch.cat([x.mean(dim=-1), x.std(dim=-1)], dim=1)))

    def forward(self, signal: Tensor) -> Tensor:
        return self.head(self.features(signal))
'''


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file, named as the environment names it; its entry is taken out again."""
    path = tmp_path_factory.mktemp("extension") / "moments_classifier.py"
    path.write_text(EXTENSION, encoding="utf-8")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VQECG_EXTENSIONS", str(path))
        yield path
    CLASSIFIERS.remove("mine")


@dataclass(frozen=True)
class Training:
    """Trains "mine" on noise: in this process or in another one."""

    seed: int

    def __call__(self) -> np.ndarray:
        generator = np.random.default_rng(0)
        signals = generator.normal(size=(16, 8, 100)).astype(np.float32)
        labels = (signals.std(axis=(1, 2)) > 1)[:, None].astype(np.float32)
        data = LabelledSignals(signals, labels)
        trained = train_classifier(data, recipe("mine"), ("loud",), self.seed, data, progress=False)
        return predict(trained.model, signals)


def test_it_is_known_with_its_recipe(extension: Path):
    assert len(EXTENSION.splitlines()) < 40
    assert CLASSIFIERS.names()[-1] == "mine", "after those of the package"
    assert classifier_class("mine").__name__ == "MomentsClassifier"
    assert recipe("mine").fit.steps == 6 and recipe("mine").crop_seconds == 5.0
    assert for_model("mine", recipe("resnet")) == recipe("mine")


@pytest.mark.slow
def test_it_is_trained_here_and_in_worker_processes(extension: Path):
    here = [Training(seed)() for seed in (0, 1)]
    there = run_tasks([Training(seed) for seed in (0, 1)], workers=2, progress=False)
    assert np.allclose(here, there, atol=1e-5) and not np.array_equal(*here)


def test_the_command_line_trains_it(extension: Path, simulated_store: RecordStore, tmp_path: Path):
    words = ["--store", simulated_store.folder, "--out", tmp_path / "mine", "--training.model", "mine"]
    assert main(["train-classifier", *map(str, words)]) == 0
    assert json.loads((tmp_path / "mine" / "config.json").read_text())["class"] == "MomentsClassifier"
    assert classifier_class("mine").from_pretrained(tmp_path / "mine").config.hidden == 8
