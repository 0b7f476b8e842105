"""The gate of a command: compared with the records that the generator was trained on, or with what it says it is."""

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vqecg.downstream.augmentation.generator_training import check_fits, check_generator
from vqecg.prior.copies.gate import CopyGate, GateSettings, gate_sentence
from vqecg.prior.generator import ECGGenerator
from vqecg.records.datasets.registry import read_table
from vqecg.records.folds import FoldSplit
from vqecg.records.labels import LabelTask
from vqecg.records.store.building import build_store
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.signal_spec import SignalSpec
from vqecg.records.store.subset import TrainedOn, TrainingSubset
from vqecg.scripts.cli.main import main
from vqecg.scripts.steps.gating import GateRecords

Trained = Callable[..., ECGGenerator]
HALF = TrainingSubset(fraction=0.5)
FEWER_FOLDS = FoldSplit((1, 2, 3), (9,), (10,))
MARK = "NOT CHECKED AGAINST THE TRAINING RECORDS of the generator: its tokenizer and prior were trained on other"
SETTINGS = GateSettings(sample=40)


@pytest.fixture
def trained(tiny_generator: ECGGenerator, simulated_store: RecordStore) -> Trained:
    """A generator that says what its parts were trained on; all training records of the simulated store by default."""

    def make(**parts: TrainedOn | None) -> ECGGenerator:
        known: dict[str, TrainedOn | None] = dict.fromkeys(
            ("tokenizer", "prior"), TrainedOn(simulated_store.fingerprint, FoldSplit())
        )
        generator = copy(tiny_generator)
        generator.trained_on = {part: seen for part, seen in (known | parts).items() if seen is not None}
        return generator

    return make


@pytest.fixture(scope="module")
def again(simulated_store: RecordStore, tmp_path_factory: pytest.TempPathFactory) -> RecordStore:
    """The simulated store, built once more somewhere else."""
    folder = tmp_path_factory.mktemp("again") / "store"
    return build_store(
        read_table(simulated_store.folder.parent / "data"), SignalSpec(100, 10.0), folder, progress=False
    )


@pytest.fixture(scope="module")
def other_store(simulated_store: RecordStore, tmp_path_factory: pytest.TempPathFactory) -> RecordStore:
    """Half of the simulated recordings, in a store of their own."""
    table = read_table(simulated_store.folder.parent / "data")
    table = replace(table, records=table.records.iloc[::2].reset_index(drop=True))
    folder = tmp_path_factory.mktemp("other") / "store"
    return build_store(table, SignalSpec(100, 10.0), folder, progress=False)


def gate_of(records: GateRecords, generator: ECGGenerator) -> CopyGate:
    """The gate, where a store is given."""
    gate = records.fit(generator)
    assert gate is not None
    return gate


def test_the_gate_has_the_rows_that_the_generator_says_whatever_they_are(
    trained: Trained, simulated_store: RecordStore, again: RecordStore
):
    records = GateRecords(again.folder, gate=SETTINGS)
    gate = gate_of(records, trained())
    assert gate.rows.tolist() == FoldSplit().indices(simulated_store.table).train.tolist() and gate.doubt == ""
    seen = TrainedOn(again.fingerprint, FEWER_FOLDS, HALF)
    fewer = gate_of(records, trained(prior=seen, tokenizer=seen))
    assert fewer.rows.tolist() == seen.train_rows(again).tolist() and 0 < len(fewer.rows) < 36
    assert f"compared every record with {len(fewer.rows)} training records" in gate_sentence(fewer, 1, 2)
    both = gate_of(records, trained(prior=seen))
    assert both.rows.tolist() == gate.rows.tolist(), "the tokenizer has seen more"
    said = GateRecords(again.folder, FEWER_FOLDS, HALF, gate=SETTINGS)
    assert gate_of(said, trained(prior=seen, tokenizer=seen)).rows.tolist() == fewer.rows.tolist()
    assert GateRecords().fit(trained()) is None


@pytest.mark.bad_input("gate against another store")
@pytest.mark.parametrize(
    ("folds", "subset", "difference"),
    [
        (FEWER_FOLDS, TrainingSubset(), r"train folds \[1, 2, 3, 4, 5, 6, 7, 8\], not \[1, 2, 3\]"),
        (FoldSplit((2, 3, 4, 5, 6, 7, 8, 9), (10,), (1,)), TrainingSubset(), r"not \[2, 3, 4, 5, 6, 7, 8, 9\]"),
        (FoldSplit(), HALF, "all training records, not 0.5 of the training patients"),
        (FoldSplit(), TrainingSubset("MI", 4), "all training records, not MI cut to 4"),
    ],
)
def test_other_folds_or_another_subset_are_refused_with_the_difference(
    trained: Trained, simulated_store: RecordStore, folds: FoldSplit, subset: TrainingSubset, difference: str
):
    records = GateRecords(simulated_store.folder, folds, subset, gate=SETTINGS)
    with pytest.raises(ValueError, match=difference) as told:
        records.fit(trained())
    assert "--folds.train 1 2 3 4 5 6 7 8, all training records" in str(told.value)
    sentence = gate_sentence(gate_of(replace(records, allow_other_training=True), trained()), 0, 1)
    assert sentence.startswith(
        "NOT CHECKED AGAINST THE TRAINING RECORDS of the generator: its tokenizer and prior were trained on"
    )
    assert "training records: 0 of" not in sentence


@pytest.mark.bad_input("gate against another store")
@pytest.mark.parametrize("part", ["tokenizer", "prior"])
def test_one_part_that_was_trained_elsewhere_is_enough_to_be_refused(
    trained: Trained, simulated_store: RecordStore, part: str
):
    generator = trained(**{part: TrainedOn("0" * 64, FoldSplit())})
    records = GateRecords(simulated_store.folder, gate=SETTINGS)
    with pytest.raises(ValueError, match=f"its {part} was trained on other records: another store"):
        records.fit(generator)
    assert part in gate_of(replace(records, allow_other_training=True), generator).doubt


@pytest.mark.bad_input("gate against another store")
def test_another_store_is_refused_or_named_as_what_it_is(trained: Trained, other_store: RecordStore):
    records = GateRecords(other_store.folder, gate=SETTINGS)
    with pytest.raises(ValueError, match=r"is not what the generator was trained on: .* another store"):
        records.fit(trained())
    gate = gate_of(replace(records, allow_other_training=True), trained())
    assert gate.rows.tolist() == list(range(60)), "all of it, as nothing is known of folds"
    told = gate_sentence(gate, 0, 5)
    assert f"compared every record with 60 records of {other_store.description}" in told and "NOT CHECKED" in told


@pytest.mark.bad_input("gate against another store")
@pytest.mark.parametrize("silent", [("prior",), ("tokenizer",), ("tokenizer", "prior")])
def test_a_generator_that_does_not_say_is_compared_with_the_folds_given_and_doubted(
    trained: Trained, simulated_store: RecordStore, silent: tuple[str, ...]
):
    gate = gate_of(GateRecords(simulated_store.folder, gate=SETTINGS), trained(**dict.fromkeys(silent)))
    assert len(gate.rows) == 96 and f"does not say which records its {' and '.join(silent)} w" in gate.doubt
    assert "NOT CHECKED AGAINST THE TRAINING RECORDS" in gate_sentence(gate, 0, 1)


@pytest.mark.bad_input("gate against another store")
@pytest.mark.parametrize(
    ("spec", "told"), [(SignalSpec(125, 10.0), "125 Hz"), (SignalSpec(100, 8.0), "holds records of 800 samples")]
)
def test_a_store_of_another_rate_or_length_does_not_fit_the_generator(
    trained: Trained, simulated_store: RecordStore, tmp_path: Path, spec: SignalSpec, told: str
):
    table = read_table(simulated_store.folder.parent / "data")
    table = replace(table, records=table.records.iloc[:20].reset_index(drop=True))
    store = build_store(table, spec, tmp_path / "store", progress=False)
    wanted = TrainedOn(store.fingerprint, FoldSplit())
    with pytest.raises(ValueError, match=told):
        check_generator(trained(), store, wanted, allow_other=True)
    with pytest.raises(ValueError, match="give the store that the generator was trained on"):
        GateRecords(store.folder, allow_other_training=True).fit(trained())


@pytest.mark.bad_input("gate against another store")
def test_a_store_of_other_own_labels_does_not_fit_the_generator(
    trained: Trained, simulated_store: RecordStore, other_store: RecordStore
):
    generator = trained()
    generator.task = LabelTask.own([{"LQTS": 100.0, "NORM": 100.0}])
    with pytest.raises(ValueError, match="it lacks LQTS, and has besides") as told:
        check_fits(generator, simulated_store)
    assert "has other labels than the generator" in str(told.value)


@pytest.mark.slow
@pytest.mark.bad_input("gate against another store")
@pytest.mark.parametrize("command", ["augment", "assess", "interpolate", "generate"])
def test_every_command_that_claims_training_records_refuses_another_store(
    trained: Trained,
    other_store: RecordStore,
    finished_run: Path,
    tmp_path: Path,
    refused: Callable[..., str],
    command: str,
):
    generator, store = finished_run / "prior", other_store.folder
    words = {
        "augment": ["--store", store, "--generator", generator, "--target-classes", "CD", "--force"],
        "assess": [finished_run / "synthetic", "--against", store, "--generator", generator],
        "interpolate": ["--store", store, "--tokenizer", finished_run / "tokenizer", "--label", "NORM", "--force"],
        "generate": ["--generator", generator, "--against", store, "--count", 2, "--force"],
    }
    told = refused(command, *words[command], "--out", tmp_path / "out")
    assert "another store" in told and "--allow-other-training" in told and not (tmp_path / "out").exists()


def test_a_marked_set_says_in_its_readme_that_it_was_not_checked(
    other_store: RecordStore, finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["generate", "--generator", finished_run / "prior", "--against", other_store.folder, "--count", 2]
    given = [*words, "--force", "--allow-other-training", "--out", tmp_path / "out"]
    assert main([str(word) for word in given]) == 0
    for told in (capsys.readouterr().out, (tmp_path / "out" / "README.md").read_text("utf-8")):
        assert (
            "NOT CHECKED AGAINST THE TRAINING RECORDS of the generator: its tokenizer and prior were trained on other"
            in told
        )


def test_the_rows_of_a_training_are_those_that_it_had(simulated_store: RecordStore):
    seen = TrainedOn(simulated_store.fingerprint, FoldSplit((1, 2), (), ()), TrainingSubset("MI", 2))
    rows = seen.train_rows(simulated_store)
    task = simulated_store.task("superdiagnostic")
    assert simulated_store.labels(task)[rows, task.class_names.index("MI")].sum() <= 2
    assert np.isin(simulated_store.table["fold"].iloc[rows], (1, 2)).all()
