"""The arms that a comparison knows by name: the records that each adds, or the way it trains.

All arms share the classifier, its initial weights, batch size, number of steps and rule of selection. Arms that add
records add the labels of one plan. Every method of augmentation and every pretraining is an arm under its own name; the
others are registered in the files of this folder, or in extensions. Two arms that add records joined by "+" are an arm
too, each makes half of the records; so is one that adds records joined with one that trains otherwise, and one that
averages several classifiers joined with the arm that trains them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vqecg.downstream.augmentation.methods.registry import METHODS, Ingredients, all_methods
from vqecg.downstream.augmentation.plan import DUPLICATION, REAL_ONLY, slug
from vqecg.downstream.classifiers.mixture import SHARE
from vqecg.downstream.classifiers.pretraining.registry import PRETRAININGS, Pretraining
from vqecg.downstream.classifiers.signals import JoinedSignals, SelectedSignals
from vqecg.downstream.comparison.arms.arm_data import (
    Arm,
    ArmData,
    EnsembleArm,
    NetworkMember,
    ReaderMember,
    TrainingArm,
)
from vqecg.records.registry import Registry

if TYPE_CHECKING:
    from vqecg.downstream.comparison.arms.filling import Filling

PAIR = " + "
BEST_PAIR = f"prior samples{PAIR}classic augmentation"  # docs/results/mi-50.json
PRETRAINED_RANK = 20.0  # of the first pretraining among the arms
DEFAULT, QUICK, RUN = "default", "quick", "run"  # kinds of comparison that have arms where none is named
ADVICE = "advice"  # likewise: the arms that an advice tries, in the order in which time is given to them
PAIR_PLACES: Mapping[str, Mapping[str, float]] = {
    f"mixture{PAIR}classic augmentation": {ADVICE: 2},
    f"mixture 0.2{PAIR}classic augmentation": {ADVICE: 3},
    f"pseudo-labels{PAIR}classic augmentation": {ADVICE: 3.5},
    f"reading{PAIR}classic augmentation": {ADVICE: 4},
    f"reading{PAIR}mixture{PAIR}classic augmentation": {ADVICE: 5},
    f"two networks{PAIR}classic augmentation": {ADVICE: 6},
    BEST_PAIR: {DEFAULT: 12, ADVICE: 7},
}


@dataclass(frozen=True)
class ComparisonArm:
    """An arm before it is filled."""

    name: str
    help: str  # the records that it adds, or how its training differs, in a line
    methods: tuple[str, ...] = ()  # of augmentation, that make the added records; two: half of them each
    training: Mapping[str, Any] = field(default_factory=dict)  # ClassifierSettings that differ, by dotted names
    pretrained: str = ""  # pretraining that its initial weights come from; "" = none
    places: Mapping[str, float] = field(default_factory=dict)  # kind of comparison -> place among its arms
    pairs: ClassVar[bool] = True  # may be joined with another arm
    stream: ClassVar[bool] = False  # its records are a share of every batch, not added to the real ones

    def additions(self, filling: "Filling") -> ArmData:
        """The records that it adds."""
        return filling.additions(self.name, self.methods)

    def pretraining(self, filling: "Filling") -> Pretraining | None:
        """The training of its initial weights before anything else; None for none."""
        return filling.pretraining(self.pretrained) if self.pretrained else None

    def after_pretraining(self, arm: ArmData, filling: "Filling") -> ArmData:
        """The arm's records, trained on from pretrained weights where it has any."""
        before = self.pretraining(filling)
        return replace(arm, pretraining=before, note=f"{arm.note}, {before.note}") if before else arm

    def fill(self, filling: "Filling") -> Arm:
        """The arm as data. Raises ValueError when none of its records can be made."""
        if not self.methods:
            before = self.pretraining(filling)
            return TrainingArm(self.name, self.training, before.note if before else self.help, before)
        added = self.after_pretraining(self.additions(filling), filling)
        if not self.training:
            return added
        changes = ", ".join(f"{name.removesuffix('.name')} {value}" for name, value in self.training.items())
        return replace(added, changes=self.training, note=f"{added.note}, trained with {changes}")

    def check(self, ingredients: Ingredients) -> None:
        """Raises ValueError where it cannot be filled from these training records, before anything is made."""

    def variant(self, name: str) -> "ComparisonArm | None":
        """The arm of this family by another name, as part of a path; None where the name is none of it."""
        return None


@dataclass(frozen=True)
class AveragingArm(ComparisonArm):
    """An arm of several members whose scores are averaged. Joined with another arm, its networks train as that does."""

    members: tuple[NetworkMember, ...] = ()
    readers: tuple[str, ...] = ()  # further members, by their names in READERS
    weights: tuple[float, ...] = ()  # of the members; none = the same for all
    logits: bool = False  # True = the weighted sum of logits, False = the weighted mean of scores
    stacked: int = 0  # parts of the training patients that weights are fitted on, out of fold; 0 = they are not
    trained: ComparisonArm | None = None  # the arm by which its networks are trained; None = real only

    def trained_as(self, arm: ComparisonArm) -> "AveragingArm":
        """The same members, whose networks are trained by another arm. ValueError where stacking would not be honest.

        Records that an arm adds are made from all training records, so that no score of one would be out of fold.
        """
        if self.stacked and (arm.methods or arm.stream or arm.pretrained):
            raise ValueError(f"{self.name} is fitted out of fold, and {arm.name} knows all training records: leave one")
        return replace(
            self,
            name=f"{self.name}{PAIR}{arm.name}",
            help=f"{self.help}; {arm.help}",
            methods=() if arm.stream else arm.methods,  # a stream follows no plan of additions
            training=arm.training,
            places={},
            trained=arm,
        )

    def fill(self, filling: "Filling") -> EnsembleArm:
        """The arm as data."""
        trained = None if self.trained is None else self.trained.fill(filling)
        if isinstance(trained, EnsembleArm):
            raise ValueError(f"arm {self.name!r} averages an arm that averages; expected one of single classifiers")
        note = self.help if trained is None else f"{self.help}, each trained by {trained.name} ({trained.note})"
        members = self.members + tuple(ReaderMember(filling.measured(reader)) for reader in self.readers)
        return EnsembleArm(self.name, members, note, trained, self.weights, self.logits, self.stacked)

    def check(self, ingredients: Ingredients) -> None:
        """As the arm that its networks are trained by."""
        if self.trained is not None:
            self.trained.check(ingredients)


@dataclass(frozen=True)
class JoinedStreams(ComparisonArm):
    """Several streams beside the real records, each as large beside these as it is alone."""

    parts: tuple[ComparisonArm, ...] = ()
    stream: ClassVar[bool] = True

    @classmethod
    def of(cls, parts: Sequence[ComparisonArm]) -> "JoinedStreams":
        """Those of some arms: two that are each half of a batch alone become a third each, as the real records do.

        Raises ValueError for arms whose other settings contradict each other.
        """
        training: dict[str, Any] = {}
        for part in parts:
            for name, value in part.training.items():
                if name != SHARE and training.get(name, value) != value:
                    raise ValueError(f"{parts[0].name} and {part.name} differ in {name}: they cannot be joined")
                training[name] = value
        beside = sum(cls.beside_real(part) for part in parts)
        training[SHARE] = beside / (1 + beside)
        pretrained = next((part.pretrained for part in parts if part.pretrained), "")
        name, words = PAIR.join(part.name for part in parts), "; ".join(part.help for part in parts)
        return cls(name, words, training=training, pretrained=pretrained, parts=tuple(parts))

    @staticmethod
    def beside_real(part: ComparisonArm) -> float:
        """The records of a stream for each real one in a batch."""
        return float(part.training[SHARE] / (1 - part.training[SHARE]))

    def fill(self, filling: "Filling") -> ArmData:
        """The records of all parts; those of a part with too few for its share are there several times."""
        filled = [arm for arm in (part.fill(filling) for part in self.parts) if isinstance(arm, ArmData)]
        beside = [self.beside_real(part) for part in self.parts]
        most = max(len(arm.labels) / ratio for arm, ratio in zip(filled, beside, strict=True))
        rows = [
            np.resize(np.arange(len(arm.labels)), round(most * ratio))
            for arm, ratio in zip(filled, beside, strict=True)
        ]
        chosen = list(zip(filled, rows, strict=True))
        # in turns: the first records of the stream, which tuning may ask for, are of all parts
        order = np.argsort(np.concatenate([np.arange(len(part)) / len(part) for part in rows]), kind="stable")
        signals = JoinedSignals(tuple(SelectedSignals(arm.signals, numbers) for arm, numbers in chosen))
        arm = ArmData(
            self.name,
            SelectedSignals(signals, order),
            np.concatenate([arm.labels[numbers] for arm, numbers in chosen])[order],
            "; ".join(arm.note for arm in filled) + f"; together {self.training[SHARE]:.3g} of every batch",
            sum(round(arm.copies * len(numbers) / len(arm.labels)) for arm, numbers in chosen),
            self.training,
            stream=True,
        )
        return self.after_pretraining(arm, filling)

    def check(self, ingredients: Ingredients) -> None:
        """As its parts."""
        for part in self.parts:
            part.check(ingredients)


ARMS: Registry[ComparisonArm] = Registry("arm", "vqecg.downstream.comparison.arms")


def all_arms() -> tuple[ComparisonArm, ...]:
    """Every arm that has a name of its own, those of methods among them, in order."""
    ranked = [(ARMS.rank(name), arm) for name, arm in ARMS]
    for method in all_methods():
        if method.name not in ARMS:
            arm = ComparisonArm(method.name, method.help, (method.name,), places=method.places)
            ranked.append((METHODS.rank(method.name), arm))
    for name, kind in PRETRAININGS:
        if name not in ARMS:
            arm = ComparisonArm(name, kind.help, pretrained=name, places=kind.places)
            ranked.append((PRETRAINED_RANK + PRETRAININGS.rank(name), arm))
    return tuple(arm for _, arm in sorted(ranked, key=lambda pair: pair[0]))


def arms_of(kind: str = DEFAULT) -> tuple[str, ...]:
    """The names of the arms of a kind of comparison, where none is named: DEFAULT, QUICK, RUN or ADVICE."""
    places = {arm.name: arm.places for arm in all_arms()} | dict(PAIR_PLACES)
    names = [name for name in places if kind in places[name]]
    return tuple(sorted(names, key=lambda name: places[name][kind]))


def find_arms(names: Sequence[str]) -> tuple[ComparisonArm, ...]:
    """The arms of these names ("prior samples" or "prior-samples"), the two references first whether named or not.

    Raises ValueError, with the names there are, for another one.
    """
    arms = {arm.name: arm for arm in map(find_arm, (REAL_ONLY, DUPLICATION, *names))}
    return tuple(arms.values())


def find_arm(name: str) -> ComparisonArm:
    """The arm of this name, or the pair "one+other": both add records, or one does and the other trains otherwise.

    Raises ValueError, with the names there are, for an unknown arm, and for another pair.
    """
    known = arms_by_name()
    named = [known.get(slug(part)) or variant_of(slug(part), known) for part in name.split("+")]
    parts = [arm for arm in named if arm is not None]
    if len(parts) < len(named):
        names = ", ".join(slug(arm.name) for arm in all_arms())
        raise ValueError(f"arm {name!r} is unknown; expected {names}, or two of them joined by +")
    return parts[0] if len(parts) == 1 else joined_arm(name, parts)


def variant_of(name: str, known: Mapping[str, ComparisonArm]) -> ComparisonArm | None:
    """The arm of some family of `known` by its name as part of a path, None for no such arm."""
    return next(filter(None, (arm.variant(name) for arm in known.values())), None)


def is_arm(name: str) -> bool:
    """True for a name that `find_arm` knows."""
    try:
        return bool(find_arm(name))
    except ValueError:
        return False


def arms_by_name() -> dict[str, ComparisonArm]:
    """Every arm by its name as part of a path; methods also by their other names."""
    arms = all_arms()
    aliases = {slug(alias): method.name for method in all_methods() for alias in method.aliases}
    named = {arm.name: arm for arm in arms}
    return {alias: named[name] for alias, name in aliases.items()} | {slug(arm.name): arm for arm in arms}


def joined_arm(name: str, parts: Sequence[ComparisonArm]) -> ComparisonArm:
    """The pair of two arms; `name` is how it was asked for. Raises ValueError for arms that do not go together."""
    averaging = [part for part in parts if isinstance(part, AveragingArm)]
    others = [part for part in parts if not isinstance(part, AveragingArm)]
    if len(averaging) == 1 and others and all(part.name != REAL_ONLY for part in others):
        return averaging[0].trained_as(others[0] if len(others) == 1 else joined_arm(name, others))
    alike = len({(part.methods, type(part)) for part in parts}) < len(parts)
    if len(parts) == 2 and all(part.stream for part in parts) and not alike:
        return JoinedStreams.of(parts)
    adding = [part for part in parts if (part.methods or part.stream) and part.pairs]
    training = [part for part in parts if (part.training or part.pretrained) and not part.methods and not part.stream]
    if len(adding) == len(training) == 1 and len(parts) == 2:
        (one,), (other,) = adding, training
        return replace(
            one,
            name=f"{one.name}{PAIR}{other.name}",
            help=f"{one.help}; {other.help}",
            training={**one.training, **other.training},
            pretrained=other.pretrained or one.pretrained,
            places={},
        )
    lone = any(part.name == DUPLICATION or part.stream for part in parts)
    if len(adding) != 2 or len(parts) != 2 or parts[0] == parts[1] or lone:
        raise ValueError(
            f"arm {name!r}: expected two different arms that make records, or one that adds records and one that "
            f"trains otherwise, such as {BEST_PAIR!r}, or one that averages several classifiers and what trains them"
        )
    one, other = parts
    methods = (one.methods[0], other.methods[0])
    return ComparisonArm(f"{one.name}{PAIR}{other.name}", f"half {one.name}, half {other.name}", methods)


def arm_help() -> str:
    """Every arm in a line: "real-only: nothing is added; ..."."""
    return "; ".join(f"{slug(arm.name)}: {arm.help}" for arm in all_arms())
