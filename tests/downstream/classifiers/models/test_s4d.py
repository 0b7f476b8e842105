"""The state-space model: its convolution is the recurrence it stands for, in both directions, over any length."""

import dataclasses

import numpy as np
import pytest
import torch

from vqecg.downstream.classifiers.models.s4d import S4DConfig, StateSpaceKernel, StateSpaceLayer
from vqecg.training.fit import FitSettings, make_optimizer

TINY = S4DConfig(class_names=("MI",), width=3, states=4, layers=1)


def layer() -> StateSpaceLayer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return StateSpaceLayer(TINY).eval()


def test_the_kernel_is_the_response_of_the_discretised_system() -> None:
    kernel = StateSpaceKernel(2, 4, 0.01, 0.1)
    rate = -np.exp(kernel.log_decay.detach().numpy()) + 1j * kernel.frequency.detach().numpy()
    weight = (kernel.weight_real + 1j * kernel.weight_imaginary).detach().numpy().reshape(2, 4)
    step = np.exp(kernel.log_step.detach().numpy())[:, None]
    rate = rate.reshape(2, 4)
    state, expected = (np.exp(rate * step) - 1) / rate, []
    for _ in range(50):
        expected.append(2 * (weight * state).sum(axis=1).real)
        state = np.exp(rate * step) * state
    np.testing.assert_allclose(kernel(50).detach().numpy(), np.array(expected).T, rtol=1e-3, atol=1e-5)


def test_it_starts_as_s4d_lin() -> None:
    kernel = StateSpaceKernel(2, 4, 0.01, 0.1)
    assert (-kernel.log_decay.exp()).tolist() == pytest.approx([-0.5] * 8)
    assert kernel.frequency.tolist() == pytest.approx(list(np.pi * np.arange(4)) * 2)
    steps = kernel.log_step.exp()
    assert steps.min() >= 0.01 and steps.max() <= 0.1


def test_the_fft_convolution_is_the_sum_over_past_and_future() -> None:
    own, u = layer(), torch.randn(2, 3, 20)
    forwards, backwards = own.kernel(20).chunk(2)
    expected = own.direct[:, None] * u
    for now in range(20):
        for then in range(20):
            weight = forwards[:, now - then] if then <= now else backwards[:, then - now]
            expected[:, :, now] = expected[:, :, now] + weight * u[:, :, then]
    assert torch.allclose(own.respond(u), expected, atol=1e-4)


def test_half_precision_does_not_reach_the_convolution() -> None:
    own, u = layer(), torch.randn(2, 3, 20)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(own.respond(u), own.respond(u.double().float()))


def test_weight_decay_leaves_the_systems_alone() -> None:
    own = layer()
    decayed = {id(one) for group in make_optimizer(own, FitSettings()).param_groups[:1] for one in group["params"]}
    assert decayed == {id(own.mix.weight)}


@pytest.mark.parametrize("change", [{"layers": 0}, {"states": 0}, {"shortest_step": 0.0}, {"longest_step": 1e-4}])
def test_settings_that_make_no_model_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        dataclasses.replace(TINY, **change)
