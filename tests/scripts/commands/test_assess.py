"""`vqecg assess` end to end on a tiny set: what it writes, says, does not do twice, and refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from vqecg.downstream.assessment.results import CEILING_OF_TRTS, CEILING_OF_TSTR, TABLES
from vqecg.evaluation.privacy.released_set import ATTACKS
from vqecg.prior.generator import ECGGenerator
from vqecg.records.datasets.registry import read_table
from vqecg.records.store.building import build_store
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec
from vqecg.reports.results import read_experiment
from vqecg.scripts.cli.main import main
from vqecg.scripts.steps.assessing import read_assessment

SHORT = [
    *(
        "--preset",
        "tiny",
        "--training.fit.steps",
        "2",
        "--training.fit.batch-size",
        "8",
        "--training.fit.warmup-steps",
        "1",
    ),
    *("--replicates", "20", "--neighbours", "2", "--seeds", "0", "1"),
    *("--folds.train", "1", "2", "3", "4", "5", "6", "--folds.validation", "7", "--folds.test", "8", "9", "10"),
]


@pytest.fixture(scope="module")
def generator_folder(tiny_generator: ECGGenerator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assess") / "generator"
    tiny_generator.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def synthetic_set(generator_folder: Path) -> Path:
    """A data set that `vqecg generate` wrote."""
    out = generator_folder.parent / "synthetic"
    assert main(["generate", "--generator", str(generator_folder), "--out", str(out), "--count", "24", "--force"]) == 0
    return out


@pytest.mark.slow
def test_a_generated_set_is_assessed_and_a_finished_assessment_is_only_read(
    simulated_store: RecordStore,
    generator_folder: Path,
    synthetic_set: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    refused: Callable[..., str],
):
    out = tmp_path / "assessment"
    given = [str(synthetic_set), "--against", str(simulated_store.folder), "--generator", str(generator_folder), *SHORT]
    assert main(["assess", *given, "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "24 synthetic records against" in told and "weights of the last step" in told
    assert not list(out.glob("reconstructions-*")) and not list(out.glob(".*partial*"))

    result = tmp_path / "results" / "trial.json"
    assert main(["assess", *given, "--out", str(out), "--result", str(result)]) == 0
    experiment = read_experiment(result)
    capsys.readouterr()
    assert experiment.value("physiology, synthetic", "recall").value is not None and experiment.seeds == (0, 1)
    assert any("nearer" in figure.measure or "near copies" in figure.measure for figure in experiment.figures)

    found = read_assessment(out)
    assert set(found.utility["design"]) == {"TRTR", "TSTR", "TRTS", CEILING_OF_TSTR, CEILING_OF_TRTS}
    assert set(found.utility["family"]) == {"resnet", "attention-rnn"}
    trained_on = found.utility.groupby("design")["trained_on"].first()
    assert trained_on["TSTR"] == 24 and trained_on["TRTR"] == trained_on[CEILING_OF_TSTR]
    assert found.distances.groupby(["space", "against"])["real"].nunique().eq(1).all(), "the same N in a group"
    assert set(found.physiology["compared"]) == {"synthetic", "reconstructions"}
    assert found.memorisation["membership"]
    assert {row["attack"] for row in found.memorisation["released"]} == set(ATTACKS)
    assert all(len(getattr(found, name)) for name in TABLES)
    json.loads((out / "assessment.json").read_text(), parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    page = (out / "assessment.html").read_text()
    assert "TSTR / TRTR" in page and "<script" not in page and "http" not in page.split("<style>")[0]

    kept = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert main(["assess", *given, "--out", str(out)]) == 0
    assert kept == {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    again = refused("assess", *given, "--out", out, "--replicates", 21)
    assert "other settings" in again and "replicates" in again

    capsys.readouterr()
    more = ["--out", str(tmp_path / "more"), "--earlier", str(out)]
    without = [given[0], *given[1:3], *SHORT]
    assert main(["assess", *without, *more]) == 0
    assert not (tmp_path / "more" / "runs").exists(), "the classifiers of the earlier assessment were taken over"
    assert read_assessment(tmp_path / "more").memorisation["membership"] == []
    pd.testing.assert_frame_equal(
        found.utility[found.utility["design"] == "TSTR"].reset_index(drop=True),
        (lambda t: t[t["design"] == "TSTR"].reset_index(drop=True))(read_assessment(tmp_path / "more").utility),
    )


def test_a_synthetic_store_is_refused_as_real(
    synthetic_set: Path, simulated_store: RecordStore, tmp_path: Path, refused: Callable[..., str]
):
    store = build_store(read_table(synthetic_set), SignalSpec(100, 10.0), tmp_path / "store", progress=False)
    told = refused("assess", synthetic_set, "--against", store.folder, "--out", tmp_path / "out", *SHORT)
    assert "as those of synthetic sets are" in told and not (tmp_path / "out").exists()


def test_real_records_of_test_folds_are_refused_as_synthetic(
    simulated_store: RecordStore, tmp_path: Path, refused: Callable[..., str]
):
    folder = simulated_store.folder
    told = refused("assess", folder, "--against", folder, "--out", tmp_path / "out", *SHORT)
    assert "are in the validation or test folds" in told and not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_refused(
    simulated_store: RecordStore, tmp_path: Path, refused: Callable[..., str]
):
    (tmp_path / "mine").mkdir()
    given = [tmp_path / "mine", "--against", simulated_store.folder, "--out", tmp_path / "out", *SHORT]
    assert "neither a data set that `vqecg generate` wrote" in refused("assess", *given)
    assert "holds no record store" in refused("assess", tmp_path, "--against", tmp_path, "--out", tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_no_test_fold_is_refused(
    synthetic_set: Path, simulated_store: RecordStore, tmp_path: Path, refused: Callable[..., str]
):
    given = [synthetic_set, "--against", simulated_store.folder, "--out", tmp_path / "out", "--folds.test"]
    assert "no test fold" in refused("assess", *given)
    assert list(tmp_path.iterdir()) == []
