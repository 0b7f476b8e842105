"""Trials: classifiers trained on training records and scored on validation records, never on others.

A trial is a run of a comparison whose test part is the validation part. The rows of the test folds are not even looked
up here. Folder: additions/ and runs/, as those of a grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from vqecg.downstream.advice.candidates import REAL, WITH, WITHOUT, Candidate, Trial
from vqecg.downstream.augmentation.methods.registry import Ingredients
from vqecg.downstream.augmentation.plan import REAL_ONLY
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.thresholds import FIXED
from vqecg.downstream.comparison.arms.arm_data import Arm, EnsembleArm, NetworkMember
from vqecg.downstream.comparison.arms.filling import Filling, fill_arms
from vqecg.downstream.comparison.arms.registry import AveragingArm, ComparisonArm, find_arm
from vqecg.downstream.comparison.members import finish_runs, run_of, task_of
from vqecg.downstream.comparison.runs import RunTask, prepare_runs
from vqecg.records.folds import SplitIndices
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.records.store.subset import by_lot, split_rows

if TYPE_CHECKING:
    from vqecg.downstream.comparison.design import Design
    from vqecg.prior.generator import ECGGenerator


@dataclass(frozen=True, eq=False)
class Bench:
    """All that trials need."""

    design: Design
    store: RecordStore
    generator: ECGGenerator | None  # None: only arms that need none
    folder: Path
    parts: SplitIndices  # its test part is what trials are scored on
    arms: dict[tuple[str, int], Arm | None] = field(default_factory=dict)  # filled already, by name and seed

    @cached_property
    def task(self) -> LabelTask:
        """The task of the classifiers."""
        return self.store.task(self.design.task)

    @property
    def train(self) -> RecordSelection:
        """The training records."""
        return RecordSelection(self.store, self.parts.train)

    @property
    def judged(self) -> RecordSelection:
        """The records that trials are scored on."""
        return RecordSelection(self.store, self.parts.test)

    @cached_property
    def ingredients(self) -> Ingredients:
        """Those of the arms that add records. Raises ValueError without a generator."""
        if self.generator is None:
            raise ValueError("an arm that adds records needs a generator: name one with --generator, or leave it out")
        parts, making = self.parts, self.design.augmentation
        return Ingredients(self.store, parts.train, self.task, self.generator, making, unlabelled=parts.unlabelled)

    def arm(self, name: str, seed: int) -> Arm | None:
        """An arm filled for a seed, with draws of its own; None for real records alone. Raises ValueError as `fill`."""
        if (name, seed) not in self.arms:
            self.arms[name, seed] = None if name == REAL_ONLY else self.fill(name, seed)
        return self.arms[name, seed]

    def fill(self, name: str, seed: int) -> Arm:
        """An arm as data. Raises ValueError where nothing can be added, or no generator is there to add it."""
        arm, design = find_arm(name), self.design
        if not asks_generator(arm):
            return arm.fill(cast(Filling, None))  # it adds nothing, so nothing of it is read
        settings = design.draws(seed)
        labels = self.store.labels(self.task, self.parts.train, math.nan)
        plan = design.plan(labels, self.task.class_names, settings.seed)
        of_stream = settings.seed if design.stream.anew else design.augmentation.seed
        ingredients, place = replace(self.ingredients, settings=settings), self.folder / "additions"
        about = ("", design.of_streams, of_stream, design.training, design.controls)
        held_out = {"validation": self.parts.validation, "test": self.parts.test}
        return fill_arms([arm], Filling(ingredients, plan, place, *about, held_out))[0]

    def networks(self, name: str, seed: int) -> int:
        """The networks that a trial of an arm trains."""
        arm = self.arm(name, seed)
        members = arm.members if isinstance(arm, EnsembleArm) else (NetworkMember(),)
        return sum(isinstance(member, NetworkMember) for member in members)

    def settings(self, candidate: Candidate) -> ClassifierSettings:
        """The training of a candidate, before its arm's changes; thresholds are not needed."""
        training = self.design.training
        steps = max(1, round(candidate.steps * training.fit.steps))
        return replace(training.of_steps(steps), threshold_policy=FIXED)

    def run(self, trial: Trial) -> RunTask:
        """The training of a trial, with its folder."""
        arm, train, settings = self.arm(trial.candidate.arm, trial.seed), self.train, self.settings(trial.candidate)
        if trial.fraction < 1:
            names = by_lot(train.patients, trial.seed)
            staying = names[: max(1, round(trial.fraction * len(names)))]
            train = train.only(np.isin(train.patients, staying))
            settings = settings.of_steps(max(1, round(trial.fraction * settings.fit.steps)))
        arms = {trial.seed: [] if arm is None else [arm]}
        prepared = prepare_runs(train, self.judged, self.judged, arms, self.task)
        run = run_of(prepared, arm, trial.seed, settings)
        run.check()
        return task_of(run, self.folder / "runs", by_key=True)

    def finish(self, trials: Sequence[Trial], workers: int = 1, progress: bool = True) -> dict[Trial, np.ndarray]:
        """The scores (records, classes) of trials on the judged records; those of the folder are not trained again."""
        tasks = {trial: self.run(trial) for trial in trials}
        places = {str(task.place): task for task in tasks.values()}
        finished = finish_runs(places, workers, progress, "trials")
        return {trial: finished[str(task.place)].test_scores for trial, task in tasks.items()}


def asks_generator(arm: ComparisonArm) -> bool:
    """True for an arm that a comparison fills with a generator at hand, whether it uses it or not."""
    return bool(arm.pretrained or arm.stream) or knows_generator(arm) or asks_trained(arm, asks_generator)


def knows_generator(arm: ComparisonArm) -> bool:
    """True for an arm that learns from what the generator makes, or whose readers it is."""
    readers = isinstance(arm, AveragingArm) and bool(arm.readers)
    return bool(arm.methods) or readers or asks_trained(arm, knows_generator)


def asks_trained(arm: ComparisonArm, question: Callable[[ComparisonArm], bool]) -> bool:
    """The answer of the arm by which the networks of an averaging arm are trained; False without one."""
    return isinstance(arm, AveragingArm) and arm.trained is not None and question(arm.trained)


def candidates_of(arms: Sequence[str], steps: Sequence[float]) -> tuple[Candidate, ...]:
    """Real records alone in every share of the steps, then share by share all arms: the order in which time is given.

    Raises ValueError for an unknown arm.
    """
    named = {
        arm.name: WITH if knows_generator(arm) else WITHOUT for arm in map(find_arm, arms) if arm.name != REAL_ONLY
    }
    base = [Candidate(REAL_ONLY, REAL, share) for share in steps]
    return (*base, *(Candidate(name, kind, share) for share in steps for name, kind in named.items()))


def bench_of(design: Design, store: RecordStore, generator: ECGGenerator | None, folder: Path) -> Bench:
    """Trials on the training records of a design, scored on its validation records; its test folds stay unread."""
    folds = replace(design.folds, test=())
    store = design.subset.known_labels(store, folds)
    rows = split_rows(store, folds, design.subset, store.task(design.task))
    return Bench(design, store, generator, folder, replace(rows, test=rows.validation))
