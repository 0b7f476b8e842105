"""The decision: an arm, two networks averaged, or nothing; and all figures behind it.

An arm is advised where the lower end of its cross-fitted gain is above 0 and no other class is harmed. Where none is,
two networks of real records alone are averaged if the lower end of that gain is above 0. Else the advice is to add
nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from vqecg.downstream.advice.candidates import Candidate
from vqecg.downstream.advice.estimates import Estimate
from vqecg.downstream.advice.learning_curve import LearningCurve, Point, Range
from vqecg.training.checkpoint import json_values

ARM, AVERAGE, NOTHING = ACTIONS = ("use the arm", "average two networks", "add nothing")
FORMAT = 1  # of advice.json


@dataclass(frozen=True)
class ClassEffect:
    """The gain, or loss, of the advised arm in one class."""

    class_name: str
    target: bool
    gain: Estimate


@dataclass(frozen=True)
class Tried:
    """A candidate with what it reached; not corrected for the choice among them."""

    candidate: Candidate
    first: float  # metric in the first round, mean over its seeds
    last: float | None  # in the last round; None where it was not in it
    gain: Estimate | None  # over real records alone in the last round


@dataclass(frozen=True)
class Setting:
    """The data and the rule of an advice."""

    metric: str
    task: str
    class_names: tuple[str, ...]
    targets: tuple[str, ...]  # the classes that a gain is about
    unjudged: tuple[str, ...]  # classes of too few validation patients
    training_records: int
    validation_records: int
    validation_patients: int
    first_seeds: tuple[int, ...]
    last_seeds: tuple[int, ...]
    full_steps: int  # of the classifier's settings
    confidence: float
    harm: float
    agreeing: int  # of the four choosers
    left_out: tuple[str, ...]  # what there was no time for, or no way to try, in sentences


@dataclass(frozen=True)
class Advice:
    """An advice with its figures."""

    setting: Setting
    base: Candidate  # real records alone, in the steps that serve them best
    arm: Candidate  # the best other candidate by all validation records
    note: str  # its records, or its way of training, in words
    gain: Estimate  # cross-fitted
    second: Estimate  # the same by the other metric
    naive: Estimate  # of the arm on the records that chose it
    # gain over the best candidate that needs no generator; None where the arm needs none, or none was in the last round
    generator: Estimate | None
    averaging: Estimate  # two networks of real records alone
    common: Estimate | None  # gain over all classes that are no targets; None without any
    classes: tuple[ClassEffect, ...]
    curve: LearningCurve | None
    tried: tuple[Tried, ...]
    cautions: tuple[str, ...]

    @property
    def harmed(self) -> tuple[str, ...]:
        """Classes, or all that are no targets together, that the arm harms."""
        harm = self.setting.harm
        names = [
            effect.class_name
            for effect in self.classes
            if (not effect.target or self.every_class_is_a_target)
            and effect.gain.estimate < -harm
            and effect.gain.high < 0
        ]
        together = self.common is not None and self.common.estimate < -harm
        return (*names, *(["the common classes together"] if together else []))

    @property
    def every_class_is_a_target(self) -> bool:
        """True where a gain is about all classes: then each of them is watched."""
        return self.common is None

    @property
    def action(self) -> str:
        """One of ACTIONS, by the rule."""
        if self.gain.low > 0 and not self.harmed:
            return ARM
        return AVERAGE if self.averaging.low > 0 else NOTHING

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        values: dict[str, Any] = json_values({"format": FORMAT, "action": self.action} | asdict(self))
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Advice":
        """The reverse of `to_dict`. Raises ValueError for another format."""
        if values.get("format") != FORMAT:
            raise ValueError(
                f"the advice has format {values.get('format')}, expected {FORMAT}: run `vqecg advise` again"
            )
        parts: dict[str, Any] = {part.name: values[part.name] for part in fields(cls)}
        for name in ("gain", "second", "naive", "generator", "averaging", "common"):
            parts[name] = _estimate(values[name])
        setting = dict(values["setting"])
        lists = ("class_names", "targets", "unjudged", "first_seeds", "last_seeds", "left_out")
        parts["setting"] = Setting(**(setting | {name: tuple(setting[name]) for name in lists}))
        parts["base"], parts["arm"] = Candidate(**values["base"]), Candidate(**values["arm"])
        parts["classes"] = tuple(ClassEffect(**(one | {"gain": Estimate(**one["gain"])})) for one in values["classes"])
        parts["tried"] = tuple(
            Tried(Candidate(**one["candidate"]), one["first"], one["last"], _estimate(one["gain"]))
            for one in values["tried"]
        )
        parts["curve"] = None if values["curve"] is None else _curve(values["curve"])
        parts["cautions"] = tuple(values["cautions"])
        return cls(**parts)


def _estimate(values: Mapping[str, Any] | None) -> Any:
    return None if values is None else Estimate(**values)


def _curve(values: Mapping[str, Any]) -> LearningCurve:
    ranges = {name: {key: Range(**one) for key, one in values[name].items()} for name in ("more", "needed")}
    points: Sequence[Mapping[str, Any]] = values["points"]
    return LearningCurve(tuple(Point(**one) for one in points), Range(**values["exponent"]), **ranges)
