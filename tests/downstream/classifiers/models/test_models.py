"""Every classifier: shapes, signals of any length, what it refuses, the folder it is kept in, and that it learns."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from vqecg.downstream.classifiers.metrics import classification_metrics
from vqecg.downstream.classifiers.models.interface import ClassifierConfig, LabelAware, check_odd, check_positive
from vqecg.downstream.classifiers.models.registry import CLASSIFIERS, JUDGES, classifier_class
from vqecg.downstream.classifiers.settings import recipe
from vqecg.downstream.classifiers.thresholds import FIXED
from vqecg.downstream.classifiers.training import LabelledSignals, initial_classifier, predict, train_classifier
from vqecg.records.leads import INDEPENDENT_LEADS

NAMES = ("NORM", "MI", "HYP")
TINY: dict[str, dict[str, Any]] = {  # settings of each that make it small
    "resnet": {"stem_width": 4, "widths": (4, 8), "blocks": (1, 2)},
    "attention-rnn": {"widths": (4, 8), "hidden": 6, "attention": 4},
    "resnet18": {"stem_width": 4, "widths": (4, 4, 8, 8)},
    "xresnet1d101": {"stem_widths": (4, 4, 8), "width": 4, "blocks": (1, 2), "hidden": 8},
    "bi-lstm": {"width": 8, "hidden": 6},
    "s4d": {"width": 16, "states": 4, "layers": 2},
    "label-correlation": {"stem_width": 4, "widths": (4, 8, 8), "pools": (5, 5, 1), "squeeze": 1, "decoder_width": 8},
    "zhang-sun": {
        **{"stem_width": 4, "stem_kernel": 5, "widths": (4, 8, 8), "pools": (5, 5, 1), "squeeze": 1},
        **{"decoder_width": 8, "decoder_layers": 2, "hidden": 8},
    },
}


def tiny_model(name: str, **changes: Any) -> Any:
    return initial_classifier(name, {"class_names": NAMES, **TINY[name], **changes}, 0).eval()


def signal(samples: int = 250, leads: int = 8) -> torch.Tensor:
    return torch.randn(3, leads, samples, generator=torch.Generator().manual_seed(1))


def test_every_classifier_is_tested_and_has_a_recipe():
    assert set(TINY) == set(CLASSIFIERS.names())
    assert set(JUDGES) <= set(TINY)
    for name, kind in CLASSIFIERS:
        assert recipe(name).model == name and recipe(name).fit.warmup_steps < recipe(name).fit.steps
        assert kind.help and f"{name}: {kind.help}" in CLASSIFIERS.listing()
    with pytest.raises(ValueError, match=", ".join(CLASSIFIERS.names())):
        recipe("transformer")


def test_the_registry_lists_its_names_for_another():
    with pytest.raises(ValueError, match=", ".join(CLASSIFIERS.names())):
        classifier_class("transformer")


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("samples", [1, 64, 250, 999, 1000])
def test_a_signal_of_any_length_gives_one_logit_a_class(name: str, samples: int):
    model = tiny_model(name)
    assert model(signal(samples)).shape == (3, 3)
    assert model.features(signal(samples)).shape[0] == 3 and model.features(signal(samples)).ndim == 2
    assert torch.isfinite(model(signal(samples))).all()


@pytest.mark.parametrize("name", TINY)
def test_a_record_does_not_depend_on_the_others_of_its_batch(name: str):
    model = tiny_model(name)
    assert torch.allclose(model(signal())[:1], model(signal()[:1]), atol=1e-4)


@pytest.mark.parametrize("name", TINY)
def test_voltage_reaches_the_features(name: str):
    model = tiny_model(name)
    assert not torch.allclose(model.features(signal()), model.features(3 * signal()), rtol=0.05, atol=1e-4)


@pytest.mark.parametrize("name", TINY)
def test_every_parameter_gets_a_gradient(name: str):
    model = tiny_model(name).train()
    # a block whose last norm is 0 passes nothing to what lies before it at the first step
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.ones_(module.weight)
    model(signal()).square().sum().backward()
    silent = [key for key, one in model.named_parameters() if one.grad is None or not one.grad.abs().sum() > 0]
    assert not silent


@pytest.mark.parametrize("name", TINY)
def test_half_precision_gives_the_features_of_float32(name: str):
    # of full size: which kernel does a convolution in bf16 depends on it, and one of them is wrong (docs/log.md)
    model: Any = initial_classifier(name, {"class_names": NAMES}, 0).eval()
    with torch.no_grad():
        expected = model.features(signal(500) / 3)
        with torch.autocast("cpu", torch.bfloat16):
            found = model.features(signal(500) / 3).float()
    assert float((found - expected).norm() / expected.norm()) < 0.05


@pytest.mark.parametrize("name", TINY)
def test_a_saved_model_comes_back_with_the_same_output(name: str, tmp_path):
    model = tiny_model(name)
    if isinstance(model, LabelAware):
        model.learn_labels(np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]]))
    model.save_pretrained(tmp_path)
    again = classifier_class(name).from_pretrained(tmp_path)
    assert again.config == model.config
    assert torch.equal(again(signal()), model(signal()))


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("shape", [(8, 250), (3, 12, 250), (3, 8, 0)])
def test_another_shape_is_refused_with_the_leads_named(name: str, shape: tuple[int, ...]):
    with pytest.raises(ValueError, match="expected \\(batch, 8, samples\\) in mV with the leads I, II, V1"):
        tiny_model(name)(torch.zeros(shape))


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("names", [(), ("MI", "MI")])
def test_class_names_are_at_least_one_and_different(name: str, names: tuple[str, ...]):
    kind: Any = classifier_class(name).config_class
    with pytest.raises(ValueError, match="at least one name and none twice"):
        kind(class_names=names)


@pytest.mark.parametrize("name", TINY)
def test_configs_start_with_the_shared_fields(name: str):
    kind: Any = classifier_class(name).config_class
    shared = [field.name for field in dataclasses.fields(ClassifierConfig)]
    assert [field.name for field in dataclasses.fields(kind)][: len(shared)] == shared
    assert kind(class_names=NAMES).leads == INDEPENDENT_LEADS


def test_checks_name_what_came():
    with pytest.raises(ValueError, match="stem is 4; expected odd"):
        check_odd(kernel=3, stem=4)
    with pytest.raises(ValueError, match=r"widths is \(\); expected 1 or more"):
        check_positive(hidden=1, widths=())


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_it_learns_the_height_of_waves(name: str):
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, (192, 1)).astype(np.float32)
    times = np.arange(200) / 100 + generator.random((192, 1, 1))
    waves = (0.2 + 0.4 * labels[:, :, None]) * np.sin(2 * np.pi * 3 * times)
    data = (waves + generator.normal(scale=0.05, size=(192, 8, 200))).astype(np.float32)
    fit = dataclasses.replace(recipe(name).fit, steps=60, batch_size=32, warmup_steps=5, learning_rate=3e-3, patience=0)
    settings = dataclasses.replace(recipe(name), fit=fit, threshold_policy=FIXED)
    learned = LabelledSignals(data[:128], labels[:128])
    trained = train_classifier(learned, settings, ("tall",), 0, progress=False, model_settings=TINY[name])
    found = classification_metrics(labels[128:], predict(trained.model, data[128:]), 0.5, ("tall",), FIXED)
    assert found.macro["auroc"] > 0.97
