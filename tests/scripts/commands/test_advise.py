"""`vqecg advise`: the advice, its page and its plan, which `vqecg compare` runs; then how good the forecast was."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from vqecg.downstream.advice.decision import ACTIONS
from vqecg.prior.generator import ECGGenerator
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main
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
