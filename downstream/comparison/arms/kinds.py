"""Kinds of arms: one that adds records or trains otherwise, one that averages, and one of several streams."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vqecg.downstream.augmentation.generator_training import NO_GENERATOR
from vqecg.downstream.augmentation.plan import DUPLICATION
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

if TYPE_CHECKING:
    from vqecg.downstream.augmentation.methods.registry import Ingredients
    from vqecg.downstream.comparison.arms.filling import Filling

PAIR = " + "
ADDING = "adding {added} "  # beginnings of `in_words`; a report fills in the figures
FILLING = "filling {share} of every batch with "


@dataclass(frozen=True)
class ComparisonArm:
    """An arm before it is filled."""

    name: str
    help: str  # the records that it adds, or how its training differs, in a line
    methods: tuple[str, ...] = ()  # of augmentation, that make the added records; two: half of them each
    training: Mapping[str, Any] = field(default_factory=dict)  # ClassifierSettings that differ, by dotted names
    pretrained: str = ""  # pretraining that its initial weights come from; "" = none
    places: Mapping[str, float] = field(default_factory=dict)  # kind of comparison -> place among its arms
    doing: str = ""  # the arm as the subject of a sentence, "averaging two networks"; empty: as its name says
    pairs: ClassVar[bool] = True  # may be joined with another arm
    stream: ClassVar[bool] = False  # its records are a share of every batch, not added to the real ones

    @property
    def in_words(self) -> str:
        """The arm as the subject of a sentence, with {added} and {share} in the place of its figures."""
        if self.doing:
            return self.doing
        if self.methods:
            return f"{ADDING}records ({self.name})"
        return f"starting from weights by {self.name}" if self.pretrained else f"training with {self.name}"

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

    @property
    def needs_generator(self) -> bool:
        """True where it cannot be filled without a generator."""
        pretrained = bool(self.pretrained) and PRETRAININGS.get(self.pretrained).needs_generator
        return pretrained or any(method != DUPLICATION for method in self.methods)

    def check(self, ingredients: "Ingredients") -> None:
        """Raises ValueError where it cannot be filled from these training records, before anything is made."""
        if self.needs_generator and ingredients.given is None:
            raise ValueError(
                f"arm {self.name!r} is of a generator, and {NO_GENERATOR}; expected --generator, the folder that "
                "`vqecg train-prior` wrote, or other arms"
            )

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
            doing=f"{self.in_words} and {arm.in_words}",
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

    @property
    def needs_generator(self) -> bool:
        """True where a reader reads by it."""
        return bool(self.readers)

    def check(self, ingredients: "Ingredients") -> None:
        """As the arm that its networks are trained by, too."""
        super().check(ingredients)
        if self.trained is not None:
            self.trained.check(ingredients)


@dataclass(frozen=True)
class JoinedStreams(ComparisonArm):
    """Several streams beside the real records, each as large beside these as it is alone."""

    parts: tuple[ComparisonArm, ...] = ()
    stream: ClassVar[bool] = True

    @property
    def needs_generator(self) -> bool:
        """True where one of its parts does."""
        return any(part.needs_generator for part in self.parts)

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
        doing = FILLING + " and ".join(part.in_words.removeprefix(FILLING) for part in parts)
        return cls(name, words, training=training, pretrained=pretrained, doing=doing, parts=tuple(parts))

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

    def check(self, ingredients: "Ingredients") -> None:
        """As its parts."""
        for part in self.parts:
            part.check(ingredients)
