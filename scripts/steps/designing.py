"""The comparison of a preset, before anything about it is asked for, and that of a whole run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vqecg.downstream.augmentation.methods.registry import AugmentationSettings
from vqecg.downstream.augmentation.plan import PRIOR_SAMPLES
from vqecg.downstream.augmentation.stream import StreamSettings
from vqecg.downstream.classifiers.batch_augmentation import CLASSIC, NO_AUGMENTATION
from vqecg.downstream.classifiers.pretraining.simulated_first import SIMULATED_FIRST
from vqecg.downstream.comparison.arms.mixtures import MIXTURE
from vqecg.downstream.comparison.arms.registry import RUN, arms_of
from vqecg.downstream.comparison.arms.unlabelled_streams import PSEUDO_LABELS
from vqecg.downstream.comparison.class_counts import ClassCounts, outside_task
from vqecg.downstream.comparison.design import Design, plan_of_labels
from vqecg.downstream.comparison.tuning_settings import TuningSettings

if TYPE_CHECKING:
    from vqecg.records.folds import SplitIndices
    from vqecg.records.store.record_store import RecordStore
    from vqecg.scripts.cli.presets import MainMixture, Preset

BOTH = f"{PSEUDO_LABELS} + {MIXTURE}"
STARTED = f"{MIXTURE} + {SIMULATED_FIRST}"
SEEDS = (0, 1, 2, 3, 4)


def design_of(chosen: Preset) -> Design:
    """The comparison of a preset."""
    return Design(
        seeds=SEEDS, training=chosen.classifier, augmentation=AugmentationSettings.of_comparison(chosen.sampling)
    )


def with_mixture(
    design: Design, mixture: MainMixture, records: int, unlabelled: int = 0, simulated: bool = False
) -> Design:
    """The comparison of a run, whose main arm is a mixture, for `records` labelled training records.

    Where these are few, steps are chosen for every arm alike, and the mixture takes the place of the samples that are
    added to scarce classes. Otherwise its share alone is chosen, which may be 0. Where there are `unlabelled` training
    records too, an arm with pseudo-labels says what they are worth without a generator; where labels are few, one what
    both are worth together.

    Where labels are few, and classes of the task can be `simulated`, the weights of the main arm start from simulated
    records (docs/results/simulated.md); an arm that does that alone says what samples add to it.
    """
    usual = (*arms_of(RUN), *([PSEUDO_LABELS] if unlabelled else []))
    main, fit = replace(design.analysis, main_arm=MIXTURE), design.training.fit
    if records >= mixture.few:
        tuning = TuningSettings(shares=mixture.shares_of_many, seeds=mixture.seeds)
        return replace(design, arms=(*usual, MIXTURE), analysis=main, tuning=tuning, stream=StreamSettings(times=1.0))
    steps = tuple(dict.fromkeys(max(1, round(share * fit.steps)) for share in mixture.steps))
    training = design.training
    if mixture.classic and training.augmentation.name == NO_AUGMENTATION:
        training = training.changed({"augmentation.name": CLASSIC})
    arms = (*(MIXTURE if arm == PRIOR_SAMPLES else arm for arm in usual), *([BOTH] if unlabelled else []))
    controls = design.controls
    if simulated and mixture.simulated.records:
        arms = (*arms, SIMULATED_FIRST, STARTED)
        main = replace(main, main_arm=STARTED)
        starting = replace(controls.pretraining, simulated=mixture.simulated.settings)
        controls = replace(controls, pretraining=starting)
    return replace(
        design,
        arms=arms,
        analysis=main,
        controls=controls,
        training=training,
        tuning=TuningSettings(steps, mixture.shares, seeds=mixture.seeds),
        stream=StreamSettings(times=mixture.times),
    )


def main_arm_text(design: Design, mixture: MainMixture, records: int) -> str:
    """The main arm of a run and what is chosen on validation, in a sentence."""
    shares = ", ".join(f"{share:g}" for share in design.tuning.shares)
    if not design.tuning.steps:
        return (
            f"{records:,} labelled training records are many: the main arm is the mixture of real records and samples, "
            f"with a share of {shares}, whichever is best on validation"
        )
    steps = ", ".join(f"{number:,}" for number in design.tuning.steps)
    started = ", from weights that started with simulated records" if design.analysis.main_arm == STARTED else ""
    return (
        f"{records:,} labelled training records are few (below {mixture.few:,}): the main arm is the mixture of real "
        f"records and samples{started}, with a share of {shares} and, as every arm, {steps} steps, whichever is best "
        f"on validation; augmentation in every arm: {design.training.augmentation.name}"
    )


def judged_lines(design: Design, prior_task: str, store: RecordStore, rows: SplitIndices) -> list[str]:
    """Lines on what a run's comparison can judge: labels outside its task and the prior's, labels that are unknown, and
    the patients of the target classes. Raises ValueError as `plan_of_labels`."""
    outside = [
        outside_task(store, store.task(name), option)
        for option, name in {"--task": design.task, "--prior-task": prior_task}.items()
    ]
    targets = plan_of_labels(design, store).target_classes
    counts = ClassCounts(store, store.task(design.task), rows).describe(targets)
    return [line for line in (*outside, rows.unlabelled_text(), counts) if line]
