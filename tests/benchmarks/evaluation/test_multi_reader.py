"""The measure behind the test of a comparison's verdicts."""

import json
from pathlib import Path

from benchmarks.evaluation import multi_reader


def test_every_test_and_structure_has_errors_power_and_coverage(run, tmp_path: Path):
    words = ("--trials", "3", "--with-difference", "3", "--bootstrapped", "3", "--replicates", "39")
    file = tmp_path / "multi-reader.json"
    printed = run(multi_reader, *words, "--patients", "60", "--prevalences", "0.4", "--result", str(file))
    for structure in multi_reader.STRUCTURES:
        assert printed.count(f"  {structure.name}, 40 % positive") == 4
    assert all(test in printed for test in multi_reader.TESTS)
    figures = json.loads(file.read_text())["figures"]
    errors = [one for one in figures if one["measure"] == f"errors: {multi_reader.OURS}"]
    assert len(errors) == len(multi_reader.STRUCTURES) and all(0 <= one["value"] <= 1 for one in errors)
