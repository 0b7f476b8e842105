"""Labels that nobody gave, in a store and in a subset: never taken for absent, never seen where they are hidden."""

import json
import math
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqecg.records.folds import FoldSplit, SplitIndices
from vqecg.records.labels import LabelTask
from vqecg.records.store.opening import table_file
from vqecg.records.store.record_store import RecordStore
from vqecg.records.store.selection import RecordSelection
from vqecg.records.store.subset import TrainedOn, TrainingSubset, split_rows
from vqecg.records.unknown_labels import EVERYTHING, with_unknown_column

FOLDS = FoldSplit(tuple(range(1, 9)), (9,), (10,))


def knowing(store: RecordStore, unknown: dict[int, tuple[str, ...]], bare: bool = True) -> RecordStore:
    """The store with these statements of these rows unknown, and nothing known of those with EVERYTHING if `bare`."""
    table = with_unknown_column(store.table, [unknown.get(row, ()) for row in range(len(store))])
    gone = {row for row, names in unknown.items() if EVERYTHING in names and bare}
    statements = [
        {} if row in gone else {name: value for name, value in carried.items() if name not in unknown.get(row, ())}
        for row, carried in enumerate(table["statements"])
    ]
    return replace(store, table=table.assign(statements=pd.Series(statements, dtype=object)))


def test_a_class_is_unknown_unless_a_statement_gives_it():
    task = LabelTask.named("superdiagnostic")
    labels = task.encode([{}, {"LVH": 100.0}, {"NORM": 0.0}, {}], [("LVH",), (EVERYTHING,), ("IMI",), ()])
    nan = math.nan
    np.testing.assert_array_equal(
        labels, [[0, 0, 0, 0, nan], [nan, nan, nan, nan, 1], [1, nan, 0, 0, 0], [0, 0, 0, 0, 0]]
    )


def test_nobody_takes_unknown_for_absent_silently(simulated_store: RecordStore):
    store, task = knowing(simulated_store, {3: ("LVH",)}), simulated_store.task("superdiagnostic")
    whole = simulated_store.labels(task)
    with pytest.raises(ValueError, match="1 of 120 records have unknown labels of superdiagnostic"):
        store.labels(task)
    with pytest.raises(ValueError, match="unknown is not absent"):
        RecordSelection(store, np.arange(5)).labels(task)
    with pytest.raises(ValueError, match=r"unknown is 0.0; expected math.nan"):
        store.labels(task, unknown=0.0)
    np.testing.assert_array_equal(store.labels(task, np.arange(3)), whole[:3])
    known = store.labels(task, unknown=math.nan)
    assert np.isnan(known).sum() == 1 and np.isnan(known[3, task.class_names.index("HYP")])


def test_a_store_with_unknown_labels_is_written_read_and_named(simulated_store: RecordStore, tmp_path: Path):
    unknown = {3: ("LVH",), 5: (EVERYTHING,)}
    there = knowing(simulated_store, unknown)
    written = table_file(there.table)
    assert "unknown" in written and "unknown" not in table_file(simulated_store.table)
    assert json.loads(written["unknown"][5]) == [EVERYTHING]
    assert there.fingerprint != simulated_store.fingerprint
    assert knowing(simulated_store, {}).fingerprint == simulated_store.fingerprint


def test_unlabelled_records_are_apart_and_never_judged_on(simulated_store: RecordStore):
    whole = FOLDS.indices(simulated_store.table)
    gone = [int(rows[0]) for rows in (whole.train, whole.validation, whole.test)]
    rows = FOLDS.indices(knowing(simulated_store, {row: (EVERYTHING,) for row in gone}).table)
    assert rows.unlabelled.tolist() == gone[:1] and rows.left_out.tolist() == sorted(gone[1:])
    for part in ("train", "validation", "test"):
        assert getattr(rows, part).tolist() == getattr(whole, part)[1:].tolist()
    np.testing.assert_array_equal(rows.every_training_row, whole.train)
    assert "1 training records have no known label; 2 without any are left out" in rows.unlabelled_text()
    assert whole.unlabelled_text() == ""


def test_a_fold_to_test_on_without_any_label_is_refused(simulated_store: RecordStore):
    test = {int(row): (EVERYTHING,) for row in FOLDS.indices(simulated_store.table).test}
    with pytest.raises(ValueError, match=r"no record of the folds \[10\] has a known label"):
        FOLDS.indices(knowing(simulated_store, test).table)


def test_a_store_without_any_label_is_split_by_folds(simulated_store: RecordStore):
    rows = FOLDS.indices(knowing(simulated_store, dict.fromkeys(range(120), (EVERYTHING,))).table)
    np.testing.assert_array_equal(rows.test, FOLDS.indices(simulated_store.table).test)


def test_hidden_labels_cannot_be_read(simulated_store: RecordStore, simulated_split: SplitIndices):
    subset, task = TrainingSubset(labelled=0.2), simulated_store.task("superdiagnostic")
    with pytest.raises(ValueError, match="shows labels that are to be unknown"):
        split_rows(simulated_store, FOLDS, subset)
    view = subset.known_labels(simulated_store, FOLDS)
    rows = split_rows(view, FOLDS, subset)
    fewer = split_rows(simulated_store, FOLDS, TrainingSubset(fraction=0.2))
    np.testing.assert_array_equal(rows.train, fewer.train)
    np.testing.assert_array_equal(np.sort(np.concatenate([rows.train, rows.unlabelled])), simulated_split.train)
    np.testing.assert_array_equal(rows.test, simulated_split.test)
    assert np.isnan(view.labels(task, rows.unlabelled, math.nan)).all()
    assert not any(view.table["statements"].iloc[rows.unlabelled])
    np.testing.assert_array_equal(view.labels(task, rows.test), simulated_store.labels(task, rows.test))
    again = pickle.loads(pickle.dumps(view))
    assert again.table.equals(view.table) and again.fingerprint == view.fingerprint == simulated_store.fingerprint
    assert view.task("own") == simulated_store.task("own")
    assert subset.known_labels(view, FOLDS) is not simulated_store
    with pytest.raises(ValueError, match="hides labels already"):
        TrainingSubset(labelled=0.5).known_labels(view, FOLDS)
    with pytest.raises(ValueError, match="hides labels already"):
        TrainingSubset().known_labels(view, FOLDS)


@pytest.mark.parametrize("seed", range(4))
def test_a_class_is_known_for_some_records_and_unknown_elsewhere(simulated_store: RecordStore, seed: int):
    subset, task = TrainingSubset(known_class="MI", known_records=5, seed=seed), simulated_store.task("superdiagnostic")
    view, column = subset.known_labels(simulated_store, FOLDS), task.class_names.index("MI")
    rows, whole = split_rows(view, FOLDS, subset), simulated_store.labels(task)
    labels = view.labels(task, unknown=math.nan)
    known = ~np.isnan(labels[rows.train, column])
    assert not len(rows.unlabelled) and (labels[rows.train, column] == 1).sum() == 5
    assert 5 < known.sum() < len(rows.train), "records without the class are known on the way"
    np.testing.assert_array_equal(labels[rows.train[known]], whole[rows.train[known]])
    others = np.arange(len(task.class_names)) != column
    np.testing.assert_array_equal(labels[:, others], whole[:, others])
    members = {name for name, member in task.members.items() if member == "MI"}
    assert not any(members & set(view.table["statements"].iloc[row]) for row in rows.train[~known])
    assert np.isnan(view.labels(view.task("all"), rows.train[~known][:1], math.nan)).sum() == 14, "MI's statements"


def test_what_a_model_saw_is_compared_with_what_it_may_see(simulated_store: RecordStore):
    def seen(**settings: object) -> TrainedOn:
        return TrainedOn("a" * 64, FOLDS, TrainingSubset(**settings))  # type: ignore[arg-type]

    wanted = seen(labelled=0.2)
    assert not seen(fraction=0.2).differences(wanted) and seen(fraction=0.2).fewer(wanted)
    assert not seen(labelled=0.1).differences(wanted) and not wanted.differences(wanted)
    assert seen().differences(wanted) and not seen().differences(wanted, labels=False)
    assert seen(labelled=0.3).differences(wanted) and seen(fraction=0.2, seed=1).differences(wanted)
    assert seen(labelled=0.2).differences(seen(fraction=0.2)), "the ECGs of the others are not to be seen"
    few = seen(known_class="MI", known_records=5)
    assert seen().differences(few) and seen(scarce_class="MI", scarce_records=5).differences(few)
    assert not seen(known_class="MI", known_records=4).differences(few) and not few.differences(seen())
    assert not seen(known_class="MI", known_records=5, labelled=0.5).differences(few)
    assert seen(known_class="HYP", known_records=5).differences(few)
    assert TrainedOn.from_dict(json.loads(json.dumps(few.to_dict()))) == few
    assert set(seen(fraction=0.2).to_dict()["subset"]) == {
        "scarce_class", "scarce_records", "task", "fraction", "seed",
    }  # fmt: skip
    np.testing.assert_array_equal(wanted.train_rows(simulated_store), FOLDS.indices(simulated_store.table).train)


@pytest.mark.bad_input("a share of labels or a known class that leaves nothing, or that does not exist")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labelled": 0.0}, "labelled"),
        ({"labelled": 0.001}, "is none: ask for more"),
        ({"known_class": "MI"}, "expected a class and at least 1 record"),
        ({"known_class": "BAD", "known_records": 3}, "expected a class of superdiagnostic"),
        ({"known_class": "MI", "known_records": 500}, "there is nothing to hide"),
    ],
)
def test_a_subset_that_cannot_be_is_refused(simulated_store: RecordStore, settings: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        TrainingSubset(**settings).known_labels(simulated_store, FOLDS)  # type: ignore[arg-type]


@pytest.mark.bad_input("unknown statements that are no names, or that a record has")
@pytest.mark.parametrize("cell", ["LVH", ["LVH"], (1,), ("",), ("NORM",)])
def test_a_table_of_strange_unknown_statements_is_refused(tmp_path: Path, cell: object):
    from vqecg.records.datasets.parsing import record_frame
    from vqecg.records.record import RecordTable

    row = {
        "record_id": "1",
        "path": str(tmp_path),
        "patient_id": "",
        "fold": 1,
        "statements": {"NORM": 0.0},
        "source": "x",
    }
    table = with_unknown_column(record_frame([row]), [cell])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="expected"):
        RecordTable(table, "x", "x")
