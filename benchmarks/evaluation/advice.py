"""Advices beside what is best in hindsight: the loss of following them on the test folds, and how often they harm.

    python -m benchmarks.evaluation.advice --store runs/ptbxl/store --settings settings.yaml --out runs/advices

The file has a list of settings, each with options of `vqecg advise` and a name:

    settings:
      - {name: fraction 5, budget: 30m, generator: runs/fraction-5/prior, subset: {fraction: 0.05}}
      - {name: MI 50, generator: runs/mi-50/prior, subset: {scarce_class: MI, scarce_records: 50}, ratio: 0.2}

For each, `vqecg advise` is run. Then all arms that it tried, and real records alone, are trained with new seeds in the
steps that were best on validation records, and tested on the test folds: none of this reaches the advice. The best in
hindsight is the best of them there, or of two networks of real records alone averaged, which flatters it by the chance
in that. Harm is a loss against real records alone whose interval is below 0. Intervals have the confidence of the
advice (90 %, unless a setting asks for another). The same command goes on where it was stopped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import Cell, Report, benchmark_parser, cell, share
from vqecg.downstream.advice.advising import cases_of
from vqecg.downstream.advice.candidates import Candidate, Trial
from vqecg.downstream.advice.decision import ARM, AVERAGE, NOTHING, Advice
from vqecg.downstream.advice.estimates import Estimate
from vqecg.downstream.advice.forecast import reach_of
from vqecg.downstream.advice.selection import Scoreboard, averaging, plain_difference
from vqecg.downstream.advice.trials import Bench
from vqecg.prior.generator import ECGGenerator
from vqecg.records.files.yaml_file import read_yaml
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.subset import split_rows
from vqecg.scripts.cli.arguments import build
from vqecg.scripts.steps.advising import AdvisingStep, advising_stage
from vqecg.scripts.steps.forecasting import read_advice

FIRST_SEED = 500_000  # of the classifiers that are tested: neither the trials' nor those of a comparison


@dataclass(frozen=True)
class Outcome:
    """One advice, and what following it brought on the test folds."""

    name: str
    action: str
    arm: str  # that was followed; "real only" where nothing was to be added
    best: str  # in hindsight
    value: float  # metric of what was followed
    best_value: float
    foretold: Estimate  # gain of the advice's arm over real records alone
    measured: Estimate  # on the test folds
    harmful: bool  # the advised arm's interval is below 0

    @property
    def loss(self) -> float:
        """The metric that following the advice lost against the best in hindsight."""
        return self.best_value - self.value

    @property
    def held(self) -> bool:
        """True where the measured gain lies within both chances of the foretold one, as in the check of a forecast."""
        chances = [(one.standard_error, one.degrees_of_freedom) for one in (self.foretold, self.measured)]
        return abs(self.measured.estimate - self.foretold.estimate) <= reach_of(self.foretold.confidence, *chances)


def main(arguments: list[str] | None = None) -> None:
    """Advises, tests, and prints."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder that `vqecg prepare` wrote")
    parser.add_argument("--settings", type=Path, required=True, help="yaml file with a list of settings")
    parser.add_argument("--out", type=Path, required=True, help="folder of the advices and of the classifiers tested")
    parser.add_argument("--networks", type=int, default=4, help="classifiers of each arm that are tested")
    options = parser.parse_args(arguments)
    report = Report(__spec__.name, __doc__, arguments, options)
    outcomes = [outcome_of(name, step, options.networks) for name, step in steps_of(options)]
    rows: list[Sequence[Cell]] = [
        [
            one.name,
            one.action,
            one.arm,
            one.best,
            cell(one.value, 3),
            cell(one.loss, 3),
            cell(one.foretold.estimate, 3, "", one.foretold.low, one.foretold.high, signed=True),
            cell(one.measured.estimate, 3, "", one.measured.low, one.measured.high, signed=True),
        ]
        for one in outcomes
    ]
    heads = ("setting", "advice", "followed", "best in hindsight", "metric", "loss", "foretold gain", "measured gain")
    report.table("advices on the test folds; gains are of the advice's arm, with intervals", heads, rows)
    count = len(outcomes)
    report.table(
        f"{count} settings",
        ("", "mean loss", "largest loss", "harmful advices", "forecasts that held"),
        [
            [
                "advise",
                cell(float(np.mean([one.loss for one in outcomes])), 4),
                cell(max(one.loss for one in outcomes), 4),
                share(sum(one.harmful for one in outcomes), count),
                share(sum(one.held for one in outcomes), count),
            ]
        ],
    )
    report.write({"settings": count, "classifiers of each arm": options.networks})


def steps_of(options: Any) -> list[tuple[str, AdvisingStep]]:
    """The name and the step of each setting. Raises ValueError for a file without any, or an unknown option."""
    values = read_yaml(options.settings, "--settings")
    settings = values.get("settings")
    if set(values) != {"settings"} or not isinstance(settings, list) or not settings:
        raise ValueError(f"--settings {options.settings}: expected a mapping with a list `settings:` and nothing else")
    steps = []
    for number, given in enumerate(settings, 1):
        one: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        name = str(one.get("name", f"setting {number}"))
        asked = {key: value for key, value in one.items() if key != "name"}
        where = {"store": options.store, "out": options.out / name.replace(" ", "-")}
        steps.append((name, build(AdvisingStep, asked, where, f"--settings {options.settings}: {name}")))
    return steps


def outcome_of(name: str, step: AdvisingStep, networks: int) -> Outcome:
    """An advice, and the test of everything that it tried."""
    advising_stage(step)
    advice = read_advice(step.out)
    bench = hindsight_bench(step)
    cases, seeds = cases_of(bench), range(FIRST_SEED, FIRST_SEED + networks)
    tried = best_of_each_arm(advice)
    scores = bench.finish([Trial(one, seed) for one in tried for seed in seeds], step.workers)
    columns = np.array([advice.setting.class_names.index(target) for target in advice.setting.targets])
    board = Scoreboard(cases, scores, advice.setting.metric, columns)
    values = {str(one): board.value(one, seeds) for one in tried}
    base, averaged = str(advice.base), f"two of {advice.base}"
    values[averaged] = values[base] + averaging(board, advice.base, seeds, columns, advice.setting.confidence).estimate
    gain = plain_difference(board, advice.arm, advice.base, seeds, columns, advice.setting.confidence)
    followed = {ARM: str(advice.arm), AVERAGE: averaged, NOTHING: base}[advice.action]
    best, harmful = max(values, key=values.__getitem__), advice.action == ARM and gain.high < 0
    return Outcome(name, advice.action, followed, best, values[followed], values[best], advice.gain, gain, harmful)


def hindsight_bench(step: AdvisingStep) -> Bench:
    """The same training records, judged on the test folds."""
    store = RecordStore.open(step.store)
    store = step.design.subset.known_labels(store, step.design.folds)
    rows = split_rows(store, step.design.folds, step.design.subset, store.task(step.design.task))
    generator = None if step.generator is None else ECGGenerator.from_pretrained(step.generator)
    return Bench(step.design, store, generator, step.out / "hindsight", rows)


def best_of_each_arm(advice: Advice) -> list[Candidate]:
    """Of each arm the candidate that was best on validation records, those of the last round before others."""
    ranked = sorted(advice.tried, key=lambda one: (one.last is None, -(one.last or one.first)))
    arms = {advice.base.arm: advice.base, advice.arm.arm: advice.arm}
    for one in ranked:
        arms.setdefault(one.candidate.arm, one.candidate)
    return list(arms.values())


if __name__ == "__main__":
    main()
