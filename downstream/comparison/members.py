"""An arm of several members: the runs of each, and the average of their scores.

Every member is a run like any other, in a folder of its own, so that arms share members: the first of "two networks" is
the classifier of "real only". An average is a run too, with the thresholds of the averaged validation scores.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, logit

from vqecg.downstream.augmentation.plan import REAL_ONLY
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.thresholds import choose_thresholds
from vqecg.downstream.comparison.arms.arm_data import Arm, EnsembleArm, NetworkMember, TrainingArm
from vqecg.downstream.comparison.runs import FinishedRun, PreparedRuns, Run, RunTask
from vqecg.records.files.reuse import as_json

AVERAGING = 1  # raised when the same members give another average
FURTHER = 10**6  # between the seeds of the networks of one arm: no comparison names seeds so far apart


@dataclass(frozen=True, eq=False)
class EnsembleRun(Run):
    """The average of the members of an arm, an `EnsembleArm`, for one seed of the comparison."""

    @property
    def ensemble(self) -> EnsembleArm:
        """The arm."""
        if not isinstance(self.arm, EnsembleArm):
            raise TypeError(f"got the arm {self.arm}; expected an EnsembleArm")
        return self.arm

    @property
    def members(self) -> tuple[Run, ...]:
        """The runs whose scores are averaged."""
        return tuple(member_run(self, member) for member in self.ensemble.members)

    def check(self) -> None:
        """Raises ValueError for a member that is trained as others are though it should not be."""
        for member in self.members:
            member.check()

    @property
    def identity(self) -> dict[str, Any]:
        """All that the average depends on, as plain JSON."""
        about = {
            "averaging": AVERAGING,
            "arm": self.name,
            "seed": self.seed,
            "threshold_policy": self.settings.threshold_policy,
            "weights": self.ensemble.weights,
            "members": [member.identity for member in self.members],
        }
        return as_json(about)


@dataclass(frozen=True, eq=False)
class EnsembleTask(RunTask):
    """The average of other runs, and its folder; calling it reads it, or trains what is missing and averages."""

    members: tuple[RunTask, ...] = ()

    def train(self) -> FinishedRun:
        """The average of the members, which are trained where their folders do not hold them."""
        prepared, arm = self.run.prepared, self.run.arm
        weights = arm.weights if isinstance(arm, EnsembleArm) else ()
        finished = [member() for member in self.members]
        validation = average([one.validation_scores for one in finished], weights)
        policy, labels = self.run.settings.threshold_policy, prepared.validation.labels
        chosen = choose_thresholds(policy, labels, validation, prepared.class_names)
        test = average([one.test_scores for one in finished], weights)
        run = FinishedRun(test, validation, np.array(chosen.values), chosen.policy)
        with self.writing(run, {**asdict(chosen), "members": [member.place.name for member in self.members]}):
            pass
        return run


def average(scores: Sequence[np.ndarray], weights: Sequence[float] = ()) -> np.ndarray:
    """The mean of scores in 0..1, or with `weights` the score of the sum of weighted logits, all of one shape."""
    if not weights:
        return np.mean(scores, axis=0)
    least = np.finfo(np.float64).eps  # a score of exactly 0 or 1 would outvote all others
    logits = [weight * logit(np.clip(one, least, 1 - least)) for one, weight in zip(scores, weights, strict=True)]
    return expit(np.sum(logits, axis=0))


def member_run(run: EnsembleRun, member: NetworkMember) -> Run:
    """The run of a member of an arm."""
    seed, trained = run.seed + FURTHER * member.further, run.ensemble.trained
    name = REAL_ONLY if trained is None else trained.name
    key = None if trained is None else (run.seed, name)  # a further seed trains on what is added for the first one
    if member.changes:
        name = f"{name}, {member.suffix}"
        changes = {**({} if trained is None else trained.changes), **member.changes}
        trained = TrainingArm(name, changes, "") if trained is None else replace(trained, name=name, changes=changes)
    return Run(run.prepared, trained, seed, run.classifier, key)


def run_of(prepared: PreparedRuns, arm: Arm | None, seed: int, classifier: ClassifierSettings) -> Run:
    """The run of an arm for a seed."""
    kind = EnsembleRun if isinstance(arm, EnsembleArm) else Run
    return kind(prepared, arm, seed, classifier)


def task_of(run: Run, folder: Path, by_key: bool = False, overwrite: bool = False, progress: bool = False) -> RunTask:
    """A run with its place in `folder`, where its members, if it has any, have theirs too.

    `by_key`: places are named after all that a run depends on, so that comparisons share the folder.
    """
    place = folder / (run.keyed_slug if by_key else run.slug)
    if not isinstance(run, EnsembleRun):
        return RunTask(run, place, overwrite, progress)
    members = tuple(task_of(member, folder, by_key, overwrite, progress) for member in run.members)
    return EnsembleTask(run, place, overwrite, progress, members)


def trainings(tasks: Iterable[RunTask]) -> list[RunTask]:
    """What must be trained for some tasks: those that are no average, and the members of those that are, once each.

    What a folder holds is left out. Raises ValueError for a folder with another run that must not be replaced.
    """
    single: dict[Path, RunTask] = {}
    for task in tasks:
        for one in task.members if isinstance(task, EnsembleTask) else (task,):
            single.setdefault(one.place, one)
    return [task for task in single.values() if not task.is_done]


def check_seeds(seeds: Iterable[int], arms: Mapping[int, Sequence[Arm | None]]) -> None:
    """Raises ValueError where a further network of an arm would have a seed of the comparison."""
    ensembles = [arm for of_seed in arms.values() for arm in of_seed if isinstance(arm, EnsembleArm)]
    further = {member.further for arm in ensembles for member in arm.members if member.further}
    taken = sorted({seed + FURTHER * number for seed in seeds for number in further} & set(seeds))
    if taken:
        raise ValueError(
            f"the seeds {taken} are those of further networks too, which lie {FURTHER:,} apart: give smaller ones"
        )
