"""The benchmark of classifiers, with a few steps on simulated records: one row each, intervals, paired differences."""

from pathlib import Path

import pytest

from benchmarks.evaluation import classifiers
from benchmarks.evaluation.trainings import find_variant, read_parts
from vqecg.downstream.classifiers.settings import recipe
from vqecg.records.folds import FoldSplit
from vqecg.records.store.record_store import RecordStore


def words(store: RecordStore, *others: str) -> list[str]:
    return ["--store", str(store.folder), "--steps", "2", "--replicates", "20", *others]


def test_one_row_a_model_and_differences_from_the_first(simulated_store: RecordStore, capsys):
    classifiers.main(words(simulated_store, "--models", "attention-rnn", "resnet", "--seeds", "0", "1"))
    printed = capsys.readouterr().out
    assert printed.startswith("machine: ")
    rows = [line.split() for line in printed.splitlines() if line.startswith(("  attention-rnn", "  resnet"))]
    assert [row[0] for row in rows] == ["attention-rnn", "resnet"]
    assert "F1 at thresholds: maximum F1 on validation, per class" in printed
    assert "resnet minus attention-rnn" in printed and "2 seeds" in printed


def test_runs_are_stored_and_not_trained_again(simulated_store: RecordStore, tmp_path: Path, capsys):
    asked = words(simulated_store, "--models", "resnet", "--seeds", "0", "1", "--runs", str(tmp_path / "runs"))
    classifiers.main(asked)
    printed = capsys.readouterr().out
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()}
    assert len(written) == 2
    classifiers.main(asked)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()} == written
    assert capsys.readouterr().out.splitlines()[1:] == printed.splitlines()[1:]  # the first tells the load
    classifiers.main([*asked, "--loss", "focal"])
    assert len(list((tmp_path / "runs").iterdir())) == 4


@pytest.mark.slow
def test_ablations_take_parts_out_of_the_label_correlation_network(simulated_store: RecordStore, capsys):
    ablations = ["label-features", "embedding-memory", "no-label-module", "no-decoder", "neither"]
    classifiers.main(words(simulated_store, "--models", "label-correlation", *ablations))
    printed = capsys.readouterr().out
    for name in ablations:
        assert f"{name} minus label-correlation" in printed
    rows = [line.split() for line in printed.splitlines() if line.startswith("  ") and "minus" not in line]
    parameters = {row[0]: int(row[1].replace(",", "")) for row in rows if row[0] in ("label-correlation", *ablations)}
    assert parameters["neither"] < min(parameters["no-label-module"], parameters["no-decoder"])
    assert max(parameters["no-label-module"], parameters["no-decoder"]) < parameters["label-correlation"]


def test_records_without_a_class_of_the_task_can_be_left_out(simulated_store: RecordStore, capsys):
    folds = FoldSplit((1, 2, 3, 4, 5, 6, 7), (8,), (9,))
    without, all_records = (
        read_parts(simulated_store, "rhythm", folds, 1, 20, only_with_class=only) for only in (True, False)
    )
    for left, every in ((without.train, all_records.train), (without.test, all_records.test)):
        assert left.labels.any(axis=1).all() and len(left.labels) == every.labels.any(axis=1).sum()
    assert without.data != all_records.data and "only with class" not in all_records.data
    asked = ["--task", "form", "--only-with-class", "--models", "resnet"]
    classifiers.main([*words(simulated_store, *asked), "--crop-seconds", "0"])
    task = simulated_store.task("form")
    labels = simulated_store.labels(task)[folds.indices(simulated_store.table).train]
    assert f"{labels.any(axis=1).sum()} records to train on" in capsys.readouterr().out


def test_epochs_stand_in_place_of_the_steps_of_models_that_stop_early():
    options = classifiers.parse(["--store", "store", "--models", "zhang-sun-neither", "--epochs", "3"])
    settings = classifiers.settings_of(find_variant("zhang-sun-neither"), options, 100)
    assert (settings.fit.steps, settings.fit.evaluate_every, settings.model) == (12, 4, "zhang-sun")
    assert classifiers.settings_of(find_variant("resnet"), options, 100) == recipe("resnet"), "it does not stop early"
    with pytest.raises(SystemExit):
        classifiers.parse(["--store", "store", "--epochs", "3", "--steps", "3"])


def test_an_unknown_model_is_refused(simulated_store: RecordStore):
    with pytest.raises(SystemExit):
        classifiers.main(words(simulated_store, "--models", "transformer"))
    with pytest.raises(SystemExit):
        classifiers.main(words(simulated_store, "--models", "resnet", "--seeds", "0", "0"))
