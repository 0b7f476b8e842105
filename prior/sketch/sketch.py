"""The sketch of a record: its traits and R peak times. It is drawn first; the codes are then written for it."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sketch:
    """Traits and R peak times of a batch of records, known before their codes."""

    times: Tensor  # (batch, beats) float32, R peaks in frames from the record's start, NaN-padded
    traits: Tensor  # (batch, traits) float32, in standard deviations of the training records

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, rows: slice | Tensor) -> "Sketch":
        return Sketch(self.times[rows], self.traits[rows])

    def to(self, device: torch.device) -> "Sketch":
        """The same on another device."""
        return Sketch(self.times.to(device), self.traits.to(device))

    def blurred(self, deviations: float) -> "Sketch":
        """The same beats, with noise on the traits, so that they name no record; torch's own random numbers."""
        return Sketch(self.times, self.traits + deviations * torch.randn_like(self.traits))

    def with_row(self, row: int, other: "Sketch") -> "Sketch":
        """The same, with the first of `other` in place of one."""
        parts = [(self.times.clone(), other.times), (self.traits.clone(), other.traits)]
        for values, new in parts:
            values[row] = new[0]
        return Sketch(parts[0][0], parts[1][0])

    def twice(self) -> "Sketch":
        """This batch followed by itself, for guidance."""
        return Sketch(torch.cat([self.times, self.times]), torch.cat([self.traits, self.traits]))
