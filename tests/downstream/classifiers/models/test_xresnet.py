"""xresnet1d101: layers and sizes as in ecg_ptbxl_benchmarking. What all classifiers share is in test_models."""

import torch

from vqecg.downstream.classifiers.models.xresnet import Bottleneck, XResNetClassifier, XResNetConfig


def test_it_has_the_layers_and_widths_of_the_benchmark() -> None:
    model = XResNetClassifier(XResNetConfig(class_names=("MI", "HYP")))
    layers = [name for name, module in model.body.named_modules() if isinstance(module, torch.nn.Conv1d)]
    assert sum("shortcut" not in name for name in layers) == 3 + 3 * (3 + 4 + 23 + 3)  # 101 with head and pooling
    assert model.hidden[2].in_features == 2 * 256 and model.hidden[2].out_features == 128
    assert model.body(torch.zeros(2, 8, 1000)).shape == (2, 256, 32)


def test_a_bottleneck_starts_as_its_shortcut() -> None:
    block = Bottleneck(8, 2, 4, 5, stride=1)
    x = torch.randn(2, 8, 30)
    assert torch.equal(block(x), x.relu())
