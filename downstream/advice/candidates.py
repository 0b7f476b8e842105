"""Candidates of an advice: an arm of the registry, trained in a share of the classifier's steps."""

from dataclasses import dataclass

REAL, WITHOUT, WITH = KINDS = ("real only", "without a generator", "with the generator")


@dataclass(frozen=True)
class Candidate:
    """An arm, in a share of the steps. Real records alone are candidates too: they are tuned like all others."""

    arm: str  # its name in the registry
    kind: str  # of KINDS
    steps: float = 1.0  # share of the steps of the classifier's settings

    def __str__(self) -> str:
        return self.arm if self.steps == 1 else f"{self.arm} in {self.steps:g} of the steps"


@dataclass(frozen=True)
class Trial:
    """One classifier: a candidate, a seed, and the share of the labelled patients that it learns from."""

    candidate: Candidate
    seed: int
    fraction: float = 1.0
