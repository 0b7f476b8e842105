"""The design of a comparison, named before anything is made, and how it becomes one that is ready to run."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np

from vqecg.downstream.augmentation.label_check import LabelCheck
from vqecg.downstream.augmentation.likelihood_check import LikelihoodCheck
from vqecg.downstream.augmentation.methods.registry import AugmentationSettings, Ingredients, find_method
from vqecg.downstream.augmentation.plan import REAL_ONLY, AdditionPlan, AdditionSettings
from vqecg.downstream.augmentation.stream import StreamSettings
from vqecg.downstream.augmentation.verdict import Check, QualityFilter
from vqecg.downstream.classifiers.mixture import SHARE, MixtureSettings
from vqecg.downstream.comparison.arms.control_settings import ControlSettings
from vqecg.downstream.comparison.arms.filling import Filling, fill_arms
from vqecg.downstream.comparison.arms.registry import ComparisonArm, arm_help, arms_of, find_arm, find_arms, is_arm
from vqecg.downstream.comparison.comparison import ComparisonSettings, ReadyComparison, get_ready
from vqecg.downstream.comparison.runs import check_changes
from vqecg.records.folds import SplitIndices
from vqecg.records.registry import Choices
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.records.store.subset import TrainedOn, split_rows
from vqecg.training.checkpoint import OMITTED_WHILE_DEFAULT

if TYPE_CHECKING:
    from vqecg.prior.generator import ECGGenerator

LIKELIHOOD, LABELS = CHECKS = ("likelihood", "labels")
ARMS_HELP = "such as prior-samples latent-interpolation+infilling mixture-0.2, two joined by +; none = the usual ones"


@dataclass(frozen=True)
class Design(AdditionSettings, ComparisonSettings):
    """A comparison before anything is made: its records, what is added, the arms, and how they are judged."""

    arms: Annotated[tuple[str, ...], Choices(ARMS_HELP, arm_help)] = ()
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)
    checks: tuple[str, ...] = ()  # that synthetic records must pass: likelihood, labels, or both
    only_able: bool = False  # plan only records that every arm can make others of; else copies stand in for the rest
    stream: StreamSettings = field(default=StreamSettings(), metadata=OMITTED_WHILE_DEFAULT)  # of the mixture arms
    controls: ControlSettings = field(
        default=ControlSettings(), metadata=OMITTED_WHILE_DEFAULT
    )  # of arms without a generator

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = sorted(set(self.checks) - set(CHECKS))
        if unknown:
            raise ValueError(f"checks are {list(self.checks)}; expected some of {', '.join(CHECKS)}")
        if not self.folds.validation or not self.folds.test:
            raise ValueError(f"folds are {self.folds}; expected at least one for validation and one to test on")
        # in any spelling; `check` says of an unknown one what there is
        main_arm, *against = (
            find_arm(name).name if is_arm(name) else name for name in (self.analysis.main_arm, *self.analysis.against)
        )
        object.__setattr__(self, "analysis", replace(self.analysis, main_arm=main_arm, against=tuple(against)))

    def check(self) -> None:
        """Raises ValueError for arms that are unknown or train as all do, and for a main arm that is none of them.

        Apart from `__post_init__`, as options are put together one after the other.
        """
        self.check_mixtures()
        names = [arm.name for arm in self.catalogue]
        for arm in self.catalogue:
            check_changes(arm.name, self.training, arm.training)
        if self.analysis.main_arm not in names or self.analysis.main_arm == REAL_ONLY:
            raise ValueError(
                f"the main arm is {self.analysis.main_arm!r}, the arms are {', '.join(names)}: name the one that the "
                "conclusion is about before the run (--analysis.main-arm), or add it to --arms"
            )
        if missing := sorted(set(self.analysis.against) - set(names)):
            raise ValueError(
                f"arms are to be compared with {', '.join(missing)} too (--analysis.against): add to --arms"
            )

    def check_mixtures(self) -> None:
        """Raises ValueError for a share of the references, one that no batch can have, or nothing to tune it for."""
        if self.training.mixture.share:
            raise ValueError(
                f"mixture.share is {self.training.mixture.share} for every arm, but the references have no stream: "
                "name arms instead, such as --arms mixture-0.2"
            )
        shares = [arm.training[SHARE] for arm in self.catalogue if SHARE in arm.training]
        for share in (*shares, *self.tuning.shares):
            MixtureSettings(share).of_batch(self.training.fit.batch_size)
        if (self.tuning.shares or self.tuning.times) and not shares:
            raise ValueError(
                f"shares {list(self.tuning.shares)} and times {list(self.tuning.times)} are to be tuned, but no arm is "
                "a mixture: add one to --arms, such as mixture"
            )

    @property
    def of_streams(self) -> StreamSettings:
        """The streams to make: with the most records of those that are to be chosen from."""
        return replace(self.stream, times=max(self.tuning.times or (self.stream.times,)))

    @property
    def catalogue(self) -> tuple[ComparisonArm, ...]:
        """The arms. Raises ValueError for an unknown one."""
        return find_arms(self.arms or arms_of())

    def draws(self, seed: int) -> AugmentationSettings:
        """The settings of methods for a seed of the classifiers: other draws in each, so that their chance is seen."""
        return replace(self.augmentation, seed=self.augmentation.seed + seed)

    def trained_on(self, store: RecordStore) -> TrainedOn:
        """The records that the classifiers, and so the generator, may learn from."""
        return TrainedOn(store.fingerprint, self.folds, self.subset)


@dataclass(frozen=True, eq=False)
class Planned:
    """The records that take part, and the labels that every arm adds."""

    ingredients: Ingredients
    rows: SplitIndices
    plans: Mapping[int, AdditionPlan]  # of each seed

    @property
    def plan(self) -> AdditionPlan:
        """That of the first seed; the others are drawn likewise."""
        return next(iter(self.plans.values()))

    def part(self, rows: np.ndarray) -> RecordSelection:
        """Some rows of the store."""
        return RecordSelection(self.ingredients.store, rows)


def plan_of_labels(
    design: Design, store: RecordStore, seed: int = 0, eligible_rows: np.ndarray | None = None
) -> AdditionPlan:
    """A seed's plan of additions, from labels alone. Raises ValueError as `plan_additions` and `scarce_classes`."""
    design.check()
    store = design.subset.known_labels(store, design.folds)
    task = store.task(design.task)
    rows = split_rows(store, design.folds, design.subset, task)
    labels = store.labels(task, rows.train, math.nan)
    return design.plan(labels, task.class_names, design.draws(seed).seed, eligible_rows)


def plan_design(design: Design, store: RecordStore, generator: ECGGenerator | None) -> Planned:
    """Records and plan. Of all training records, or the duplicates would be fewer different ones than they could be;
    where an arm cannot make another of a planned record, a copy stands in.

    Raises ValueError for an arm that needs a generator where there is none.
    """
    design.check()
    store = design.subset.known_labels(store, design.folds)
    task = store.task(design.task)
    rows = split_rows(store, design.folds, design.subset, task)
    ingredients = Ingredients(store, rows.train, task, generator, design.augmentation, unlabelled=rows.unlabelled)
    for arm in design.catalogue:
        arm.check(ingredients)
    able = able_rows(design, ingredients)
    plans = {seed: plan_of_labels(design, store, seed, able) for seed in design.seeds}
    return Planned(ingredients, rows, plans)


def able_rows(design: Design, ingredients: Ingredients) -> np.ndarray | None:
    """The training records that every arm can make others of, (training records,) bool; None where all are planned."""
    if not design.only_able:
        return None
    adding = [arm for arm in design.catalogue if SHARE not in arm.training]
    methods = dict.fromkeys(method for arm in adding for method in arm.methods)
    return np.all([find_method(method).eligible(ingredients) for method in methods], axis=0)


def fill_design(
    design: Design, planned: Planned, folder: Path, remarks: tuple[str, ...] = (), progress: bool = False
) -> ReadyComparison:
    """Makes what is added, anew for every seed, in `folder`, and checks the whole."""
    check = fit_checks(design, planned.ingredients, folder, progress)
    arms = {
        seed: fill_arms(design.catalogue, filling_of(design, planned, seed, folder, check), progress)
        for seed in planned.plans
    }
    train, validation, test = (
        planned.part(rows) for rows in (planned.rows.train, planned.rows.validation, planned.rows.test)
    )
    task, targets = planned.ingredients.task, planned.plan.target_classes
    return get_ready(train, validation, test, arms, task, targets, design, (*missing(design, planned), *remarks))


def filling_of(design: Design, planned: Planned, seed: int, folder: Path, check: Check | None) -> Filling:
    """All that the arms of a seed are filled from, with draws of its own, and checked by `check`."""
    ingredients = replace(planned.ingredients, check=check, settings=design.draws(seed))
    checked = f"{design.checks} {design.training if LABELS in design.checks else ''}"
    of_stream = ingredients.settings.seed if design.stream.anew else design.augmentation.seed
    about = (checked, design.of_streams, of_stream, design.training, design.controls)
    held_out = {"validation": planned.rows.validation, "test": planned.rows.test}
    return Filling(ingredients, planned.plans[seed], folder, *about, held_out)


def missing(design: Design, planned: Planned) -> list[str]:
    """Sentences on the training records and labels that are taken away on purpose or unknown."""
    taken = "Training records were taken away" if design.subset.takes_records else "Labels were hidden"
    said = [f"{taken} on purpose: {design.subset}."] if design.subset.reduces else []
    labels = RecordSelection(planned.ingredients.store, planned.rows.train).labels(planned.ingredients.task, math.nan)
    doubtful = int(np.isnan(labels).any(axis=1).sum())
    if text := planned.rows.unlabelled_text():
        said.append(f"Unknown labels: {text}.")
    if doubtful:
        said.append(f"Unknown labels: some of {doubtful:,} of {len(labels):,} training records; none counts as absent.")
    return said


def fit_checks(design: Design, ingredients: Ingredients, folder: Path, progress: bool = False) -> Check | None:
    """The checks of synthetic records, fitted on the training records; None for none."""
    training, checks = RecordSelection(ingredients.store, ingredients.rows), list[Check]()
    if LIKELIHOOD in design.checks:
        checks.append(LikelihoodCheck.fit(ingredients.generator, training))
    if LABELS in design.checks:
        task = ingredients.task
        known = ingredients.rows.tobytes() + repr((task.name, design.training)).encode()
        place = folder / f"label-check-{hashlib.blake2b(known, digest_size=6).hexdigest()}"
        checks.append(LabelCheck.fit(training, task, design.training, place, progress=progress))
    return QualityFilter(tuple(checks)) if checks else None
