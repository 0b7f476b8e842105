"""Trials: classifiers trained on training records and scored on validation records, never on others.

A trial is a run of a comparison whose test part is the validation part. The rows of the test folds are not even looked
up here. Folder: additions/ and runs/, as those of a grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from vqecg.downstream.advice.arms import needs_records
from vqecg.downstream.advice.candidates import Candidate, Trial
from vqecg.downstream.augmentation.methods.registry import Ingredients
from vqecg.downstream.augmentation.plan import REAL_ONLY, AdditionPlan
from vqecg.downstream.augmentation.verdict import Check
from vqecg.downstream.classifiers.settings import ClassifierSettings
from vqecg.downstream.classifiers.thresholds import FIXED
from vqecg.downstream.comparison.arms.arm_data import Arm, EnsembleArm, NetworkMember, trained_by
from vqecg.downstream.comparison.arms.filling import Filling, fill_arms
from vqecg.downstream.comparison.arms.registry import find_arm
from vqecg.downstream.comparison.design import Design, Planned, able_rows, filling_of, fit_checks
from vqecg.downstream.comparison.members import finish_runs, run_of, task_of
from vqecg.downstream.comparison.runs import PreparedRuns, RunTask, prepare_runs
from vqecg.downstream.comparison.tuning import STEPS
from vqecg.records.folds import SplitIndices
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.records.store.subset import among, by_lot, split_rows

if TYPE_CHECKING:
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
        """Those of the arms that are filled from the training records."""
        parts, making = self.parts, self.design.augmentation
        return Ingredients(self.store, parts.train, self.task, self.generator, making, unlabelled=parts.unlabelled)

    @cached_property
    def check(self) -> Check | None:
        """The checks that added records must pass, as in the comparison; None for none."""
        return fit_checks(self.design, self.ingredients, self.additions)

    @property
    def additions(self) -> Path:
        """The folder of added records."""
        return self.folder / "additions"

    def arm(self, name: str, seed: int) -> Arm | None:
        """An arm filled for a seed, with draws of its own; None for real records alone. Raises ValueError as `fill`."""
        if (name, seed) not in self.arms:
            self.arms[name, seed] = None if name == REAL_ONLY else self.fill(name, seed)
        return self.arms[name, seed]

    def fill(self, name: str, seed: int) -> Arm:
        """An arm as data. Raises ValueError where nothing can be added, no generator is there to add it, or the arm
        has steps of its own: all are tried with the same."""
        arm = find_arm(name)
        if needs_records(arm):
            arm.check(self.ingredients)
        filled = fill_arms([arm], self.filling(seed) if needs_records(arm) else self.plain_filling())[0]
        trained = trained_by(filled)
        if trained is not None and STEPS in trained.changes:
            raise ValueError("it has steps of its own, and an advice tries all arms with the same: compare it instead")
        return filled

    def filling(self, seed: int) -> Filling:
        """All that the arms of a seed are filled from, as in the comparison."""
        design, ingredients = self.design, self.ingredients
        labels = self.store.labels(self.task, self.parts.train, math.nan)
        able = able_rows(design, ingredients)
        plan = design.plan(labels, self.task.class_names, design.draws(seed).seed, able)
        planned = Planned(ingredients, self.parts, {seed: plan})
        return filling_of(design, planned, seed, self.additions, self.check)

    def plain_filling(self) -> Filling:
        """That of an arm that adds nothing: without plan and ingredients, of which it reads nothing."""
        nothing = (cast(Ingredients, None), cast(AdditionPlan, None))
        return Filling(*nothing, self.additions, training=self.design.training, controls=self.design.controls)

    def networks(self, name: str, seed: int) -> int:
        """The networks that a trial of an arm trains, those for out-of-fold scores among them."""
        arm = self.arm(name, seed)
        if not isinstance(arm, EnsembleArm):
            return 1
        return sum(isinstance(member, NetworkMember) for member in arm.members) * (1 + arm.stacked)

    def settings(self, candidate: Candidate) -> ClassifierSettings:
        """The training of a candidate, before its arm's changes; thresholds are not needed."""
        training = self.design.training
        steps = max(1, round(candidate.steps * training.fit.steps))
        return replace(training.of_steps(steps), threshold_policy=FIXED)

    def prepared(self, trials: Sequence[Trial]) -> PreparedRuns:
        """The data of trials on all training records, read once for all of them."""
        arms: dict[int, dict[str, Arm | None]] = {}
        for trial in trials:
            name = trial.candidate.arm
            arms.setdefault(trial.seed, {})[name] = self.arm(name, trial.seed)
        filled = {seed: [arm for arm in of_seed.values() if arm is not None] for seed, of_seed in arms.items()}
        return prepare_runs(self.train, self.judged, self.judged, filled, self.task)

    def run(self, trial: Trial, prepared: PreparedRuns | None = None) -> RunTask:
        """The training of a trial, with its folder; `prepared` is the data where it is read already."""
        arm, settings = self.arm(trial.candidate.arm, trial.seed), self.settings(trial.candidate)
        if trial.fraction < 1:
            names = by_lot(self.train.patients, trial.seed)
            staying = names[: max(1, round(trial.fraction * len(names)))]
            train = self.train.only(among(self.train.patients, staying))
            settings = settings.of_steps(max(1, round(trial.fraction * settings.fit.steps)))
            prepared = prepare_runs(train, self.judged, self.judged, {}, self.task)  # of real records alone
        run = run_of(prepared or self.prepared([trial]), arm, trial.seed, settings)
        run.check()
        return task_of(run, self.folder / "runs", by_key=True)

    def finish(self, trials: Sequence[Trial], workers: int = 1, progress: bool = True) -> dict[Trial, np.ndarray]:
        """The scores (records, classes) of trials on the judged records; those of the folder are not trained again."""
        prepared = self.prepared([trial for trial in trials if trial.fraction == 1])
        tasks = {trial: self.run(trial, prepared) for trial in trials}
        places = {str(task.place): task for task in tasks.values()}
        finished = finish_runs(places, workers, progress, "trials")
        return {trial: finished[str(task.place)].test_scores for trial, task in tasks.items()}


def bench_of(design: Design, store: RecordStore, generator: ECGGenerator | None, folder: Path) -> Bench:
    """Trials on the training records of a design, scored on its validation records; its test folds stay unread."""
    folds = replace(design.folds, test=())
    store = design.subset.known_labels(store, folds)
    rows = split_rows(store, folds, design.subset, store.task(design.task))
    return Bench(design, store, generator, folder, replace(rows, test=rows.validation))
