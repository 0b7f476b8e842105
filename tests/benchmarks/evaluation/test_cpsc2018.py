"""The experiment on CPSC2018, end to end on simulated records in its layout."""

import re
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from benchmarks.evaluation import cpsc2018
from benchmarks.evaluation.trainings import in_epochs
from vqecg.downstream.classifiers.settings import recipe
from vqecg.records.labels import CPSC2018_CLASSES
from vqecg.records.simulation.simulator import SimulatorSettings, simulate_record

# the simulator has no ST elevation: an infarction stands in, since only the layout and the arithmetic are tried here
SIMULATED = ("NORM", "AFIB", "1AVB", "CLBBB", "CRBBB", "PAC", "PVC", "STD_", "ASMI")


def write_simulated(root: Path, of_each: int) -> Path:
    """Simulated records of 10 s at 500 Hz in CPSC2018's layout, so many of each class, a few with RBBB too."""
    folder = root / "TrainingSet1"
    folder.mkdir(parents=True)
    lines = ["Recording,First_label,Second_label,Third_label"]
    for number in range(of_each * len(SIMULATED)):
        code, first = number % len(SIMULATED), number < len(SIMULATED)
        second = "CRBBB" if first and SIMULATED[code] in ("AFIB", "1AVB", "PVC") else ""
        rng = np.random.default_rng([7, number])
        statements = {SIMULATED[code], second} - {""}
        record = simulate_record(statements, rng, SimulatorSettings(10.0, 500)).record
        ecg = {"sex": "Female", "age": 60.0, "data": record.signal.astype(np.float64)}
        scipy.io.savemat(folder / f"A{number:04d}.mat", {"ECG": ecg}, do_compression=True)
        lines.append(f"A{number:04d},{code + 1},{CPSC2018_CLASSES.index('RBBB') + 1 if second else ''},")
    (root / "REFERENCE.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.mark.slow
def test_models_1_to_3_and_the_whole_stand_beside_the_published_f1(tmp_path: Path, run):
    data, result = write_simulated(tmp_path / "data", 5), tmp_path / "cpsc2018.json"
    words = ["--data", str(data), "--work", str(tmp_path / "work"), "--seconds", "10", "--steps", "1"]
    printed = run(cpsc2018, *words, "--replicates", "20", "--result", str(result))
    assert "45 records of 10 s at 100 Hz" in printed
    rows = [line.split() for line in printed.splitlines() if re.match(r"  zhang-sun", line)]
    assert [row[0] for row in rows] == list(cpsc2018.PUBLISHED)
    for row, (model, f1) in zip(rows, cpsc2018.PUBLISHED.values(), strict=True):
        assert " ".join(row).startswith(f"{row[0]} {model}") and f"{f1:.3f}" in row
    runs = list((tmp_path / "work" / "runs").iterdir())
    assert len(runs) == 4 and result.is_file()
    again = run(cpsc2018, *words, "--replicates", "20")
    assert [line.split() for line in again.splitlines() if re.match(r"  zhang-sun", line)] == rows
    assert list((tmp_path / "work" / "runs").iterdir()) == runs


def test_epochs_are_passes_with_an_evaluation_after_each():
    settings = in_epochs(recipe("zhang-sun"), 60, 4800)
    assert (settings.fit.steps, settings.fit.evaluate_every) == (60 * 150, 150)
    assert settings.fit.patience and in_epochs(recipe("zhang-sun"), 2, 33).fit.steps == 4


def test_the_published_figures_are_of_models_that_there_are():
    options = cpsc2018.parse(["--data", "data", "--work", "work"])
    assert options.models == list(cpsc2018.PUBLISHED) and options.epochs == 60
    with pytest.raises(SystemExit):
        cpsc2018.parse(["--data", "data", "--work", "work", "--models", "transformer"])
