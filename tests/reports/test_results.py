"""Experiments as files: written, read back, and refused where something is missing or cannot be."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vqecg.reports.results import Experiment, Figure, Value, measured_now, read_experiment, write_experiment

FIGURES = (
    Figure(
        "prior samples", "AUROC, against real only", Value(-0.018, 3, "", -0.036, -0.002, signed=True, verdict="harm")
    ),
    Figure("store", "time", Value(None, 0, "s", 3, 5)),
)
EXPERIMENT = Experiment(
    "small-trial", "A trial", ("vqecg compare --store s",), "2026-11-27", "be5f7d3a", "2 cores", (0, 1),
    {"test records": 481}, FIGURES, negative=True,
)  # fmt: skip


def test_an_experiment_is_read_as_it_was_written(tmp_path: Path):
    path = write_experiment(EXPERIMENT, tmp_path)
    assert path == tmp_path / "small-trial.json"
    assert read_experiment(path) == EXPERIMENT
    lines = [line for line in path.read_text().splitlines() if '"of"' in line]
    assert len(lines) == 2 and '"low": -0.036' in lines[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (FIGURES[0].value, "-0.018 (-0.036 to -0.002) harm"),
        (FIGURES[1].value, "3 to 5 s"),
        (Value(10.6, 1, "%"), "10.6 %"),
        (Value(3853701, 0), "3,853,701"),
        (Value(0.5, 1, "microvolt", qualifier="at most", verdict="met"), "at most 0.5 microvolt: met"),
        (Value(-0.0, 3, signed=True), "-0.000"),
        (Value.to_digits(0.0469), "0.0469"),
        (Value.to_digits(1.338), "1.34"),
        (Value.to_digits(1274.6, "MiB"), "1,275 MiB"),
        (Value.to_digits(0.0), "0.00"),
    ],
)
def test_a_value_is_written_with_what_belongs_to_it(value: Value, text: str):
    assert str(value) == text


@pytest.mark.parametrize("field", ["title", "commands", "commit", "machine", "figures"])
def test_an_experiment_without_what_it_takes_to_repeat_it_is_refused(field: str):
    with pytest.raises(ValueError, match=f"small-trial: {field} is empty"):
        replace(EXPERIMENT, **{field: () if field in ("commands", "figures") else ""})


def test_impossible_entries_are_refused():
    with pytest.raises(ValueError, match="lower-case words joined by hyphens"):
        replace(EXPERIMENT, name="Small trial")
    with pytest.raises(ValueError, match="expected YYYY-MM-DD"):
        replace(EXPERIMENT, date="27 November")
    with pytest.raises(ValueError, match="stands twice"):
        replace(EXPERIMENT, figures=FIGURES[:1] * 2)
    for wrong in ({"low": 0.1}, {"low": 0.2, "high": 0.1}, {"verdict": "good"}, {"value": float("nan")}):
        with pytest.raises(ValueError):
            Value(**({"value": 0.1} | wrong))
    with pytest.raises(ValueError, match="expected finite numbers"):
        Value(None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.pop("seeds"), "seeds missing"),
        (lambda content: content.update(colour="red"), "colour missing or unknown"),
        (lambda content: content.update(format_version=9), "format version 9; expected 1"),
        (lambda content: content.update(name="another"), "expected the name of the file"),
        (lambda content: content["figures"][0].pop("measure"), "measure missing"),
        (lambda content: content["figures"][0].update(mean=1), "mean missing from or unknown"),
    ],
)
def test_a_file_that_is_incomplete_or_unknown_is_refused(tmp_path: Path, change, message: str):
    path = write_experiment(EXPERIMENT, tmp_path)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        read_experiment(path)
    path.write_text("no JSON")
    with pytest.raises(ValueError, match="is no valid JSON"):
        read_experiment(path)


def test_a_figure_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(ValueError, match="prior samples has AUROC, against real only"):
        EXPERIMENT.value("prior samples", "AP")
    with pytest.raises(ValueError, match="figures of prior samples, store"):
        EXPERIMENT.value("copies", "AP")


def test_what_is_measured_now_knows_commit_machine_and_date():
    experiment = measured_now("trial", "A trial", "make demo", FIGURES, seeds=[3], counts={"records": 4})
    assert experiment.commit and "cores" in experiment.machine
    assert experiment.seeds == (3,) and experiment.counts == {"records": 4}
