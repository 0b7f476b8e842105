"""A comparison's figures under the names by which pages of results ask for them, and the files of its command."""

import json
from pathlib import Path

import numpy as np
import pytest

from vqecg.downstream.comparison.comparison import COMPARISON_FILE
from vqecg.downstream.comparison.results import Analysis, ArmScores, Comparison, analyse
from vqecg.reports.comparison.experiment import comparison_experiment
from vqecg.reports.results import read_experiment, write_experiment
from vqecg.scripts.steps.comparing import write_results


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """Three arms, of which "prior samples" sees MI better."""
    generator = np.random.default_rng(0)
    labels = (generator.random((200, 3)) < 0.4).astype(float)
    signal = labels + generator.normal(size=labels.shape)
    arms = []
    for name in ("real only", "duplication", "prior samples"):
        change = np.array((0, 1, 0)) * labels * (name == "prior samples")
        scores = signal + change + generator.normal(scale=0.2, size=(2, *labels.shape))
        arms.append(ArmScores(name, "a note", 100, 20 * (name == "prior samples"), scores, np.full((2, 3), 0.5)))
    patients = [f"p{row}" for row in range(200)]
    names = ("NORM", "MI", "HYP")
    return analyse(arms, labels, patients, names, ("MI",), (0, 1), "by hand", {}, Analysis(replicates=199))


def test_a_comparison_becomes_scores_and_differences_by_name(comparison: Comparison, tmp_path: Path):
    experiment = comparison_experiment(comparison, "mi-trial", "vqecg compare --store s")
    assert read_experiment(write_experiment(experiment, tmp_path)) == experiment
    gain = experiment.value("prior samples", "AUROC of scarce classes, against real only")
    row = comparison.difference("prior samples", "real only", "scarce classes", "auroc")
    assert (gain.value, gain.low, gain.high, gain.verdict) == (row.estimate, row.low, row.high, "gain")
    assert experiment.value("real only", "AP of all classes").value is not None
    assert experiment.value("prior samples", "F1 of MI, against duplication").signed
    assert experiment.seeds == (0, 1) and experiment.counts["test patients"] == 200
    assert experiment.counts["synthetic records of prior samples"] == 20
    assert experiment.verdict == comparison.conclusion()


def test_a_comparison_is_written_to_one_file_and_a_grid_to_one_for_each_cell_of_its_plan(
    comparison: Comparison, tmp_path: Path
):
    text = json.dumps(comparison.to_dict())
    for place in ("single/runs", "grid/cells/MI-cut-to-50", "grid/cells/HYP", "grid/cells/of-an-earlier-plan"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / COMPARISON_FILE).write_text(text)
    written = [
        path.name
        for folder, cells in (("single", ()), ("grid", ("HYP", "MI-cut-to-50")))
        for path in write_results(tmp_path / folder, tmp_path / "results" / "trial.json", "vqecg compare", cells)
    ]
    assert written == ["trial.json", "trial-hyp.json", "trial-mi-cut-to-50.json"]
    assert {path.name for path in (tmp_path / "results").iterdir()} == set(written)
