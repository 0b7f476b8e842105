"""The sketch of a record: its traits, its R peak times and its beats' kinds. Codes are then written for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sketch:
    """Traits and beats of a batch of records, known before their codes."""

    times: Tensor  # (batch, beats) float32, R peaks in frames from the record's start, NaN-padded
    traits: Tensor  # (batch, traits) float32, in standard deviations of the training records
    unlike: Tensor | None = None  # (batch, beats) bool: a beat of another kind than the usual; None = no beat is

    @classmethod
    def from_batch(cls, batch: Mapping[str, Tensor]) -> "Sketch":
        """The sketches in a training batch: its entries times, traits and, where beats have kinds, unlike."""
        return cls(batch["times"], batch["traits"], batch.get("unlike"))

    @classmethod
    def joined(cls, parts: Sequence["Sketch"]) -> "Sketch":
        """The records of all parts, one after the other."""
        times, traits = (torch.cat([getattr(part, name) for part in parts]) for name in ("times", "traits"))
        if all(part.unlike is None for part in parts):
            return cls(times, traits)
        return cls(times, traits, torch.cat([part.kinds for part in parts]))

    @property
    def kinds(self) -> Tensor:
        """(batch, beats) bool: `unlike`, of every record."""
        return torch.zeros_like(self.times, dtype=torch.bool) if self.unlike is None else self.unlike

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, rows: slice | Tensor) -> "Sketch":
        return self._map(lambda values: values[rows])

    def to(self, device: torch.device) -> "Sketch":
        """The same on another device."""
        return self._map(lambda values: values.to(device))

    def cpu(self) -> "Sketch":
        """The same on the processor."""
        return self.to(torch.device("cpu"))

    def blurred(self, deviations: float) -> "Sketch":
        """The same beats, with noise on the traits, so that they name no record; torch's own random numbers."""
        return replace(self, traits=self.traits + deviations * torch.randn_like(self.traits))

    def with_row(self, row: int, other: "Sketch") -> "Sketch":
        """The same, with the first of `other` in place of one."""
        return Sketch.joined([self[:row], other[:1], self[row + 1 :]])

    def twice(self) -> "Sketch":
        """This batch followed by itself, for guidance."""
        return Sketch.joined([self, self])

    def _map(self, change: Callable[[Tensor], Tensor]) -> "Sketch":
        return Sketch(change(self.times), change(self.traits), None if self.unlike is None else change(self.unlike))
