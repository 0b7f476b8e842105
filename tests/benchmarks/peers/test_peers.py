"""The comparison with peers: what holds without any peer installed."""

import ast
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import peers
from benchmarks.peers import peers_vqecg as ours
from vqecg.downstream.classifiers.settings import CLASSIFIER_FIT, ClassifierSettings
from vqecg.downstream.classifiers.thresholds import FIXED
from vqecg.prior.generator import ECGGenerator
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore
from vqecg.training.fit import FitSettings

CHECKOUT = Path(__file__).resolve().parents[3]
BENCHMARKS = CHECKOUT / "benchmarks" / "peers"
FOLDS = FoldSplit((1, 2, 3, 4, 5, 6, 7), (8,), (9,))


def side(name: str, rates: tuple[float, ...], prds: tuple[float, ...]):
    """A side with made-up costs."""
    return peers.Side(name, 1_000_000, 900.0, (0.3, 0.1), 800.0, 700.0, rates, prds, 0.75)


def test_the_peers_side_imports_nothing_of_vqecg_which_its_environment_lacks():
    tree = ast.parse((BENCHMARKS / "peers_ecgen.py").read_text("utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    ours = {path.stem for path in (CHECKOUT / "benchmarks").rglob("*.py")} | {"benchmarks", "vqecg"}
    assert "ecgen" in imported
    assert not imported & ours


def test_no_file_of_the_package_imports_a_peer():
    rooms = ("records", "training", "tokenizer", "prior", "evaluation", "downstream", "reports", "scripts")
    files = [path for room in rooms for path in (CHECKOUT / room).rglob("*.py")]
    assert files
    assert not [path for path in files if "import ecgen" in path.read_text("utf-8")]


def test_both_sides_are_asked_for_label_rows_of_training_records(simulated_store: RecordStore, tmp_path: Path):
    rows = FOLDS.indices(simulated_store.table)
    task = simulated_store.task("superdiagnostic")
    sources = peers.export(simulated_store, rows, task, 40, 3, tmp_path)
    assert set(sources) <= set(rows.train)
    requests = np.load(tmp_path / "requests.npz")
    np.testing.assert_array_equal(requests["labels"], simulated_store.labels(task)[sources])
    train = np.load(tmp_path / "train.npz")
    assert train["signals"].shape == (len(rows.train), 8, 1000)
    assert train["signals"].dtype == np.float32 and int(train["rate"]) == 100
    assert len(np.load(tmp_path / "test.npz")["signals"]) == len(rows.test)
    np.testing.assert_array_equal(peers.export(simulated_store, rows, task, 40, 3, tmp_path), sources)


def test_our_rate_is_the_highest_that_is_no_higher_than_the_peers():
    ours = side("vqecg", (125.0, 250.0, 375.0), (50.0, 40.0, 30.0))
    assert [ours.at_rate(limit) for limit in (125.0, 260.0, 1000.0)] == [0, 1, 2]
    with pytest.raises(ValueError, match="at most 100"):
        ours.at_rate(100.0)


def test_the_tables_put_our_prd_beside_the_peers_at_its_rate(capsys: pytest.CaptureFixture[str]):
    sides = [side("vqecg", (125.0, 250.0), (50.0, 40.0)), side("vqvae", (130.0,), (70.0,))]
    options = peers.parse(["--store", "s", "--work", "w", "--batches", "1", "8"])
    report = peers.Report("benchmarks.peers.peers", peers.__doc__, [], options)
    peers.print_sides(report, [*sides, side("pulse2pulse", (), ())], 0.9)
    lines = capsys.readouterr().out.splitlines()
    compared = [line.split() for line in lines if line.split()[:1] == ["vqvae"]][-1]
    assert compared == ["vqvae", "130", "bit/s", "70.0", "125", "50.0"]
    assert sum("pulse2pulse" in line for line in lines) == 1  # a model without a codec has no PRD


def test_a_stage_that_the_same_command_finished_is_not_run_again(tmp_path: Path):
    def command(number: int) -> list[str]:
        counted = f"import pathlib; open(pathlib.Path({str(tmp_path)!r}) / 'runs', 'a').write('{number}')"
        return [sys.executable, "-c", counted]

    for number in (1, 1, 2):
        peers.run_stage("train", command(number), tmp_path / "side")
    assert (tmp_path / "runs").read_text() == "12"


def test_a_stage_that_failed_says_where_its_log_is_and_runs_again(tmp_path: Path):
    failing = [sys.executable, "-c", "raise SystemExit('no such record')"]
    for _ in range(2):
        with pytest.raises(ValueError, match=r"train of side ended with 1; .*train\.log"):
            peers.run_stage("train", failing, tmp_path / "side")
    assert "no such record" in (tmp_path / "side" / "train.log").read_text()


def test_another_budget_is_another_run_and_more_records_train_nothing_anew(tmp_path: Path):
    def commands(*extra: str) -> dict[str, list[str]]:
        options = peers.parse(["--store", "s", "--work", str(tmp_path), *extra])
        return dict(peers.peer_commands(Path("python"), "vqvae", options, tmp_path / "exchange"))

    first, longer, more = commands(), commands("--minutes", "30"), commands("--records", "500")
    assert first["train"] != longer["train"] and first["sample"] != longer["sample"]
    assert first["train"] == more["train"] and first["sample"] != more["sample"]


def test_the_steps_fill_the_budget_after_the_evaluations_are_paid():
    cost = ours.StepCost(fixed=2.0, step=0.5)
    assert cost.steps(100) == (100 - ours.EVALUATIONS * 2) / 0.5
    with pytest.raises(ValueError, match="give more --minutes"):
        cost.steps(10)


def test_a_shorter_schedule_keeps_the_shares_of_warm_up_and_averaging():
    settings = FitSettings(steps=1600, warmup_steps=80, average_decay=0.99)
    short = ours.fitted(settings, 400)
    assert (short.steps, short.warmup_steps, short.evaluate_every) == (400, 20, 100)
    assert short.average_decay == pytest.approx(0.96)
    assert ours.fitted(settings, 3200).average_decay == pytest.approx(0.99)


@pytest.mark.slow
def test_our_side_trains_draws_and_is_judged(simulated_store: RecordStore, tmp_path: Path):
    rows = FOLDS.indices(simulated_store.table)
    task = simulated_store.task("superdiagnostic")
    sources = peers.export(simulated_store, rows, task, 12, 0, tmp_path)
    shape = ["--store", str(simulated_store.folder), "--exchange", str(tmp_path), "--out", str(tmp_path / "vqecg")]
    shape += ["--preset", "tiny", "--steps", "12", "8", "--records", "12", "--batches", "1", "4"]
    for stage in ("train", "sample"):
        ours.main([stage, *shape])
    steps = [stage["steps"] for stage in json.loads((tmp_path / "vqecg" / "train.json").read_text())["stages"]]
    assert steps == [12, 8]
    assert ECGGenerator.from_pretrained(tmp_path / "vqecg" / "generator").class_names == task.class_names
    classifier = ClassifierSettings(fit=replace(CLASSIFIER_FIT, steps=2, batch_size=8), threshold_policy=FIXED)
    judge = peers.Judge(simulated_store, rows, task, classifier, 0)
    found = peers.read_side("vqecg", tmp_path / "vqecg", judge, simulated_store.labels(task)[sources])
    assert len(found.seconds) == 2 and len(found.prds) == len(found.bit_rates) == 4
    assert 0 < found.auroc < 1
