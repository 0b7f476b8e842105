"""The ResNet classifier: shapes, what it refuses, and the folder it is kept in."""

import dataclasses

import pytest
import torch

from vqecg.downstream.models import CLASSIFIERS, classifier_class
from vqecg.downstream.models.resnet import ResNetClassifier, ResNetConfig

TINY = ResNetConfig(class_names=("NORM", "MI", "HYP"), stem_width=4, widths=(4, 8), blocks=(1, 2))


def tiny_model() -> ResNetClassifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ResNetClassifier(TINY)


def signal(samples: int = 250, leads: int = 8) -> torch.Tensor:
    return torch.randn(3, leads, samples, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("samples", [64, 250, 999, 1000])
def test_a_signal_of_any_length_gives_one_logit_a_class(samples: int) -> None:
    model = tiny_model().eval()
    assert model(signal(samples)).shape == (3, 3)
    assert model.features(signal(samples)).shape == (3, 8)


def test_blocks_2_2_2_2_have_the_18_layers_of_a_resnet_18() -> None:
    model = ResNetClassifier(dataclasses.replace(TINY, widths=(4, 8, 12, 16), blocks=(2, 2, 2, 2)))
    layers = [name for name, module in model.named_modules() if isinstance(module, (torch.nn.Conv1d, torch.nn.Linear))]
    assert sum("shortcut" not in name for name in layers) == 18


def test_voltage_reaches_the_output() -> None:
    model = tiny_model().eval()
    assert not torch.allclose(model.features(signal()), model.features(2 * signal()), rtol=0.1)


def test_a_saved_model_comes_back_with_the_same_output(tmp_path) -> None:
    model = tiny_model().eval()
    model.save_pretrained(tmp_path)
    again = ResNetClassifier.from_pretrained(tmp_path)
    assert again.config == TINY
    assert torch.equal(again(signal()), model(signal()))


@pytest.mark.parametrize("shape", [(8, 250), (3, 12, 250), (3, 8, 0)])
def test_another_shape_is_refused_with_the_leads_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected \\(batch, 8, samples\\) in mV with the leads I, II, V1"):
        tiny_model()(torch.zeros(shape))


@pytest.mark.parametrize(
    "change", [{"class_names": ()}, {"class_names": ("MI", "MI")}, {"blocks": (1,)}, {"kernel_size": 6}]
)
def test_settings_that_make_no_model_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        dataclasses.replace(TINY, **change)


def test_the_registry_knows_the_resnet_and_lists_its_names_for_another() -> None:
    assert classifier_class("resnet") is ResNetClassifier
    with pytest.raises(ValueError, match=", ".join(sorted(CLASSIFIERS))):
        classifier_class("transformer")
