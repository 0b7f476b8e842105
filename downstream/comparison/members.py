"""An arm of several members: the runs of each, and the average of their scores.

Every member is a run like any other, in a folder of its own, so that arms share members: the first of "two networks" is
the classifier of "real only". An average is a run too, with the thresholds of the averaged validation scores.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from vqecg.downstream.augmentation.plan import REAL_ONLY
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.thresholds import choose_thresholds
from vqecg.downstream.classifiers.training import LabelledSignals
from vqecg.downstream.comparison.arms.arm_data import Arm, EnsembleArm, Member, NetworkMember, ReaderMember, TrainingArm
from vqecg.downstream.comparison.runs import FinishedRun, PreparedRuns, Run, RunTask
from vqecg.downstream.reading.measuring import Measured
from vqecg.downstream.reading.registry import ReadRecords, find_reader
from vqecg.downstream.reading.stacking import LEAST_SCORE, PULL, Stack, logits_of
from vqecg.records.files.reuse import as_json
from vqecg.records.files.worker_pool import run_tasks
from vqecg.records.patients import patient_parts
from vqecg.records.store.selection import RecordSelection

PARTS_SEED = 0  # of the lot that parts the training patients for out-of-fold scores
READING = 1  # raised when the same measures give other scores of a reader
LEAST = 1e-12  # a score nearer to 0 or 1 counts as that where logits are added up: near enough to make no ties
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
            "logits": self.ensemble.logits,
            "members": [member.identity for member in self.members],
        }
        if self.ensemble.stacked:
            about["stacked"] = {"parts": self.ensemble.stacked, "least": LEAST_SCORE, "pull": PULL}
        return as_json(about)

    @property
    def out_of_fold(self) -> tuple[tuple[Run, ...], ...]:
        """For each part of the training patients, the members that are trained without it, and score it."""
        if not self.ensemble.stacked:
            return ()
        parts = training_parts(self.prepared, self.ensemble.stacked)
        without = [
            EnsembleRun(prepared_without(self.prepared, parts, part), self.arm, self.seed, self.classifier)
            for part in range(self.ensemble.stacked)
        ]
        return tuple(one.members for one in without)


@dataclass(frozen=True, eq=False)
class ReaderRun(Run):
    """A reader of an arm, fitted on what was measured on the training records."""

    measured: Measured = field(kw_only=True)

    @property
    def name(self) -> str:
        """The reader's name, and that it is one."""
        return f"reader of {self.measured.reader}"

    @property
    def identity(self) -> dict[str, Any]:
        """All that the reader's scores depend on, as plain JSON."""
        about = {
            "reading": READING,
            "reader": self.measured.reader,
            "measured": self.measured.identity,
            "seed": self.seed,
            "class_names": list(self.prepared.class_names),
            "threshold_policy": self.classifier.threshold_policy,
            "data": dict(self.prepared.digests),
        }
        return as_json(about)


@dataclass(frozen=True, eq=False)
class ReaderTask(RunTask):
    """A reader and its folder; calling it reads it, or fits."""

    def train(self) -> FinishedRun:
        """Fits the reader and writes its scores; run.json names the classes of too few patients to learn."""
        run, prepared = self.run, self.run.prepared
        if not isinstance(run, ReaderRun):
            raise TypeError(f"got a {type(run).__name__}; expected a ReaderRun")
        policy, names = run.classifier.threshold_policy, prepared.class_names
        train, *others = map(records_of, (prepared.train, prepared.test, prepared.validation))
        known = ReadRecords(run.measured.of(train.rows), prepared.train.labels, train.patients)
        fitted = find_reader(run.measured.reader).fit(known, run.seed)
        test, validation = (fitted.read(run.measured.of(part.rows), len(names)) for part in others)
        chosen = choose_thresholds(policy, prepared.validation.labels, validation, names)
        finished = FinishedRun(test, validation, np.array(chosen.values), chosen.policy)
        with self.writing(finished, {**asdict(chosen), "constant": [names[column] for column in fitted.constant]}):
            pass
        return finished


@dataclass(frozen=True, eq=False)
class EnsembleTask(RunTask):
    """The average of other runs, and its folder; calling it reads it, or trains what is missing and averages."""

    members: tuple[RunTask, ...] = ()
    out_of_fold: tuple[tuple[RunTask, ...], ...] = ()  # of each part of the training patients; () if not stacked

    def train(self) -> FinishedRun:
        """The average of the members, which are trained where their folders do not hold them."""
        prepared, arm = self.run.prepared, self.run.arm
        if not isinstance(arm, EnsembleArm):
            raise TypeError(f"got the arm {arm}; expected an EnsembleArm")
        stack = self.stack() if self.out_of_fold else None
        join = partial(average, weights=arm.weights, logits=arm.logits) if stack is None else stack.scores
        finished = [member() for member in self.members]
        validation = join([one.validation_scores for one in finished])
        policy, labels = self.run.settings.threshold_policy, prepared.validation.labels
        chosen = choose_thresholds(policy, labels, validation, prepared.class_names)
        test = join([one.test_scores for one in finished])
        run = FinishedRun(test, validation, np.array(chosen.values), chosen.policy)
        about: dict[str, Any] = {**asdict(chosen), "members": [member.place.name for member in self.members]}
        if stack is not None:
            about["stack"] = {"weights": stack.weights.tolist(), "intercepts": stack.intercepts.tolist()}
        with self.writing(run, about):
            pass
        return run

    def stack(self) -> Stack:
        """The weights of the members by their scores of training records that they had not seen."""
        labels = self.run.prepared.train.labels
        parts = training_parts(self.run.prepared, len(self.out_of_fold))
        scores = np.zeros((len(self.members), *labels.shape))
        for part, tasks in enumerate(self.out_of_fold):
            scores[:, parts == part] = [task().test_scores for task in tasks]
        return Stack.fit(list(scores), labels)


def average(scores: Sequence[np.ndarray], weights: Sequence[float] = (), logits: bool = False) -> np.ndarray:
    """The weighted mean of scores in 0..1 of one shape, or with `logits` the score of the weighted sum of logits."""
    weights = weights or (1.0,) * len(scores)
    if not logits:
        return np.average(scores, axis=0, weights=weights)
    parts = [weight * one for weight, one in zip(weights, logits_of(scores, LEAST), strict=True)]
    return np.asarray(expit(np.sum(parts, axis=0)))


def records_of(part: LabelledSignals) -> RecordSelection:
    """The real records of a part as rows of their store."""
    if not isinstance(part.signals, RecordSelection):
        raise TypeError(f"the records are a {type(part.signals).__name__}; expected those of a store")
    return part.signals


def training_parts(prepared: PreparedRuns, parts: int) -> np.ndarray:
    """The part of each training record, the same for all of a patient: (records,) int64."""
    return patient_parts(records_of(prepared.train).patients, parts, PARTS_SEED)


def prepared_without(prepared: PreparedRuns, parts: np.ndarray, part: int) -> PreparedRuns:
    """The same data with a part of the training records as the test part, and not trained on."""
    inside, name = parts == part, f"part {part} of {parts.max() + 1} by lot {PARTS_SEED}"
    records, labels, digest = records_of(prepared.train), prepared.train.labels, prepared.digests[REAL_ONLY]
    return replace(
        prepared,
        train=LabelledSignals(records.only(~inside), labels[~inside]),
        test=LabelledSignals(records.only(inside), labels[inside]),
        digests={**prepared.digests, REAL_ONLY: f"{digest} without {name}", "test": f"{digest}, {name}"},
    )


def member_run(run: EnsembleRun, member: Member) -> Run:
    """The run of a member of an arm."""
    if isinstance(member, ReaderMember):
        return ReaderRun(run.prepared, None, run.seed, run.classifier, measured=member.measured)
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


def task_of(
    run: Run, folder: Path, by_key: bool = False, overwrite: bool = False, progress: bool = False, suffix: str = ""
) -> RunTask:
    """A run with its place in `folder`, where its members, if it has any, have theirs too.

    `by_key`: places are named after all that a run depends on, so that comparisons share the folder. `suffix` comes
    behind the name of the place.
    """
    place, how = folder / ((run.keyed_slug if by_key else run.slug) + suffix), (overwrite, progress)
    if isinstance(run, ReaderRun):
        return ReaderTask(run, place, *how)
    if not isinstance(run, EnsembleRun):
        return RunTask(run, place, *how)
    members = tuple(task_of(member, folder, by_key, *how) for member in run.members)
    out_of_fold = tuple(
        tuple(task_of(member, folder, by_key, *how, suffix=f"-without-{part}") for member in runs)
        for part, runs in enumerate(run.out_of_fold)
    )
    return EnsembleTask(run, place, *how, members, out_of_fold)


def trainings(tasks: Iterable[RunTask]) -> list[RunTask]:
    """The trainings that some tasks need: those that are no average, and the members of those that are, once each.

    What a folder holds is left out. Raises ValueError for a folder with another run that must not be replaced.
    """
    single: dict[Path, RunTask] = {}
    for task in tasks:
        needed = (*task.members, *chain(*task.out_of_fold)) if isinstance(task, EnsembleTask) else (task,)
        for one in needed:
            single.setdefault(one.place, one)
    return [task for task in single.values() if not task.is_done]


def finish_runs(
    tasks: Mapping[str, RunTask], workers: int, progress: bool, description: str = "classifiers"
) -> dict[str, FinishedRun]:
    """Every run by its key: those on disk are read, and refused, before another one is trained."""
    there = read_runs(tasks)
    missing = {key: task for key, task in tasks.items() if key not in there}
    needed = trainings(missing.values())
    trained = dict(zip(needed, run_tasks(needed, workers, description, progress=progress), strict=True))
    return there | {key: trained.get(task) or task() for key, task in missing.items()}


def read_runs(tasks: Mapping[str, RunTask]) -> dict[str, FinishedRun]:
    """Those that are on disk. Raises ValueError for one that is not what is asked for."""
    return {key: task() for key, task in tasks.items() if task.is_done}


def check_seeds(seeds: Iterable[int], arms: Mapping[int, Sequence[Arm | None]]) -> None:
    """Raises ValueError where a further network of an arm would have a seed of the comparison."""
    ensembles = [arm for of_seed in arms.values() for arm in of_seed if isinstance(arm, EnsembleArm)]
    further = {member.further for arm in ensembles for member in arm.members if isinstance(member, NetworkMember)}
    taken = sorted({seed + FURTHER * number for seed in seeds for number in further - {0}} & set(seeds))
    if taken:
        raise ValueError(
            f"the seeds {taken} are those of further networks too, which lie {FURTHER:,} apart: give smaller ones"
        )
