"""Settings of interpolation and infilling, apart from both so that what holds them needs no model.

Three rules of pairing, by how sure the labels asked for are of the mixture (`PAIRINGS`):

- "exact": both parents have exactly these labels. Of a coarse task that can be an undefined mixture: an anterior and an
  inferior infarction are both MI, and half of each is neither.
- "supported": besides, the statements that both parents have give these labels by themselves. The sure one.
- "shared": the statements that both have give these labels, and either parent may have others. That brings more pairs,
  but calls absent what one parent has and the mixture half shows.
"""

from dataclasses import dataclass

EXACT, SUPPORTED, SHARED = "exact", "supported", "shared"
PAIRINGS = (EXACT, SUPPORTED, SHARED)
BEATS, LATENT = "beats", "latent"
SPACES = (BEATS, LATENT)
START = "start"
UNITS = (BEATS, START)


@dataclass(frozen=True)
class InterpolationSettings:
    """Settings of the choice of parents and of their mixture."""

    weight_concentration: float = 2.0  # a of the symmetric Beta(a, a) that the second parent's weight is drawn from
    aligned: bool = True  # False: the naive mixture, which makes ghost beats (for comparison)
    pairing: str = SUPPORTED  # parents have the labels asked for: exact, supported by statements of both, or shared
    neighbours: int = 10  # nearest records, among which the second parent is drawn; 0 = any that may be one
    space: str = "beats"  # in which they are nearest: "beats" (median beat) or "latent" (the tokenizer's embedding)
    code_temperature: float = 0.0  # 0 = nearest codes; 1 = codes drawn as far off as a quantization error
    attempts: int = 20  # pairs drawn for a record before it is given up; with a gate, the gate's own number if greater
    seed: int = 0  # of pairs and weights

    def __post_init__(self) -> None:
        if self.pairing not in PAIRINGS or self.space not in SPACES:
            raise ValueError(
                f"pairing is {self.pairing!r} and space {self.space!r}; expected one of {', '.join(PAIRINGS)}, and of "
                f"{', '.join(SPACES)}"
            )
        if self.weight_concentration <= 0 or self.neighbours < 0 or self.code_temperature < 0 or self.attempts < 1:
            raise ValueError(
                f"got {self}; expected weight_concentration above 0, neighbours and code_temperature of at least 0, "
                "and attempts of at least 1"
            )


@dataclass(frozen=True)
class InfillingSettings:
    """The part of a real record that is kept, and the draws for the rest."""

    kept: float = 0.5  # share of the parent that is kept, 0 to 1
    unit: str = "beats"  # "beats": the first beat and random others, each whole; "start": one stretch of frames
    candidates: int = 4  # draws for a record, of which one that fits what is kept is chosen
    seed: int = 0  # of what is kept and what is drawn

    def __post_init__(self) -> None:
        if not 0 < self.kept < 1 or self.unit not in UNITS or self.candidates < 1:
            raise ValueError(
                f"got {self}; expected a kept share above 0 and below 1, a unit of {', '.join(UNITS)}, and at least 1 "
                "candidate"
            )
