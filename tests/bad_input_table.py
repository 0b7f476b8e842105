"""The table of wrong and odd inputs: per kind how many were tried, and how many were refused or read rightly.

`python tests/bad_input_table.py` runs the tests marked `bad_input(kind)`; a test stands for one input, and fails where
the input passed in silence or ended in a traceback. More words go to pytest. The status is that of pytest.
"""

import sys
from collections import Counter

import pytest


class Kinds:
    """Counts the inputs of each kind as pytest runs the tests; a plugin."""

    def __init__(self) -> None:
        self.kind_of: dict[str, str] = {}
        self.outcomes: Counter[tuple[str, str]] = Counter()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            mark = item.get_closest_marker("bad_input")
            if mark is not None:
                self.kind_of[item.nodeid] = mark.args[0]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.nodeid in self.kind_of and (report.when == "call" or report.outcome != "passed"):
            self.outcomes[self.kind_of[report.nodeid], report.outcome] += 1

    def table(self) -> str:
        """The table in Markdown, one row per kind."""
        lines = ["| kind | inputs tried | refused or read rightly | silent or traceback |", "|---|---|---|---|"]
        for kind in sorted(set(self.kind_of.values())):
            passed, failed = (self.outcomes[kind, outcome] for outcome in ("passed", "failed"))
            lines.append(f"| {kind} | {passed + failed} | {passed} | {failed} |")
        passed, failed = (
            sum(count for (_, outcome), count in self.outcomes.items() if outcome == wanted)
            for wanted in ("passed", "failed")
        )
        return "\n".join([*lines, f"| all | {passed + failed} | {passed} | {failed} |"])


if __name__ == "__main__":
    kinds = Kinds()
    status = pytest.main(["-n", "0", "-m", "bad_input", *sys.argv[1:]], plugins=[kinds])
    print(kinds.table())
    sys.exit(status)
