"""From records and a generator to an advice: measure, plan, two rounds of trials, and the decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from vqecg.downstream.advice.arms import candidates_of, needs_generator
from vqecg.downstream.advice.candidates import REAL, WITH, Candidate, Trial
from vqecg.downstream.advice.contrasts import Cases
from vqecg.downstream.advice.decision import Advice, ClassEffect, Setting, Tried
from vqecg.downstream.advice.halves import halves
from vqecg.downstream.advice.learning_curve import LearningCurve, fit_curve
from vqecg.downstream.advice.measuring import measure_seconds
from vqecg.downstream.advice.schedule import (
    CURVE_SEEDS,
    SCHEDULE_FILE,
    Costs,
    Schedule,
    check_budget,
    last_seeds,
    plan_trials,
)
from vqecg.downstream.advice.selection import (
    BOTH,
    Choice,
    CrossFitted,
    Scoreboard,
    averaging,
    choose,
    cross_fit,
    finalists,
    plain_difference,
    union,
)
from vqecg.downstream.advice.settings import LEAST_SEEDS, METRICS, AdviceSettings
from vqecg.downstream.augmentation.plan import REAL_ONLY
from vqecg.downstream.comparison.arms.registry import find_arm
from vqecg.downstream.comparison.tables import LEAST_PATIENTS

if TYPE_CHECKING:
    from vqecg.downstream.advice.trials import Bench

ONE_SEED = "The first round had one seed: its order of candidates is partly chance in training."
FLATTERED = (
    "There was no time for what each half of the patients chose by itself, so both chose the finalists together: the "
    "gain is flattered, and the last round, of the fewest seeds that show anything, may have run over the budget. Give "
    "a longer one."
)
STOPPED = (
    "The classifiers of this recipe stop early by the loss on these validation folds: all scores here, those of real "
    "records alone included, are a little flattered."
)
WEIGHTS = (
    "The generator's weights were chosen on these validation folds: arms that use it may look a little better here "
    "than on records that nothing was chosen on."
)


def schedule_of(bench: Bench, arms: Sequence[str], settings: AdviceSettings, budget: float, workers: int) -> Schedule:
    """The plan of the folder: read if it is there, else made from what trials cost here, and written.

    Raises ValueError where no target class can be judged, and as `plan_trials`.
    """
    target_columns(bench, cases_of(bench))
    if not (bench.folder / SCHEDULE_FILE).is_file():
        others = [one for one in candidates_of(arms, (1.0,)) if one.kind != REAL]
        idle = [one for one in others if bench.generator is None and needs_generator(find_arm(one.arm))]
        names = "; ".join(one.arm for one in idle)
        left_out = [f"No generator is given, so these are not tried: {names}."] if idle else []
        able = [one for one in others if one not in idle]
        seed = settings.first_seed
        filling = {one.arm: partial(bench.run, Trial(one, seed)) for one in able}
        whole_base = bench.run(Trial(Candidate(REAL_ONLY, REAL), seed))
        alone, _ = measure_seconds(bench.folder, whole_base, {}, budget)
        check_budget(alone[REAL_ONLY] / workers, settings, budget)
        seconds, reasons = measure_seconds(bench.folder, whole_base, filling, budget)
        spent, whole = sum(seconds.values()), seconds.pop(REAL_ONLY)
        costs = Costs(whole / workers, seconds, {name: bench.networks(name, seed) for name in seconds})
        candidates = candidates_of(list(seconds), settings.steps)
        schedule = plan_trials(candidates, settings, costs, budget, spent, [*left_out, *reasons])
        schedule.write(bench.folder)
    return Schedule.read(bench.folder)


@dataclass(frozen=True, eq=False)
class Rounds:
    """Finished trials, ready to be judged."""

    bench: Bench
    settings: AdviceSettings
    schedule: Schedule
    board: Scoreboard
    first: tuple[int, ...]  # seeds of the first round
    last: tuple[int, ...]  # of the last
    finalists: tuple[Candidate, ...]
    fitted: CrossFitted
    choice: Choice  # by all validation records
    honest: bool  # False where both halves chose the finalists together


def run_rounds(
    bench: Bench, settings: AdviceSettings, schedule: Schedule, workers: int = 1, progress: bool = True
) -> Rounds:
    """All trials of the plan, and the choices by their scores."""
    cases = cases_of(bench)
    metric, columns = bench.design.analysis.primary_metric, target_columns(bench, cases)
    first = tuple(range(settings.first_seed, settings.first_seed + schedule.screening))
    scores = bench.finish([Trial(one, seed) for seed in first for one in schedule.candidates], workers, progress)
    among, honest = finalists(Scoreboard(cases, scores, metric, columns), schedule, first)
    last = tuple(range(first[-1] + 1, first[-1] + 1 + max(last_seeds(union(among), schedule), LEAST_SEEDS)))
    scores |= bench.finish([Trial(one, seed) for one in union(among) for seed in last], workers, progress)
    board = Scoreboard(cases, scores, metric, columns)
    fitted = cross_fit(board, among, first, last, settings.confidence)
    choice = choose(board, among[BOTH], [*first, *last])
    points = [Trial(choice.base, seed, share) for share in schedule.fractions for seed in last[:CURVE_SEEDS]]
    scores |= bench.finish(points, workers, progress)
    return Rounds(bench, settings, schedule, board, first, last, tuple(union(among)), fitted, choice, honest)


def cases_of(bench: Bench) -> Cases:
    """The records that trials are judged on."""
    patients, labels = bench.judged.patients, bench.judged.labels(bench.task)
    return Cases(labels, patients, halves(patients, labels))


def target_classes(bench: Bench) -> tuple[str, ...]:
    """The classes that a gain is about: those named, or made scarce; all of the task where there are none.

    Raises ValueError for a name that is no class of the task.
    """
    design, names = bench.design, bench.task.class_names
    unknown = [name for name in design.target_classes if name not in names]
    if unknown:
        raise ValueError(
            f"--target-classes {' '.join(unknown)}: no class of the task {bench.task.name}; expected some of "
            f"{', '.join(names)}, or none for all of them"
        )
    named = design.target_classes or (design.subset.scarce_class,)
    return tuple(name for name in names if name in named) or names


def target_columns(bench: Bench, cases: Cases) -> np.ndarray:
    """The columns of the target classes that can be judged. Raises ValueError where there are none."""
    metric = bench.design.analysis.primary_metric
    if metric not in METRICS:
        raise ValueError(f"primary_metric is {metric!r}; expected {' or '.join(METRICS)}: an advice uses no thresholds")
    targets = target_classes(bench)
    inside = np.isin(bench.task.class_names, targets)
    if not (inside & cases.judged).any():
        raise ValueError(
            f"too few validation patients have, or lack, {', '.join(targets)} ({LEAST_PATIENTS} in each half are "
            "needed): name other target classes, or more validation folds (--folds.validation)"
        )
    return np.flatnonzero(inside & cases.judged)


def advice_of(rounds: Rounds) -> Advice:
    """The decision from finished trials."""
    fitted, choice, board = rounds.fitted, rounds.choice, rounds.board
    confidence, columns = rounds.settings.confidence, board.columns
    other = next(metric for metric in METRICS if metric != board.metric)
    judged = [int(column) for column in np.flatnonzero(board.cases.judged)]
    common = [column for column in judged if column not in columns]
    names = rounds.bench.task.class_names
    gain = fitted.difference("challenger", "base", columns)
    rivalled = choice.challenger.kind == WITH and fitted.rivalled
    average = averaging(board, choice.base, rounds.last, columns, confidence)
    arm = rounds.bench.arm(choice.challenger.arm, rounds.last[0])
    cautions = [*([] if rounds.honest else [FLATTERED]), *([ONE_SEED] if len(rounds.first) == 1 else [])]
    cautions += [STOPPED] if rounds.bench.design.training.fit.patience else []
    return Advice(
        setting=setting_of(rounds),
        base=choice.base,
        arm=choice.challenger,
        note="" if arm is None else arm.note,
        gain=gain,
        second=fitted.difference("challenger", "base", columns, other),
        naive=plain_difference(
            board, choice.challenger, choice.base, [*rounds.first, *rounds.last], columns, confidence
        ),
        generator=fitted.difference("challenger", "without", columns) if rivalled else None,
        averaging=average,
        common=fitted.difference("challenger", "base", common) if common else None,
        classes=tuple(
            ClassEffect(names[column], column in columns, fitted.difference("challenger", "base", [column]))
            for column in judged
        ),
        curve=curve_of(rounds, {"the arm's gain": gain.estimate, "the smallest gain": gain.smallest}),
        tried=tuple(tried_of(rounds, one) for one in rounds.schedule.candidates),
        cautions=tuple([*cautions, *([WEIGHTS] if rounds.bench.generator is not None else [])]),
    )


def setting_of(rounds: Rounds) -> Setting:
    """The data and the rule."""
    bench, board = rounds.bench, rounds.board
    names = bench.task.class_names
    return Setting(
        metric=board.metric,
        task=bench.task.name,
        class_names=names,
        targets=tuple(names[column] for column in board.columns),
        unjudged=tuple(name for name, good in zip(names, board.cases.judged, strict=True) if not good),
        training_records=len(bench.train),
        validation_records=len(bench.judged),
        validation_patients=len(set(board.cases.patients)),
        first_seeds=rounds.first,
        last_seeds=rounds.last,
        full_steps=bench.design.training.fit.steps,
        confidence=rounds.settings.confidence,
        harm=rounds.settings.harm,
        agreeing=rounds.fitted.agreeing,
        left_out=rounds.schedule.left_out,
    )


def tried_of(rounds: Rounds, one: Candidate) -> Tried:
    """A candidate with what it reached."""
    board, base = rounds.board, rounds.choice.base
    first = board.value(one, rounds.first)
    if one not in rounds.finalists:
        return Tried(one, first, None, None)
    gain = plain_difference(board, one, base, rounds.last, board.columns, rounds.settings.confidence)
    return Tried(one, first, board.value(one, rounds.last), None if one == base else gain)


def curve_of(rounds: Rounds, gains: dict[str, float]) -> LearningCurve | None:
    """The learning curve of real records alone; None where there was no time for it."""
    shares, board = sorted(rounds.schedule.fractions), rounds.board
    if not shares:
        return None
    points = [[Trial(rounds.choice.base, seed, share) for seed in rounds.last[:CURVE_SEEDS]] for share in shares]
    points.append([Trial(rounds.choice.base, seed) for seed in rounds.last])
    measured = [
        [(one[:, board.columns].mean(axis=1), other[:, board.columns].mean(axis=1)) for one, other in map(board.of, of)]
        for of in points
    ]
    whole = len(rounds.bench.train)
    records = [*(round(share * whole) for share in shares), whole]
    wanted = {name: gain for name, gain in gains.items() if gain > 0}
    return fit_curve(records, measured, wanted, rounds.settings.confidence)
