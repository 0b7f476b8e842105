"""Fixtures of the tests of benchmarks."""

from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a benchmark with these words and returns its output."""

    def output(module: ModuleType, *words: str) -> str:
        module.main(list(words))
        printed = capsys.readouterr().out
        assert printed.startswith("machine: ")
        return printed

    return output
