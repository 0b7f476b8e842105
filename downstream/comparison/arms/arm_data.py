"""Arms as plain data: the records that one adds to the real training records, or the way it trains on these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vqecg.downstream.augmentation.plan import DUPLICATION, REAL_ONLY, AdditionPlan, slug
from vqecg.downstream.classifiers.mixture import SHARE
from vqecg.downstream.classifiers.pretraining.registry import Pretraining
from vqecg.downstream.classifiers.signals import SelectedSignals, Signals
from vqecg.downstream.reading.measuring import Measured


@dataclass(frozen=True, eq=False)
class ArmData:
    """An arm as plain data. It feeds training only: validation and test are never given as one."""

    name: str  # e.g. "prior samples"
    signals: Signals  # (added, leads, samples) float32 mV when indexed
    labels: np.ndarray  # (added, classes) float32, NaN = unknown
    note: str  # what the records are, for the report
    copies: int = 0  # how many of them are copies of real training records
    changes: Mapping[str, Any] = field(default_factory=dict)  # of the classifier's settings, as in a TrainingArm
    stream: bool = False  # the records are a share of every batch, by `changes`, and not added to the real ones
    pretraining: Pretraining | None = None  # of the initial weights, before anything else

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels, dtype=np.float32)
        if labels.ndim != 2 or len(labels) != len(self.signals) or not len(labels):
            raise ValueError(
                f"arm {self.name!r} has {len(self.signals)} signals and labels of shape {labels.shape}; "
                "expected (records, classes), at least one record, and a row of labels for each"
            )
        if not self.name or self.name == REAL_ONLY:
            raise ValueError(f"an arm is named {self.name!r}; expected another name: {REAL_ONLY!r} adds nothing")
        if not 0 <= self.copies <= len(labels):
            raise ValueError(
                f"arm {self.name!r} has {len(labels)} records, {self.copies} of them copies; expected 0 to all"
            )
        if self.stream != (SHARE in self.changes):
            raise ValueError(
                f"arm {self.name!r} changes {dict(self.changes)} and its records are {'' if self.stream else 'not '}a "
                f"stream; expected {SHARE!r} among the changes of a stream, and of nothing else"
            )
        object.__setattr__(self, "labels", labels)


@dataclass(frozen=True)
class TrainingArm:
    """An arm that adds nothing and trains on the real records in another way."""

    name: str  # e.g. "mixup"
    changes: Mapping[str, Any]  # ClassifierSettings, by dotted names -> their values in this arm
    note: str  # how it is trained, for the report
    pretraining: Pretraining | None = None  # of the initial weights, before anything else

    def __post_init__(self) -> None:
        if not self.name or self.name == REAL_ONLY or not (self.changes or self.pretraining):
            raise ValueError(
                f"got {self}; expected at least one change or a pretraining, and another name than {REAL_ONLY!r}"
            )


@dataclass(frozen=True)
class NetworkMember:
    """A classifier of an arm that averages several."""

    further: int = 0  # 0 = the classifier of the comparison's seed; 1, 2, ... = those of further seeds
    changes: Mapping[str, Any] = field(default_factory=dict)  # of its settings beside the arm's, as in a TrainingArm
    suffix: str = ""  # after the name of the way it is trained, where there are changes: the name of its folder


@dataclass(frozen=True)
class ReaderMember:
    """A reader of an arm, which sees what is measured on recordings and not their signals (downstream/reading/)."""

    measured: Measured  # of the parts "train", "validation" and "test"


Member = NetworkMember | ReaderMember


@dataclass(frozen=True, eq=False)
class EnsembleArm:
    """An arm of several members, each trained by itself, whose scores of a record are averaged.

    The scores themselves, in 0..1, as a mean of logits is ruled by the member that is surest, rightly or not. With
    `logits`, the logits are added up instead, each times its weight, as Bayes' rule has it for evidence.
    """

    name: str  # e.g. "two networks"
    members: tuple[Member, ...]
    note: str  # what they are, for the report
    trained: ArmData | TrainingArm | None = None  # the arm by which its networks are trained; None = real only
    weights: tuple[float, ...] = ()  # of the members; none = the same for all
    logits: bool = False  # True = the weighted sum of logits, False = the weighted mean of scores
    stacked: int = 0  # parts of the training patients for out-of-fold scores, which the weights are fitted on; 0 = none

    def __post_init__(self) -> None:
        if self.stacked == 1 or (self.stacked and self.weights):
            raise ValueError(f"arm {self.name!r} is stacked over {self.stacked} parts; expected two, and no weights")
        way = self.trained
        if self.stacked and way is not None and (isinstance(way, ArmData) or way.pretraining is not None):
            raise ValueError(
                f"arm {self.name!r} is stacked, and {way.name} trains on records made from all training records, so "
                "that none is out of fold; expected a change of settings alone, or an average without stacking"
            )
        if not self.name or self.name == REAL_ONLY or not self.members:
            raise ValueError(f"arm {self.name!r} has {len(self.members)} members; expected some, and another name")
        if self.weights and len(self.weights) != len(self.members):
            raise ValueError(f"arm {self.name!r} has {len(self.weights)} weights for {len(self.members)} members")


Arm = ArmData | TrainingArm | EnsembleArm


def trained_by(arm: Arm | None) -> ArmData | TrainingArm | None:
    """The arm itself, or the one by which the networks of an ensemble are trained; None: real only."""
    return arm.trained if isinstance(arm, EnsembleArm) else arm


def name_of(way: ArmData | TrainingArm | None) -> str:
    """The name of a way to train; None: real only."""
    return REAL_ONLY if way is None else way.name


def added_by(arms: Sequence[Arm | None]) -> list[ArmData]:
    """The records that some arms add, in order."""
    return [source for source in map(trained_by, arms) if isinstance(source, ArmData)]


def duplicate(signals: Signals, plan: AdditionPlan) -> ArmData:
    """The control arm: the planned rows of the training part `signals` themselves, once more."""
    copies = SelectedSignals(signals, plan.source_indices)
    note = f"copies of {len(np.unique(plan.source_indices))} real training records"
    return ArmData(DUPLICATION, copies, plan.labels, note, copies=len(plan))


def check_arms(arms: Sequence[Arm], class_names: Sequence[str]) -> None:
    """Raises ValueError unless the arms have different names, and those that add do so equally for every class.

    A stream of records beside the real ones may have as many as it likes: its share of every batch is what counts.
    """
    names = [arm.name for arm in arms]
    if len(set(names)) != len(names):
        raise ValueError(f"the arms are named {names}; expected every name once")
    slugs = [slug(name) for name in names]
    if len(set(slugs)) != len(slugs) or "" in slugs:
        raise ValueError(
            f"the arms are named {names}; expected names that differ in letters or digits: folders have them"
        )
    filled = added_by(arms)
    for arm in filled:
        if arm.labels.shape[1] != len(class_names):
            raise ValueError(f"arm {arm.name!r} has {arm.labels.shape[1]} label columns for {len(class_names)} classes")
    adding = [arm for arm in filled if not arm.stream]
    counts: Mapping[str, list[float]] = {arm.name: np.nansum(arm.labels, axis=0).round(3).tolist() for arm in adding}
    for arm in adding:
        first = adding[0]
        if len(arm.labels) != len(first.labels) or counts[arm.name] != counts[first.name]:
            raise ValueError(
                f"arms must add the same records of every class ({', '.join(class_names)}), or a difference may come "
                f"from the numbers; {first.name!r} adds {len(first.labels)} records {counts[first.name]}, "
                f"{arm.name!r} adds {len(arm.labels)} records {counts[arm.name]}: fill all arms from one AdditionPlan"
            )
