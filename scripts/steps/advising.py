"""From recordings and a generator to an advice, and its plan for `vqecg compare`."""

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import tyro
import yaml

from vqecg.downstream.advice.advising import advice_of, run_rounds, schedule_of
from vqecg.downstream.advice.arms import needs_generator
from vqecg.downstream.advice.budget import seconds_of
from vqecg.downstream.advice.candidates import WITHOUT, Candidate
from vqecg.downstream.advice.decision import AVERAGE, Advice
from vqecg.downstream.advice.settings import AdviceSettings
from vqecg.downstream.advice.trials import bench_of
from vqecg.downstream.advice.words import summary_of
from vqecg.downstream.augmentation.generator_training import check_generator
from vqecg.downstream.augmentation.plan import SHUFFLED_LABELS
from vqecg.downstream.comparison.arms.registry import ADVICE, arms_of, find_arm, is_arm
from vqecg.downstream.comparison.design import Design
from vqecg.downstream.comparison.results import Analysis
from vqecg.downstream.comparison.tuning_settings import TuningSettings
from vqecg.prior.generator import ECGGenerator
from vqecg.records.bounds import Checked, Workers
from vqecg.records.files.atomic import write_text
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.arguments import plain
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.presets import SMALL
from vqecg.scripts.cli.stage import Stage, alone, begin, described
from vqecg.scripts.steps.designing import design_of
from vqecg.scripts.steps.forecasting import ADVICE_FILE, CELL, PAGE, PLAN_FILE, read_advice, write_page

TWO_NETWORKS = "two networks"


@dataclass(frozen=True)
class AdvisingStep(Checked):
    """Recordings and generator, the folder of the advice, and what is tried how long."""

    store: Path  # folder that `vqecg prepare` wrote: the real recordings
    out: Path  # folder of the advice; the same command goes on where it stopped
    generator: Path | None = None  # folder that `vqecg train-prior` wrote; none = only arms that need none
    budget: str = "30m"  # time for all trials, such as 90s, 30m or 2h
    design: Annotated[Design, tyro.conf.arg(name="")] = field(default_factory=lambda: design_of(SMALL))
    advice: AdviceSettings = field(default_factory=AdviceSettings)
    allow_other_training: bool = False  # with a generator of other training records; the page says so
    workers: Workers = 1  # processes that train classifiers, one thread each
    overwrite: bool = False  # start anew where --out holds an advice of other settings

    def __post_init__(self) -> None:
        super().__post_init__()
        seconds_of(self.budget)


@alone
def advising_stage(step: AdvisingStep) -> Stage:
    """Measures, plans, trains the trials that are not there yet, and decides."""
    design = replace(step.design, arms=step.design.arms or arms_of(ADVICE))
    check_design(design, step.advice)
    store = RecordStore.open(step.store)
    generator = None if step.generator is None else ECGGenerator.from_pretrained(step.generator)
    remarks: tuple[str, ...] = ()
    if generator is not None:
        remarks = check_generator(generator, store, design.trained_on(store), step.allow_other_training)
        print("\n".join(remarks), end="\n" if remarks else "")
    identity = {"store": store.fingerprint, "generator": generator.fingerprint if generator else ""}
    identity |= plain(design) | {"budget": step.budget, "advice": plain(step.advice), "remarks": list(remarks)}
    stage = begin(step.out, "advise", identity, step.overwrite, plain(step))
    if stage.figures is None or not (step.out / ADVICE_FILE).is_file():
        with stage:
            bench = bench_of(design, store, generator, step.out)
            schedule = schedule_of(bench, design.arms, step.advice, seconds_of(step.budget), step.workers)
            advice = advice_of(run_rounds(bench, step.advice, schedule, step.workers))
            advice = replace(advice, cautions=(*remarks, *advice.cautions))
            write_plan(step.out / PLAN_FILE, advice, design, step)
            write_text(step.out / ADVICE_FILE, json.dumps(advice.to_dict(), indent=2) + "\n")
            stage = stage.finish({"action": advice.action, "arm": advice.arm.arm, "description": store.description})
            write_page(step.out)
    return stage


def check_design(design: Design, settings: AdviceSettings) -> None:
    """Raises ValueError where main arm or tuning are named already, which an advice is about, where the comparison has
    seeds of trials, and as `check_mixtures`."""
    analysis = design.analysis
    if (analysis.main_arm, analysis.against) != (Analysis().main_arm, ()):
        named = ", ".join([analysis.main_arm, *analysis.against])
        raise ValueError(
            f"the analysis names arms ({named}); an advice names the main arm, and its plan what it is compared with: "
            "leave out --analysis.main-arm and --analysis.against, or name the arms to try (--arms)"
        )
    if design.tuning != TuningSettings():
        raise ValueError(
            f"tuning names {design.tuning}; an advice tries every arm in --advice.steps, and its plan says what the "
            "comparison is to choose from: leave out --tuning"
        )
    if taken := sorted(set(design.seeds) & set(settings.every_seed)):
        raise ValueError(
            f"the seeds {taken} are those of trials too, by whose scores the arm is chosen: name others with --seeds "
            "or --advice.first-seed"
        )
    design.check_mixtures()


def write_plan(path: Path, advice: Advice, design: Design, step: AdvisingStep) -> None:
    """Writes the plan that tests the advice: its arm, also against the best without a generator, and its control."""
    best = rivals(advice)
    against = [one.arm for one in best]
    averaged = [TWO_NETWORKS] if advice.action == AVERAGE else []
    arms = dict.fromkeys([advice.arm.arm, *against, *averaged, *control_of(advice.arm.arm)])
    candidates = (advice.arm, advice.base, *best)
    steps = sorted({max(1, round(one.steps * advice.setting.full_steps)) for one in candidates})
    # where these are best in different steps, the comparison lets every arm choose among them
    tuning = TuningSettings(steps=tuple(steps) if len(steps) > 1 else (), metric=advice.setting.metric)
    design = replace(
        design,
        arms=tuple(arms),
        analysis=replace(design.analysis, main_arm=advice.arm.arm, against=tuple(against)),
        training=design.training.of_steps(steps[-1]),
        tuning=tuning,
    )
    cell: dict[str, Any] = {"name": CELL, **plain(design)}
    if step.generator is not None:
        cell["generator"] = str(step.generator.resolve())
    asked = step.generator is None and any(needs_generator(find_arm(name)) for name in arms)
    generator = " --generator GENERATOR" if asked else ""
    head = (
        f"# The test of this advice: vqecg compare --plan {path.name} --store STORE --out OUT{generator}\n"
        f"# then: vqecg advise --out {step.out.name} --store STORE --check OUT\n"
    )
    write_text(path, head + yaml.safe_dump({"cells": [cell]}, sort_keys=False))


def control_of(arm: str) -> list[str]:
    """The arm with the labels of other records, for one that adds records or mixes them in; none for another."""
    shuffled = re.sub(r"mixture( [\d.]+)?", rf"mixture\1 of {SHUFFLED_LABELS}", arm)
    if shuffled != arm:
        return [shuffled] if is_arm(shuffled) else []
    return [SHUFFLED_LABELS] if find_arm(arm).methods else []


def rivals(advice: Advice) -> list[Candidate]:
    """The best arm of the last round that needs no generator and is not the advice's; none where there was no other."""
    others = [one for one in advice.tried if one.last is not None and one.candidate.kind == WITHOUT]
    others = [one for one in others if one.candidate.arm != advice.arm.arm]
    return [one.candidate for one in sorted(others, key=lambda one: -(one.last or 0.0))[:1]]


def outcome(stage: Stage) -> Outcome:
    """The advice, whole and in plain words."""
    return Outcome.of_stage(stage, summary(stage), advice=read_advice(stage.folder).to_dict())


@described
def summary(stage: Stage) -> str:
    """The advice in plain words, and where everything is."""
    advice = read_advice(stage.folder)
    where = f"{stage.folder / PAGE}; its test, and the command for it: {stage.folder / PLAN_FILE}"
    return f"{summary_of(advice)}\n{stage.seconds / 60:.1f} minutes; {where}"
