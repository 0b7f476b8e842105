"""Timing alternatives side by side."""

import numpy as np
import pytest

from benchmarks import measuring


def test_the_ratio_of_two_timings_is_taken_round_by_round():
    ours, other = (measuring.Timing(name, np.array(rates)) for name, rates in (("a", [4.0, 40]), ("b", [2.0, 20])))
    assert ours.ratio(other) == 2


def test_every_alternative_is_timed_once_a_round_after_a_run_to_warm_up():
    calls: list[str] = []
    works = {name: lambda name=name: calls.append(name) for name in ("a", "b")}
    timings = measuring.time_side_by_side(works, items=10, rounds=2)
    assert calls == ["a", "b"] * 3
    assert [timing.rates.shape for timing in timings] == [(2,), (2,)]
    with pytest.raises(ValueError, match="expected at least 1"):
        measuring.time_side_by_side(works, items=10, rounds=0)
