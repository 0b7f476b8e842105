"""`vqecg run`: from recordings to the report, gone on with after an interruption, and nothing across folds."""

import contextlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from vqecg.downstream.classifiers.signals import record_digests
from vqecg.downstream.comparison.comparison import read_comparison
from vqecg.records.datasets.registry import read_table
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.scripts.cli.main import main

pytestmark = pytest.mark.slow
STEPS = ("tokenizer", "prior", "classifier-synthetic", "comparison")


def words(folder: Path, *more: object) -> list[str]:
    """The command that made a run, from its own settings."""
    return [str(word) for word in ("run", "--config", folder / "run.yaml", "--out", folder, *more)]


def made(folder: Path) -> dict[str, int]:
    """Every file of a run with its time of change, but for the two that every call writes."""
    kept = (path for path in folder.rglob("*") if path.is_file() and path.name not in ("report.html", "run.yaml"))
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in kept}


def test_every_section_of_the_report_is_filled(finished_run: Path):
    page = (finished_run / "report.html").read_text(encoding="utf-8")
    assert "not run" not in page.lower()
    for key in ("summary", "data", "tokenizer", "prior", "comparison", "cost", "method"):
        assert re.search(rf'<h2 id="{key}">', page)
    assert page.count("<svg") >= 8 and "http" not in re.sub(r'xmlns(:\w+)?="[^"]+"', "", page).split("<body", 1)[1]
    assert "Synthetic. Asked for: HYP" in page or "Synthetic. Asked for: NORM" in page


def test_the_folders_are_those_of_the_single_commands(finished_run: Path):
    assert sorted(path.name for path in finished_run.iterdir()) == sorted(
        [*STEPS, "store", "synthetic", "synthetic-store", "costs.json", "report.html", "run.yaml", "synthetic.json"]
    )
    for step in STEPS:
        assert "figures" in json.loads((finished_run / step / "stage.json").read_text())
        assert not (finished_run / step / "training").exists(), "no checkpoint outlives its step"
    assert not [path for path in finished_run.rglob(".*")], "no partial left"


def test_no_patient_and_no_record_crosses_folds(finished_run: Path):
    store = RecordStore.open(finished_run / "store")
    rows = FoldSplit().indices(store.table)
    parts = [set(store.table["patient_id"].iloc[part]) for part in (rows.train, rows.validation, rows.test)]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    synthetic = RecordStore.open(finished_run / "synthetic-store")
    assert set(synthetic.table["fold"]) == {1}, "training only, whoever reads the set"
    assert not set(synthetic.table["patient_id"]) & set(store.table["patient_id"])
    own = set(record_digests(RecordSelection(synthetic, np.arange(len(synthetic)))))
    assert not own & set(record_digests(RecordSelection(store, np.arange(len(store)))))
    tested = pd.read_parquet(finished_run / "comparison" / "runs" / "test.parquet")
    assert tested["record_id"].tolist() == store.table["record_id"].iloc[rows.test].tolist()


def test_the_main_arm_is_a_mixture_that_was_tuned_on_validation_as_every_arm(finished_run: Path):
    comparison = read_comparison(finished_run / "comparison" / "runs")
    started = "mixture + simulated first"
    assert comparison.analysis.main_arm == started and "prior samples" not in set(comparison.arms["arm"])
    choices = {row["arm"]: (row["steps"], row["share"]) for row in comparison.candidates if row["chosen"]}
    assert set(choices) == set(comparison.arms["arm"])
    assert all(steps in (2, 4) for steps, _ in choices.values())
    assert choices["mixture"][1] in (0.0, 0.5) and choices[started][1] in (0.0, 0.5)
    page = (finished_run / "report.html").read_text(encoding="utf-8")
    assert "Chosen for every arm alike" in page and "chosen on validation: " in comparison.conclusion()


def test_the_synthetic_set_is_what_was_asked_for(finished_run: Path):
    table, manifest = (
        read_table(finished_run / "synthetic"),
        pd.read_parquet(finished_run / "synthetic/manifest.parquet"),
    )
    assert len(table.records) == len(manifest) == 40 == len(RecordStore.open(finished_run / "synthetic-store"))
    assert manifest["method"].eq("prior samples").all()
    stage = json.loads((finished_run / "prior" / "stage.json").read_text())
    assert manifest["generator"].eq(stage["figures"]["fingerprint"]).all()
    assert manifest["tokenizer"].eq(stage["settings"]["tokenizer"]).all()


def test_a_second_call_does_nothing_again(finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    before, costs = made(folder), (folder / "costs.json").read_text()
    assert main(words(folder)) == 0
    assert main(words(folder, "--overwrite")) == 0, "which is for steps of other settings"
    assert made(folder).keys() == before.keys()
    again = {path for path, changed in made(folder).items() if changed != before[path]}
    assert again <= {"costs.json"}
    assert json.loads((folder / "costs.json").read_text()) == json.loads(costs), (
        "the cost of a step is that of the sitting that did it"
    )
    assert f"the report is {folder / 'report.html'}" in capsys.readouterr().out


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_step_goes_on_and_ends_with_the_same_bits(finished_run: Path, tmp_path: Path, step: str):
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    mark = folder / step / "stage.json"
    unfinished = {
        name: value for name, value in json.loads(mark.read_text()).items() if name in ("command", "settings")
    }
    for path in (folder / step).iterdir():
        if step != "comparison":  # whose single classifiers are kept
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if step == "comparison":
        shutil.rmtree(folder / step / "runs" / "mixture-1")
        (folder / step / "runs" / "comparison.json").unlink()
    mark.write_text(json.dumps(unfinished))
    (folder / "report.html").unlink()
    before = made(folder)
    assert main(words(folder)) == 0
    assert (folder / "report.html").is_file()
    redone = {Path(path).parts[0] for path, changed in made(folder).items() if before.get(path) != changed}
    assert redone <= {step, "costs.json"}, "later steps find what they were made from unchanged"
    for name in (path.relative_to(finished_run) for path in finished_run.rglob("model.safetensors")):
        assert (folder / name).read_bytes() == (finished_run / name).read_bytes(), name
    one, other = (read_comparison(place / "comparison" / "runs") for place in (finished_run, folder))
    pd.testing.assert_frame_equal(one.scores, other.scores)


def test_other_settings_are_refused_then_done_when_told_to(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    settings, before = (folder / "run.yaml").read_text(), made(folder)
    assert main(words(folder, "--settings.classifier.fit.steps", 3)) == 1
    told = capsys.readouterr().err
    assert "training.fit.steps 4 there, 3 asked for" in told and "--overwrite" in told
    assert made(folder).keys() == before.keys() and (folder / "run.yaml").read_text() == settings
    assert main(words(folder, "--settings.classifier.fit.steps", 3, "--overwrite")) == 0
    changed = {Path(path).parts[0] for path, time in made(folder).items() if before.get(path) != time}
    assert changed == {"classifier-synthetic", "comparison", "costs.json"}, "what does not depend on it is kept"
    assert yaml.safe_load((folder / "run.yaml").read_text())["settings"]["classifier"]["fit"]["steps"] == 3


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--task", "superb"], "expected one of all, diagnostic"),
        (["--folds.test"], "`vqecg run` needs both"),
        (["--target-classes", "COVID"], "COVID"),
        (["--ratio", "0.01"], "nothing would be added: ask for a higher one"),
        (["--settings.prior.model.levels", "9"], "model 9 levels, the tokenizer has 3"),
        (["--settings.seeds", "1", "1"], "none twice"),
        (["--settings.classifier.model", "vgg"], "vgg"),
        (["--spec.sampling-rate", "130"], "at 130 Hz a frame"),
        (["--synthetic", "-1"], "synthetic is -1"),
        (["--data", "absent"], "absent is no folder"),
    ],
    ids=lambda value: value[0].strip("-") if isinstance(value, list) else "",
)
def test_what_could_only_fail_later_is_refused_before_training(
    more: list[str], told: str, finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    given = ["run", "--config", str(finished_run / "run.yaml"), "--out", str(tmp_path / "new"), *more]
    status: object = None
    with contextlib.suppress(SystemExit):  # what a settings class refuses is wrong usage: status 2
        status = main(given)
    assert status in (None, 1)
    assert told in capsys.readouterr().err
    assert not (tmp_path / "new" / "tokenizer").exists()


def test_a_folder_of_something_else_is_left_alone(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "thesis.tex").touch()
    given = ["run", "--config", str(finished_run / "run.yaml"), "--out", str(tmp_path), "--overwrite"]
    assert main(given) == 1
    assert "holds something else than a run" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_run_of_simulated_recordings_at_250_hz(run_settings: Path, tmp_path: Path):
    data, folder = tmp_path / "data", tmp_path / "run"
    assert main(["simulate", "--out", str(data), "--records", "120", "--sampling-rate", "250"]) == 0
    given = ["run", "--data", str(data), "--out", str(folder), "--config", str(run_settings)]
    assert main([*given, "--spec.sampling-rate", "250", "--synthetic", "8", "--settings.seeds", "0"]) == 0
    assert RecordStore.open(folder / "synthetic-store").spec.samples == 2500
    assert (folder / "report.html").is_file()
