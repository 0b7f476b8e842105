"""The benchmark of chance in advices."""

from pathlib import Path

from benchmarks.evaluation import advice_chance
from vqecg.reports.results import read_experiment


def test_the_best_of_several_flatters_and_the_choice_by_halves_does_not(tmp_path: Path, run):
    result = tmp_path / "advice-chance.json"
    words = ("--patients", "150", "--arms", "5", "--gains", "0", "--trials", "20")
    printed = run(advice_chance, *words, "--result", str(result))
    assert "5 arms, 150 patients, 20 advices each" in printed
    experiment = read_experiment(result)
    assert experiment.value("0", "estimate").value < experiment.value("0", "naive").value
