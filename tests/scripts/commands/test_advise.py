"""`vqecg advise`: the advice, its page and its plan, which `vqecg compare` runs; then how good the forecast was."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from vqecg.downstream.advice.candidates import REAL, WITH, WITHOUT, Candidate
from vqecg.downstream.advice.decision import ACTIONS, Advice, Setting, Tried
from vqecg.downstream.advice.estimates import Estimate
from vqecg.downstream.advice.words import gain_lines
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main
from vqecg.scripts.steps.advising import AdvisingStep, write_plan
from vqecg.scripts.steps.forecasting import CHECK_FILE, read_advice

SHORT = ["--preset", "tiny", "--training.fit.steps", "3", "--training.fit.batch-size", "8"]
SHORT += ["--training.fit.warmup-steps", "1", "--augmentation.least", "1", "--stream.times", "1"]
FOLDS = ["--folds.train", "1", "2", "3", "--folds.validation", "4", "5", "6", "7", "--folds.test", "8", "9", "10"]
TRIALS = ["--advice.steps", "1", "--advice.seeds", "4", "--advice.fractions", "0.5", "--budget", "1h"]


@pytest.fixture(scope="module")
def generator(tiny_generator: ECGGenerator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generator") / "prior"
    tiny_generator.save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_an_advice_is_printed_planned_run_and_checked(
    simulated_store: RecordStore, generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out, grid, store = tmp_path / "advice", tmp_path / "grid", str(simulated_store.folder)
    words = ["advise", "--store", store, "--generator", str(generator), "--out", str(out), "--allow-other-training"]
    words += [*SHORT, *FOLDS, *TRIALS, "--target-classes", "NORM", "--ratio", "2", "--seeds", "0", "1"]
    words += ["--arms", "mixture"]
    assert main(words) == 0
    printed, advice = capsys.readouterr().out, read_advice(out)
    assert ("These trials would have seen a gain of" in printed and "Add nothing" in printed) or "Use" in printed
    assert advice.action in ACTIONS and "CAUTION" in advice.cautions[0]
    page = (out / "advice.html").read_text(encoding="utf-8")
    assert "Expected gain" in page and "Forecast and measurement" not in page
    (cell,) = yaml.safe_load((out / "plan.yaml").read_text(encoding="utf-8"))["cells"]
    assert cell["analysis"]["main_arm"] == "mixture" and cell["target_classes"] == ["NORM"]
    assert main(words) == 0 and capsys.readouterr().out.startswith(printed[:40])
    run = ["compare", "--plan", str(out / "plan.yaml"), "--store", store, "--out", str(grid), "--allow-other-training"]
    assert main(run) == 0
    told = capsys.readouterr().out
    assert "forecast: mixture over real only, macro auroc of scarce classes: foretold" in told
    assert (out / CHECK_FILE).is_file()
    assert "Forecast and measurement" in (out / "advice.html").read_text(encoding="utf-8")
    assert main(["advise", "--store", store, "--out", str(out), "--check", str(grid)]) == 0
    assert capsys.readouterr().out.startswith("mixture over real only")


@pytest.mark.bad_input("budget")
def test_a_budget_that_is_no_time_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["advise", "--store", str(tmp_path), "--out", str(tmp_path / "out"), "--budget", "soon"])
    assert ended.value.code == 2 and "a budget of 'soon'; expected a time" in capsys.readouterr().err


@pytest.mark.bad_input("folder without an advice")
def test_a_folder_without_an_advice_has_no_forecast(tmp_path: Path, refused: Callable[..., str]):
    told = refused("advise", "--store", tmp_path, "--out", tmp_path / "out", "--check", tmp_path)
    assert "holds no advice.json; expected the folder of a finished `vqecg advise`" in told


def test_an_advice_refuses_a_main_arm_that_is_named_before_it(tmp_path: Path, refused: Callable[..., str]):
    told = refused("advise", "--store", tmp_path, "--out", tmp_path / "out", "--analysis.main-arm", "mixture")
    assert "names arms (mixture); an advice names the main arm" in told


@pytest.mark.bad_input("tuning of an advice")
def test_an_advice_refuses_a_tuning_that_it_would_not_follow(tmp_path: Path, refused: Callable[..., str]):
    told = refused("advise", "--store", tmp_path, "--out", tmp_path / "out", "--tuning.steps", "100", "200")
    assert "an advice tries every arm in --advice.steps" in told


@pytest.mark.bad_input("seeds of an advice")
def test_an_advice_refuses_the_seeds_of_its_comparison(tmp_path: Path, refused: Callable[..., str]):
    told = refused("advise", "--store", tmp_path, "--out", tmp_path / "out", "--seeds", "0", "1003")
    assert "the seeds [1003] are those of trials too" in told


def estimate(value: float) -> Estimate:
    return Estimate(value, value - 0.01, value + 0.01, 0.005, 9.0, 4, 0.9)


def advice_of(arm: str, kind: str, *tried: Tried) -> Advice:
    setting = Setting(
        "auroc", "superdiagnostic", ("NORM",), ("NORM",), (), 9, 9, 9, (0,), (1, 2), 100, 0.9, 0.005, 4, ()
    )
    base = Candidate("real only", REAL, 0.5)
    gains = {"gain": estimate(0.02), "second": estimate(0.0), "naive": estimate(0.0), "averaging": estimate(0.0)}
    none = {"generator": None, "common": None, "classes": (), "curve": None, "cautions": ()}
    return Advice(setting=setting, base=base, arm=Candidate(arm, kind), note="", tried=tried, **gains, **none)


def test_a_plan_sets_the_arm_against_the_best_without_a_generator(tmp_path: Path):
    tried = (
        Tried(Candidate("real only", REAL), 0.9, 0.9, estimate(0.01)),
        Tried(Candidate("mixup", WITHOUT, 0.25), 0.8, 0.8, estimate(0.0)),
        Tried(Candidate("two networks", WITHOUT), 0.7, 0.7, estimate(0.0)),
        Tried(Candidate("mixture", WITH), 0.9, 0.9, estimate(0.02)),
    )
    advice = advice_of("mixture", WITH, *tried)
    step = AdvisingStep(tmp_path / "store", tmp_path)
    write_plan(tmp_path / "plan.yaml", advice, step.design, step)
    text = (tmp_path / "plan.yaml").read_text(encoding="utf-8")
    (cell,) = yaml.safe_load(text)["cells"]
    assert cell["arms"] == ["mixture", "mixup", "mixture of shuffled labels"]
    assert cell["analysis"]["main_arm"] == "mixture" and cell["analysis"]["against"] == ["mixup"]
    assert cell["tuning"]["steps"] == [25, 50, 100] and "--generator GENERATOR" in text
    assert "No arm without a generator was measured beside it" in " ".join(gain_lines(advice))
