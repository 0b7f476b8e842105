"""The plan of trials within a budget: measured once, written, and then followed whatever the clock says.

Half of the time or more goes into the last round, whose seeds are new; what is left buys candidates, in their order,
and points of the learning curve.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vqecg.downstream.advice.candidates import REAL, Candidate
from vqecg.downstream.advice.settings import LEAST_SEEDS, SCREENING_SEEDS, AdviceSettings
from vqecg.records.files.atomic import write_text
from vqecg.records.files.json_file import read_object, reading

SCHEDULE_FILE = "trials.json"
LAST = 0.55  # share of the budget for the last round
CURVE = 0.12  # for the learning curve
CURVE_SEEDS = 2


@dataclass(frozen=True)
class Costs:
    """Seconds that trials take on this machine, with as many at a time as there are workers."""

    whole: float  # a classifier of real records alone in all its steps
    additions: Mapping[str, float]  # arm -> making what it adds for one seed
    networks: Mapping[str, int]  # arm -> networks that it trains; 1 where it is not named

    def of(self, candidate: Candidate) -> float:
        """One trial of a candidate, its additions made anew."""
        networks = self.networks.get(candidate.arm, 1)
        return candidate.steps * self.whole * networks + self.additions.get(candidate.arm, 0.0)


@dataclass(frozen=True)
class Schedule:
    """The trials that the time is for. All that follows depends on it and on scores alone."""

    budget: float  # s
    costs: Costs
    candidates: tuple[Candidate, ...]  # that are tried
    screening: int  # seeds of the first round
    last: float  # s, for the last round
    most_seeds: int  # of the last round
    fractions: tuple[float, ...]  # of the learning curve
    left_out: tuple[str, ...]  # what there was no time for, or no way to try, in sentences

    def write(self, folder: Path) -> None:
        """Writes trials.json."""
        write_text(folder / SCHEDULE_FILE, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Schedule":
        """The schedule of a folder. Raises ValueError for a damaged file."""
        with reading(folder / SCHEDULE_FILE, f"delete {folder / SCHEDULE_FILE}, and the trials are planned again"):
            values: dict[str, Any] = dict(read_object(folder / SCHEDULE_FILE))
            values["costs"] = Costs(**values["costs"])
            values["candidates"] = tuple(Candidate(**one) for one in values["candidates"])
            values |= {name: tuple(values[name]) for name in ("fractions", "left_out")}
            return cls(**values)


def plan_trials(
    candidates: Sequence[Candidate],
    settings: AdviceSettings,
    costs: Costs,
    budget: float,
    spent: float,
    left_out: Sequence[str] = (),
) -> Schedule:
    """The trials for `budget` seconds, of which some are spent.

    Raises ValueError where the time is too short to compare one arm with real records alone.
    """
    base = [one for one in candidates if one.kind == REAL]
    others = [one for one in candidates if one.kind != REAL]
    last = LAST * budget
    cheapest = LEAST_SEEDS * (min(map(costs.of, base)) + min(map(costs.of, others), default=0.0))
    first = sum(map(costs.of, base)) + min(map(costs.of, others), default=0.0)
    if not others:
        why = f": {'; '.join(left_out)}" if left_out else ""
        raise ValueError(f"there is no arm to try beside real records alone; expected at least one in --arms{why}")
    if last < cheapest or budget - last - spent < first:
        raise ValueError(too_short(costs.whole, max(cheapest / LAST, (first + spent) / (1 - LAST)), budget))
    lines = list(left_out)
    curve = settings.fractions
    while curve and CURVE_SEEDS * costs.whole * sum(curve) > CURVE * budget:
        curve = curve[:-1]
    if len(curve) < len(settings.fractions):
        missing = ", ".join(f"{fraction:g}" for fraction in settings.fractions if fraction not in curve)
        lines.append(f"No time for real records of {missing} of the labelled patients (the learning curve).")
    left = budget - last - spent - CURVE_SEEDS * costs.whole * sum(curve)
    tried, price = list(base), sum(map(costs.of, base))
    for one in others:
        if price + costs.of(one) <= left:
            tried.append(one)
            price += costs.of(one)
        else:
            lines.append(f"No time to try {one}.")
    if len(tried) == len(base):  # the learning curve gives way to the one arm that must be tried
        less = [*left_out, "No time for a learning curve."]
        return plan_trials(candidates, replace(settings, fractions=()), costs, budget, spent, less)
    screening = max(1, min(SCREENING_SEEDS, int(left / price)))
    return Schedule(budget, costs, tuple(tried), screening, last, settings.seeds, curve, tuple(lines))


def check_budget(whole: float, settings: AdviceSettings, budget: float) -> None:
    """Raises ValueError for a budget that is too short even where what arms add costs nothing.

    `whole` is the seconds of one classifier of real records alone in all its steps, as `Costs.whole`: known before
    anything is added.
    """
    least = 2 * LEAST_SEEDS * min(settings.steps) * whole / LAST  # of real records alone, and of an arm at that price
    if least > budget:
        raise ValueError(too_short(whole, least, budget))


def too_short(whole: float, needed: float, budget: float) -> str:
    """The message for a budget that shows nothing."""
    return (
        f"a budget of {budget:.0f} s is too short: one classifier takes {whole:.1f} s here, and the least that "
        f"shows anything takes about {needed:.0f} s; give a longer --budget, or fewer steps (--training.fit.steps)"
    )


def last_seeds(finalists: Sequence[Candidate], schedule: Schedule) -> int:
    """The seeds that the last round can have for these candidates, an even number; 0 where there is no time for them.

    One half of the seeds chooses, the other estimates.
    """
    fitting = min(schedule.most_seeds, int(schedule.last / sum(map(schedule.costs.of, finalists))))
    return fitting - fitting % 2 if fitting >= LEAST_SEEDS else 0
