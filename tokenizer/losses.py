"""Losses between an ECG and its reconstruction, on the twelve leads that a reader sees."""

from dataclasses import dataclass

from torch import Tensor

from vqecg.records.leads import twelve_leads

ENERGY_FLOOR = 0.1  # of the batch's mean energy: keeps records of very low voltage from ruling the gradient


@dataclass(frozen=True)
class ReconstructionLoss:
    """Scalars, means over the records of a batch."""

    time: Tensor  # error energy over signal energy
    slope: Tensor  # the same of the first difference


def reconstruction_loss(signal: Tensor, reconstruction: Tensor) -> ReconstructionLoss:
    """Relative squared error of (batch, 8, samples) mV on the twelve leads, in the signal and in its slope.

    Relative to each record's own mean-free energy, as PRD is: a record of low voltage counts as much as one of high.
    """
    original, error = twelve_leads(signal), twelve_leads(reconstruction - signal)
    return ReconstructionLoss(
        relative_energy(error, original), relative_energy(error.diff(dim=-1), original.diff(dim=-1))
    )


def relative_energy(error: Tensor, original: Tensor) -> Tensor:
    """Mean over records of mean squared error over variance: (batch, leads, samples) twice -> scalar."""
    variance = (original - original.mean(-1, keepdim=True)).square().mean((1, 2))
    return (error.square().mean((1, 2)) / (variance + ENERGY_FLOOR * variance.mean() + 1e-8)).mean()
