"""Settings of interpolation and infilling, apart from both so that what holds them needs no model.

Three rules of pairing, by how sure the labels asked for are of the mixture (`PAIRINGS`):

- "exact": both parents have exactly these labels. Of a coarse task that can be an undefined mixture: an anterior and an
  inferior infarction are both MI, and half of each is neither.
- "supported": besides, the statements that both parents have give these labels by themselves. The sure one.
- "shared": the statements that both have give these labels, and either parent may have others. That brings more pairs,
  but calls absent what one parent has and the mixture half shows.
"""

from dataclasses import dataclass

from vqecg.records.bounds import Checked, Count, CountOrNone, Factor, InnerShare, Positive, Seed

EXACT, SUPPORTED, SHARED = "exact", "supported", "shared"
PAIRINGS = (EXACT, SUPPORTED, SHARED)
BEATS, LATENT = "beats", "latent"
SPACES = (BEATS, LATENT)
START = "start"
UNITS = (BEATS, START)


@dataclass(frozen=True)
class InterpolationSettings(Checked):
    """Settings of the choice of parents and of their mixture."""

    weight_concentration: Positive = 2.0  # a of the symmetric Beta(a, a) that the second parent's weight is drawn from
    aligned: bool = True  # False: the naive mixture, which makes ghost beats (for comparison)
    pairing: str = SUPPORTED  # parents have the labels asked for: exact, supported by statements of both, or shared
    neighbours: CountOrNone = 10  # nearest records, among which the second parent is drawn; 0 = any that may be one
    space: str = "beats"  # in which they are nearest: "beats" (median beat) or "latent" (the tokenizer's embedding)
    code_temperature: Factor = 0.0  # 0 = nearest codes; 1 = codes drawn as far off as a quantization error
    attempts: Count = 20  # pairs drawn for a record before it is given up; with a gate, the gate's number if greater
    seed: Seed = 0  # of pairs and weights

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pairing not in PAIRINGS or self.space not in SPACES:
            raise ValueError(
                f"pairing is {self.pairing!r} and space {self.space!r}; expected one of {', '.join(PAIRINGS)}, and of "
                f"{', '.join(SPACES)}"
            )


@dataclass(frozen=True)
class InfillingSettings(Checked):
    """The part of a real record that is kept, and the draws for the rest."""

    kept: InnerShare = 0.5  # share of the parent that is kept, 0 to 1
    unit: str = "beats"  # "beats": the first beat and random others, each whole; "start": one stretch of frames
    candidates: Count = 4  # draws for a record, of which one that fits what is kept is chosen
    seed: Seed = 0  # of what is kept and what is drawn

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.unit not in UNITS:
            raise ValueError(f"unit is {self.unit!r}; expected one of {', '.join(UNITS)}")
