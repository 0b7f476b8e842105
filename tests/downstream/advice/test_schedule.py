"""The plan of trials: it fits the budget, says what it leaves out, and is read as it was written."""

from pathlib import Path

import pytest

from vqecg.downstream.advice.budget import seconds_of
from vqecg.downstream.advice.candidates import REAL, WITH, WITHOUT, Candidate
from vqecg.downstream.advice.measuring import measure_seconds
from vqecg.downstream.advice.schedule import CURVE_SEEDS, Costs, Schedule, check_budget, last_seeds, plan_trials
from vqecg.downstream.advice.settings import AdviceSettings

COSTS = Costs(60.0, {"mixture": 30.0, "mixup": 0.0, "two": 0.0}, {"two": 2})
CANDIDATES = tuple(
    Candidate(name, kind, steps)
    for steps in (0.5, 1.0)
    for name, kind in (("real only", REAL), ("mixup", WITHOUT), ("mixture", WITH), ("two", WITHOUT))
)
SETTINGS = AdviceSettings()


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("1.5h", 5400), ("1h 30m", 5400)])
def test_a_budget_is_a_time(text: str, seconds: float):
    assert seconds_of(text) == seconds


@pytest.mark.bad_input("budget")
@pytest.mark.parametrize("text", ["", "30", "m", "0s", "30 minutes", "-5m", "1e9h", "5m?"])
def test_a_budget_that_is_no_time_is_refused(text: str):
    with pytest.raises(ValueError, match="expected a time such as 90s, 30m or 2h"):
        seconds_of(text)


@pytest.mark.parametrize("minutes", [22, 30, 60, 240])
def test_trials_fit_the_budget(minutes: float):
    schedule = plan_trials(CANDIDATES, SETTINGS, COSTS, 60.0 * minutes, spent=90.0)
    price = schedule.costs.of
    first = schedule.screening * sum(map(price, schedule.candidates))
    curve = CURVE_SEEDS * COSTS.whole * sum(schedule.fractions)
    assert 90.0 + first + curve + schedule.last <= 60.0 * minutes
    finalists = [one for one in schedule.candidates if one.steps == 0.5]
    seeds = last_seeds(finalists, schedule)
    assert seeds % 2 == 0 and seeds * sum(map(price, finalists)) <= schedule.last
    tried, left_out = set(schedule.candidates), " ".join(schedule.left_out)
    assert all((one in tried) != (f"to try {one}." in left_out) for one in CANDIDATES)


def test_more_time_tries_more():
    counts = [len(plan_trials(CANDIDATES, SETTINGS, COSTS, 60.0 * minutes, 90.0).candidates) for minutes in (22, 60)]
    assert counts[0] < counts[1] == len(CANDIDATES)


@pytest.mark.bad_input("budget")
def test_a_budget_for_nothing_is_refused_with_what_it_takes():
    with pytest.raises(ValueError, match=r"too short: one classifier takes 60\.0 s here"):
        plan_trials(CANDIDATES, SETTINGS, COSTS, 120.0, 60.0)
    with pytest.raises(ValueError, match=r"takes about 436 s"):  # eight classifiers in half of the steps, and more
        check_budget(60.0, AdviceSettings(steps=(0.5,)), 435.0)
    check_budget(60.0, AdviceSettings(steps=(0.5,)), 437.0)
    with pytest.raises(ValueError, match="no arm to try beside real records alone"):
        plan_trials(CANDIDATES[:1], SETTINGS, COSTS, 3600.0, 60.0)


def test_a_schedule_is_read_as_it_was_written(tmp_path: Path):
    schedule = plan_trials(CANDIDATES, SETTINGS, COSTS, 1800.0, 60.0)
    schedule.write(tmp_path)
    assert Schedule.read(tmp_path) == schedule


def test_seconds_are_measured_once_and_arms_that_cannot_be_tried_are_named(tmp_path: Path):
    calls = []

    def fails() -> None:
        raise ValueError("nothing would be added")

    works = {"mixup": lambda: calls.append("mixup"), "mixture": fails}
    for _ in range(2):
        seconds, reasons = measure_seconds(tmp_path, lambda: calls.append("real only"), works, 60.0)
        assert set(seconds) == {"real only", "mixup"}
        assert reasons == ["mixture cannot be tried: nothing would be added."]
    assert calls == ["real only", "mixup"]


@pytest.mark.bad_input("settings")
def test_settings_that_cannot_be_are_refused():
    for values in ({"seeds": 3}, {"steps": ()}, {"steps": (1.0, 1.0)}, {"fractions": (0.5, 0.5)}):
        with pytest.raises(ValueError, match=r"expected at least|none twice"):
            AdviceSettings(**values)
