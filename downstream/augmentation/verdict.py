"""Checks of synthetic records: their interface, their verdict on a record, and several of them one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from vqecg.prior.synthetic_records import SyntheticRecords


PASSED = ""


@dataclass(frozen=True)
class Verdict:
    """The finding of a check on one record."""

    reason: str = PASSED  # why it is rejected
    about: tuple[str, ...] = ()  # the classes or statements that it does not show; none: the record as a whole


class Check(Protocol):
    """Rejects synthetic records."""

    def judge(self, records: SyntheticRecords) -> list[Verdict]: ...

    def describe(self) -> str: ...


@dataclass(frozen=True, eq=False)
class QualityFilter:
    """Several checks, one after the other: a record is rejected by the first that finds something."""

    checks: tuple[Check, ...]

    def describe(self) -> str:
        """The demands of all of them."""
        return " ".join(check.describe() for check in self.checks)

    def judge(self, records: SyntheticRecords) -> list[Verdict]:
        """The first reason to reject each record."""
        verdicts = [Verdict()] * len(records)
        for check in self.checks:
            latest = check.judge(records)
            verdicts = [one if one.reason else other for one, other in zip(verdicts, latest, strict=True)]
        return verdicts
