"""The mixture of logistics: its density is one, and draws follow it."""

import pytest
import torch
from scipy.stats import kstest

from vqecg.prior.sketch.mixture import LogisticMixture, uniform_noise


def mixture() -> LogisticMixture:
    """Two components, a narrow one at -1 and a wide one at 2."""
    weight = torch.tensor([0.3, 0.7]).log()
    return LogisticMixture(weight, torch.tensor([-1.0, 2.0]), torch.tensor([0.1, 0.5]))


def test_the_density_is_the_slope_of_the_survival_and_sums_to_one():
    grid = torch.linspace(-15, 20, 70_001, dtype=torch.float64)
    density = mixture().log_density(grid).exp()
    assert float(torch.trapezoid(density, grid)) == pytest.approx(1, abs=1e-4)
    survival = mixture().log_survival(grid).exp()
    slope = -torch.gradient(survival, spacing=(grid,))[0]
    torch.testing.assert_close(slope[1:-1], density[1:-1], atol=1e-4, rtol=0)


def test_draws_follow_the_distribution():
    noise = uniform_noise([[0]], 4000)[0]
    parts = mixture()
    many = LogisticMixture(*(value.expand(4000, 2) for value in (parts.log_weight, parts.mean, parts.scale)))
    drawn = many.draw(noise)
    chance = kstest(drawn.numpy(), lambda x: 1 - parts.log_survival(torch.as_tensor(x)).exp().numpy()).pvalue
    assert chance > 0.01


def test_noise_of_zero_and_almost_one_draws_a_finite_number():
    for noise in (torch.zeros(2), torch.full((2,), 1 - 1e-7)):
        assert bool(mixture().draw(noise).isfinite())


def test_a_stream_begins_alike_whatever_its_length_and_its_neighbours():
    assert torch.equal(uniform_noise([[1, 2], [3, 4]], 9)[1, :5], uniform_noise([[3, 4]], 5)[0])
    assert uniform_noise([], 5).shape == (0, 5, 2)
