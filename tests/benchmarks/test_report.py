"""The file of --result: every number of a benchmark's tables, with the command that measured it."""

from pathlib import Path

import pytest

from benchmarks.evaluation import few_positives
from benchmarks.measuring import Report, benchmark_parser, cell, number
from vqecg.reports.results import read_experiment


def test_a_benchmark_writes_its_figures(tmp_path: Path, run):
    path = tmp_path / "few-positives.json"
    words = ("--patients", "60", "--positives", "1", "--trials", "10", "--replicates", "49")
    printed = run(few_positives, *words, "--result", str(path))
    experiment = read_experiment(path)
    value = experiment.value("1", "95 % intervals clear of 0")
    assert str(value) in printed and value.low is not None
    assert experiment.commands == (f"python -m benchmarks.evaluation.few_positives {' '.join(words)}",)
    assert experiment.counts == {"patients": 60, "comparisons": 10}
    assert experiment.title.startswith("Chance called a difference")
    assert experiment.machine and experiment.commit


def test_tables_of_one_report_have_scopes_and_texts_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    options = benchmark_parser("A trial.").parse_args(["--result", str(tmp_path / "trial.json")])
    report = Report("benchmarks.trial", "A trial.", ["--flag"], options)
    report.table("first", ("", "n", "PRD"), [("a", number(12345.6), cell(float("nan"), 2))], "one")
    report.table("second", ("", "level", "n"), [("a", "2", cell(0.25, 1, signed=True))], "two")
    report.write()
    experiment = read_experiment(tmp_path / "trial.json")
    assert [(figure.of, figure.measure, str(figure.value)) for figure in experiment.figures] == [
        ("one: a", "n", "12,346"),
        ("two: a, 2", "n", "+0.2"),
    ]
    assert " - " in capsys.readouterr().out.replace("-\n", " - ")


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Report("benchmarks.trial", None, [], benchmark_parser(None).parse_args([])).write()
    assert not list(tmp_path.iterdir())
