"""The attention RNN: shapes, that moments are weighed in order, what it refuses, and the folder it is kept in."""

import dataclasses

import pytest
import torch

from vqecg.downstream.models import CLASSIFIERS, classifier_class
from vqecg.downstream.models.attention_rnn import AttentionRNNClassifier, AttentionRNNConfig

TINY = AttentionRNNConfig(class_names=("NORM", "MI", "HYP"), widths=(4, 8), hidden=6, attention=4)


def tiny_model() -> AttentionRNNClassifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return AttentionRNNClassifier(TINY).eval()


def signal(samples: int = 250, leads: int = 8) -> torch.Tensor:
    return torch.randn(3, leads, samples, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("samples", [1, 64, 250, 999, 1000])
def test_a_signal_of_any_length_gives_one_logit_a_class(samples: int) -> None:
    model = tiny_model()
    assert model(signal(samples)).shape == (3, 3)
    assert model.features(signal(samples)).shape == (3, 12)


def test_ten_seconds_at_100_hz_are_32_recurrent_steps() -> None:
    model = AttentionRNNClassifier(AttentionRNNConfig(class_names=("MI",)))
    assert model.convolutions(signal(1000)).shape[2] == 32


def test_the_order_of_moments_reaches_the_output() -> None:
    model, forwards = tiny_model(), signal()
    assert not torch.allclose(model.features(forwards), model.features(forwards.flip(2)), rtol=0.1)


def test_voltage_reaches_the_output() -> None:
    model = tiny_model()
    assert not torch.allclose(model.features(signal()), model.features(3 * signal()), rtol=0.1)


def test_every_parameter_gets_a_gradient() -> None:
    model = tiny_model().train()
    model(signal()).square().sum().backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in model.parameters())


def test_a_saved_model_comes_back_with_the_same_output(tmp_path) -> None:
    model = tiny_model()
    model.save_pretrained(tmp_path)
    again = AttentionRNNClassifier.from_pretrained(tmp_path)
    assert again.config == TINY
    assert torch.equal(again(signal()), model(signal()))


@pytest.mark.parametrize("shape", [(8, 250), (3, 12, 250), (3, 8, 0)])
def test_another_shape_is_refused_with_the_leads_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected \\(batch, 8, samples\\) in mV with the leads I, II, V1"):
        tiny_model()(torch.zeros(shape))


@pytest.mark.parametrize(
    "change", [{"class_names": ()}, {"class_names": ("MI", "MI")}, {"widths": ()}, {"hidden": 0}, {"kernel_size": 4}]
)
def test_settings_that_make_no_model_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        dataclasses.replace(TINY, **change)


def test_it_is_of_the_resnets_size_class() -> None:
    counts = {
        name: sum(one.numel() for one in kind(kind.config_class(class_names=("MI",) * 1)).parameters())
        for name, kind in CLASSIFIERS.items()
    }
    assert classifier_class("attention-rnn") is AttentionRNNClassifier
    assert 0.3 < counts["attention-rnn"] / counts["resnet"] < 3
