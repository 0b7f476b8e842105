"""The ResNet classifiers: their layers, and the settings they refuse. What all classifiers share is in test_models."""

import dataclasses

import pytest
import torch

from vqecg.downstream.classifiers.models.resnet import (
    ResNet18Classifier,
    ResNet18Config,
    ResNetClassifier,
    ResNetConfig,
)

TINY = ResNetConfig(class_names=("NORM", "MI", "HYP"), stem_width=4, widths=(4, 8), blocks=(1, 2))


def test_resnet18_has_the_18_layers_and_the_widths_of_a_resnet_18() -> None:
    model = ResNet18Classifier(ResNet18Config(class_names=("MI",)))
    layers = [name for name, module in model.named_modules() if isinstance(module, (torch.nn.Conv1d, torch.nn.Linear))]
    assert sum("shortcut" not in name for name in layers) == 18
    assert model.features(torch.zeros(1, 8, 250)).shape == (1, 512)


def test_features_are_as_many_as_the_last_stage_is_wide() -> None:
    assert ResNetClassifier(TINY).features(torch.zeros(3, 8, 250)).shape == (3, 8)


@pytest.mark.parametrize("change", [{"blocks": (1,)}, {"kernel_size": 6}, {"stem_kernel": 8}])
def test_settings_that_make_no_model_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        dataclasses.replace(TINY, **change)
