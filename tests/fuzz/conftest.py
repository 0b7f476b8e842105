"""Fuzzing: files made of random mutations, which must be read rightly or refused with a ValueError.

A plain run tries the same 50 examples a test. `VQECG_FUZZ_SECONDS=3600 pytest -n 0 tests/fuzz -m ""` shares that time
among the tests, seed after seed, and says how many examples each has tried; VQECG_FUZZ_SEED is the first seed (0). A
test is a function with @given and without max_examples; one that writes files does so in one folder again and again.
"""

import inspect
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings

SECONDS = float(os.environ.get("VQECG_FUZZ_SECONDS", "0"))  # of the whole run; 0: the fixed examples only
FIRST_SEED = int(os.environ.get("VQECG_FUZZ_SEED", "0"))
FOLDER = Path(__file__).parent

_common: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("fuzz", max_examples=50, derandomize=True, **_common)
settings.register_profile("long fuzz", max_examples=500, **_common)

examples: Counter[str] = Counter()  # test -> examples tried
tests_of_the_run: list[str] = []


@contextmanager
def fuzzing_profile() -> Iterator[None]:
    """The settings of hypothesis within this folder; elsewhere they stay as they are."""
    before = settings.get_current_profile_name()
    settings.load_profile("long fuzz" if SECONDS else "fuzz")
    try:
        yield
    finally:
        settings.load_profile(before)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    with fuzzing_profile():
        return (yield)


def pytest_collection_finish(session: pytest.Session) -> None:
    tests_of_the_run.extend(item.nodeid for item in session.items if FOLDER in item.path.parents)


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a test of hypothesis once, or with one seed after the other until its share of the time is over."""
    test = pyfuncitem.obj
    if not getattr(test, "is_hypothesis_test", False):
        return None
    inner = test.hypothesis.inner_test
    test.hypothesis.inner_test = counted(getattr(inner, "__wrapped__", inner), pyfuncitem.nodeid)
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(test).parameters}
    end = time.monotonic() + SECONDS / len(tests_of_the_run)
    with fuzzing_profile():
        for number in count(FIRST_SEED):
            (seed(number)(test) if SECONDS else test)(**arguments)
            if time.monotonic() >= end:
                return True
    return True


def counted(test: Callable[..., None], name: str) -> Callable[..., None]:
    """The test, with every example counted."""

    @wraps(test)
    def counting(*positions: Any, **names: Any) -> None:
        examples[name] += 1
        test(*positions, **names)

    return counting


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SECONDS:
        for name, tried in examples.items():
            terminalreporter.write_line(f"{tried:,} examples tried by {name}, seeds from {FIRST_SEED}")
