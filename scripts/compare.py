"""`vqecg compare`."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from vqecg.downstream.arms import (
    LATENT_INTERPOLATION,
    PRIOR_SAMPLES,
    AdditionPlan,
    ArmData,
    duplicate,
    plan_additions,
    scarce_classes,
)
from vqecg.downstream.comparison import ComparisonSettings, RealPart, compare, read_comparison
from vqecg.downstream.comparison_results import Analysis, Comparison
from vqecg.downstream.signals import StoreSignals
from vqecg.downstream.training import ClassifierSettings
from vqecg.prior.config import SamplingSettings
from vqecg.prior.generator import ECGGenerator, Requests
from vqecg.prior.interpolation import InterpolationSettings, interpolable, interpolate_store
from vqecg.records.folds import FoldSplit
from vqecg.records.labels import LabelTask
from vqecg.records.store import RecordStore
from vqecg.scripts.arguments import plain
from vqecg.scripts.presets import SMALL, preset
from vqecg.scripts.stage import Stage, begin
from vqecg.scripts.train_prior import load_generator


@dataclass(frozen=True)
class Arguments:
    """Options of `vqecg compare`."""

    store: Path  # folder that `vqecg prepare` wrote: the real recordings
    generator: Path  # folder that `vqecg train-prior` wrote, or the generator in it
    out: Path  # folder of the comparison
    task: str = "superdiagnostic"  # of the classifiers; the generator may have been trained for another, such as all
    target_classes: tuple[str, ...] = ()  # classes to add records to; none = all with under a third of the commonest's
    ratio: float = 0.5  # target classes are filled up to this fraction of the commonest class
    seeds: tuple[int, ...] = SMALL.seeds  # one classifier for each, in every arm
    preset: str = "small"  # tiny, small or base: the defaults of --seeds, --training and --sampling
    folds: FoldSplit = field(default_factory=FoldSplit)
    training: ClassifierSettings = field(default_factory=lambda: SMALL.classifier)
    sampling: SamplingSettings = field(default_factory=lambda: SMALL.sampling)
    interpolation: InterpolationSettings = field(default_factory=InterpolationSettings)
    analysis: Analysis = field(default_factory=Analysis)
    seed: int = 0  # of the additions, interpolations among them (in place of --interpolation.seed)
    overwrite: bool = False  # start anew where --out holds a comparison of other settings

    @staticmethod
    def preset_defaults(name: str) -> dict[str, Any]:
        """What --preset sets."""
        chosen = preset(name)
        return {"seeds": chosen.seeds, "training": chosen.classifier, "sampling": chosen.sampling}


def run(arguments: Arguments) -> None:
    """Compares and prints the verdicts."""
    run_comparison(arguments)


def run_comparison(arguments: Arguments) -> Stage:
    """Fills the arms, trains what is not trained yet, and prints the conclusion."""
    store, generator = RecordStore.open(arguments.store), load_generator(arguments.generator)
    rows, task = arguments.folds.indices(store.table), store.task(arguments.task)
    labels = store.labels(task)
    plan, targets = additions(arguments, store, labels, rows.train, task.class_names)
    identity = {
        "store": store.fingerprint,
        "generator": generator.fingerprint,
        "task": arguments.task,
        **{
            name: plain(getattr(arguments, name))
            for name in ("folds", "ratio", "seeds", "training", "sampling", "interpolation", "analysis", "seed")
        },
        "target_classes": targets,
    }
    stage = begin(arguments.out, "compare", identity, arguments.overwrite, plain(arguments))
    if stage.figures is None:
        with stage:
            arms = make_arms(arguments, store, generator, task, rows.train, plan)
            settings = ComparisonSettings(arguments.training, arguments.analysis, arguments.seeds)
            train, validation, test = (
                RealPart(store, part, labels[part]) for part in (rows.train, rows.validation, rows.test)
            )
            runs, again = arguments.out / "runs", arguments.overwrite
            found = compare(train, validation, test, arms, task.class_names, targets, settings, runs, again)
            stage = stage.finish({"added": plan.counts, "added_records": len(plan), "target_classes": targets})
    else:
        found = comparison_of(arguments.out)
    say(found, stage)
    return stage


def comparison_of(folder: Path) -> Comparison:
    """The finished comparison in the folder of `vqecg compare`."""
    return read_comparison(folder / "runs")


def additions(
    arguments: Arguments, store: RecordStore, labels: np.ndarray, train: np.ndarray, class_names: tuple[str, ...]
) -> tuple[AdditionPlan, list[str]]:
    """Which label rows every arm adds, among those that interpolation can provide too; and the target classes."""
    targets = list(arguments.target_classes) or scarce_classes(labels[train], class_names)
    able = interpolable(store, labels, train)
    plan = plan_additions(labels[train], class_names, targets, arguments.seed, arguments.ratio, eligible=able)
    return plan, targets


def make_arms(
    arguments: Arguments,
    store: RecordStore,
    generator: ECGGenerator,
    task: LabelTask,
    train: np.ndarray,
    plan: AdditionPlan,
) -> list[ArmData]:
    """The arms that add records: copies, prior samples, latent interpolations, all with the labels of the plan.

    The prior is asked for what it knows of the copied records: their statements, where it was trained on statements.
    """
    sources = store.table.iloc[train[plan.source_indices]]
    asked = generator.task.encode(sources["statements"].tolist())
    requests = Requests(asked, sources["age"].to_numpy(np.float32), sources["sex"].to_numpy(object))
    made = generator.generate(requests, arguments.seed, arguments.sampling)
    settings = replace(arguments.interpolation, seed=arguments.seed)
    between = interpolate_store(generator.tokenizer, store, train, task, plan.labels, settings)
    return [
        duplicate(StoreSignals(store, train), plan),
        ArmData(PRIOR_SAMPLES, made.signal, plan.labels, f"{len(plan):,} samples of the prior"),
        ArmData(
            LATENT_INTERPOLATION, between.signal, plan.labels, f"{len(plan):,} latent interpolations, beats aligned"
        ),
    ]


def say(found: Comparison, stage: Stage) -> None:
    """Scores of the arms and the verdicts."""
    figures = stage.figures or {}
    added = ", ".join(f"{name} {count:,}" for name, count in figures["added"].items() if count)
    print(f"each arm adds {figures['added_records']:,} training records ({added}); {len(found.seeds)} seeds")
    table = found.scores[found.scores["group"] == "all classes"].pivot(index="arm", columns="metric", values="mean")
    print(table.loc[list(found.arms["arm"])].round(4).to_string())
    print(f"F1 at thresholds by {found.threshold_policy}")
    print(found.conclusion())
    print(f"{stage.seconds / 60:.1f} minutes; {stage.folder}")
