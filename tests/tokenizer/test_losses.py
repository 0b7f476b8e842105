"""The reconstruction loss: relative to each record's energy, on twelve leads, in signal and slope."""

import pytest
import torch

from vqecg.records.leads import twelve_leads
from vqecg.tokenizer.losses import ENERGY_FLOOR, reconstruction_loss, relative_energy


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_perfect_reconstruction_costs_nothing():
    signal = noise(3, 8, 50)
    loss = reconstruction_loss(signal, signal)
    assert loss.time == 0 and loss.slope == 0


def test_the_time_loss_of_one_record_is_error_energy_over_variance_on_twelve_leads():
    signal, error = noise(1, 8, 400), 0.1 * noise(1, 8, 400, seed=1)
    original = twelve_leads(signal)
    variance = (original - original.mean(-1, keepdim=True)).square().mean()
    expected = twelve_leads(error).square().mean() / (variance * (1 + ENERGY_FLOOR))
    assert float(reconstruction_loss(signal, signal + error).time) == pytest.approx(float(expected), rel=1e-4)


def test_a_record_of_low_voltage_counts_nearly_as_much_as_one_of_high():
    signal = noise(1, 12, 300).repeat(2, 1, 1) * torch.tensor([1.0, 0.5])[:, None, None]
    first, second = signal * torch.tensor([0.1, 0.0])[:, None, None], signal * torch.tensor([0.0, 0.1])[:, None, None]
    high, low = relative_energy(first, signal), relative_energy(second, signal)
    assert 0.7 < float(low / high) < 1


def test_a_flat_record_gives_a_finite_loss_and_gradient():
    reconstruction = noise(2, 8, 50).requires_grad_()
    loss = reconstruction_loss(torch.zeros(2, 8, 50), reconstruction)
    (loss.time + loss.slope).backward()
    assert reconstruction.grad is not None and bool(reconstruction.grad.isfinite().all())


def test_a_shifted_baseline_costs_in_time_but_not_in_slope():
    signal = noise(2, 8, 100)
    loss = reconstruction_loss(signal, signal + 0.5)
    assert loss.time > 0.1 and float(loss.slope) == pytest.approx(0, abs=1e-10)


def test_errors_in_limb_leads_count_more_for_being_in_six_of_the_twelve():
    signal = noise(2, 8, 400)
    limb, chest = torch.zeros_like(signal), torch.zeros_like(signal)
    limb[:, 0], chest[:, 2] = 0.1, 0.1
    assert reconstruction_loss(signal, signal + limb).time > 2 * reconstruction_loss(signal, signal + chest).time
