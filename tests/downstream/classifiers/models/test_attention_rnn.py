"""The attention RNN: that moments are weighed in order, and its size. What all classifiers share is in test_models."""

import dataclasses

import pytest
import torch

from vqecg.downstream.classifiers.models.attention_rnn import AttentionRNNClassifier, AttentionRNNConfig
from vqecg.downstream.classifiers.models.resnet import ResNetClassifier, ResNetConfig

TINY = AttentionRNNConfig(class_names=("NORM", "MI", "HYP"), widths=(4, 8), hidden=6, attention=4)


def signal(samples: int) -> torch.Tensor:
    return torch.randn(3, 8, samples, generator=torch.Generator().manual_seed(1))


def test_ten_seconds_at_100_hz_are_32_recurrent_steps() -> None:
    model = AttentionRNNClassifier(AttentionRNNConfig(class_names=("MI",)))
    assert model.convolutions(signal(1000)).shape[2] == 32


def test_the_order_of_moments_reaches_the_output() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AttentionRNNClassifier(TINY).eval()
    forwards = signal(250)
    assert not torch.allclose(model.features(forwards), model.features(forwards.flip(2)), rtol=0.1)


@pytest.mark.parametrize("change", [{"widths": ()}, {"hidden": 0}, {"kernel_size": 4}])
def test_settings_that_make_no_model_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        dataclasses.replace(TINY, **change)


def test_it_is_of_the_resnets_size_class() -> None:
    models = (AttentionRNNClassifier(AttentionRNNConfig(("MI",))), ResNetClassifier(ResNetConfig(("MI",))))
    own, resnet = (sum(one.numel() for one in model.parameters()) for model in models)
    assert 0.3 < own / resnet < 3
