"""The patients behind each class, said before training: counts, what cannot be judged, and labels outside the task."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from vqecg.downstream.comparison.cells import rotated
from vqecg.downstream.comparison.class_counts import ClassCounts, outside_task
from vqecg.downstream.comparison.tables import LEAST_PATIENTS
from vqecg.records.folds import FoldSplit, SplitIndices
from vqecg.records.labels import LabelTask
from vqecg.records.store.record_store import RecordStore

OWN_TASK = LabelTask.own([{"LQTS": 100.0, "NORM": 100.0}])


def store_of(simulated_store: RecordStore, statements: list[list[str]], patients: list[str]) -> RecordStore:
    """The first records of the simulated store with other labels and patients; folds in turn from 1 to 3."""
    table = simulated_store.table.iloc[: len(statements)].reset_index(drop=True)
    names = [dict.fromkeys(row, 100.0) for row in statements]
    table = table.assign(statements=names, patient_id=patients, fold=[row % 3 + 1 for row in range(len(names))])
    return replace(simulated_store, table=table)


def rows_of(store: RecordStore) -> SplitIndices:
    """Fold 1 trains, 2 validates, 3 tests."""
    fold = store.table["fold"].to_numpy()
    return SplitIndices(*(np.flatnonzero(fold == number) for number in (1, 2, 3)))


def test_patients_are_counted_once_however_many_records_they_have(simulated_store: RecordStore):
    store = store_of(simulated_store, [["LQTS"], ["NORM"], ["LQTS"]] * 4, ["a", "b", "c"] * 4)
    table = ClassCounts(store, OWN_TASK, rows_of(store)).table.set_index("class_name")
    assert table.loc["LQTS", ["train_patients", "train_records"]].tolist() == [1, 4]
    assert table.loc["LQTS", ["validation_records", "test_patients", "test_records"]].tolist() == [0, 1, 4]
    assert table.loc["NORM", ["train_records", "validation_patients", "validation_records"]].tolist() == [0, 1, 4]


@pytest.mark.bad_input("classes that cannot be judged")
@pytest.mark.parametrize(
    ("having", "unjudged"),
    [
        (0, True),
        (1, True),
        (LEAST_PATIENTS - 1, True),
        (LEAST_PATIENTS, False),
        (20 - LEAST_PATIENTS, False),
        (20 - LEAST_PATIENTS + 1, True),
        (20, True),
    ],
)
def test_a_class_is_judged_where_enough_test_patients_have_and_lack_it(
    simulated_store: RecordStore, having: int, unjudged: bool
):
    statements = [["LQTS"] if row // 3 < having else ["NORM"] for row in range(60)]
    store = store_of(simulated_store, statements, [str(row) for row in range(60)])
    counts = ClassCounts(store, OWN_TASK, rows_of(store))
    assert ("LQTS" in counts.unjudged) == unjudged
    told = counts.describe(["LQTS"])
    assert ("not judged, as fewer than 5 test patients" in told) == unjudged
    assert ("rotate: [1, 2, 3]" in told) == (unjudged and having * 3 >= LEAST_PATIENTS)


def test_the_plan_that_is_printed_is_one_that_compare_reads(simulated_store: RecordStore):
    rows = FoldSplit().indices(simulated_store.table)
    told = ClassCounts(simulated_store, simulated_store.task("superdiagnostic"), rows).describe(["HYP"])
    head, plan = told.split("cells:\n")
    assert f"vqecg compare --plan plan.yaml --store {simulated_store.folder}" in head
    (cell,) = yaml.safe_load("cells:\n" + plan)["cells"]
    assert cell["target_classes"] == ["HYP"] and cell["task"] == "superdiagnostic"
    assert len(rotated(cell["rotate"], cell["together"])) == 4


def test_odd_names_of_classes_stay_names_in_the_plan(simulated_store: RecordStore):
    names = ["QT: long, [LQTS]", 'é "quoted" #1']
    store = store_of(simulated_store, [[names[0]], ["NORM"], ["NORM"]] * 9, [str(row) for row in range(27)])
    task = store.task("own")
    told = ClassCounts(store, task, rows_of(store)).describe([names[0]])
    (cell,) = yaml.safe_load("cells:\n" + told.split("cells:\n")[1])["cells"]
    assert cell["target_classes"] == [names[0]] and "no validation record has" in told


@pytest.mark.bad_input("labels outside the task")
@pytest.mark.parametrize("option", ["--task", "--prior-task"])
def test_a_store_without_any_class_of_the_task_is_refused(simulated_store: RecordStore, option: str):
    store = store_of(simulated_store, [["LQTS"], ["Brugada"], ["LQTS"]], ["a", "b", "c"])
    with pytest.raises(ValueError, match=r"no record has a class: 3 of 3 .* LQTS \(2\), Brugada \(1\)") as told:
        outside_task(store, store.task("superdiagnostic"), option)
    assert f"{option} own" in str(told.value)


@pytest.mark.bad_input("labels outside the task")
@pytest.mark.parametrize(
    ("outside", "inside", "loud"), [(1, 9, False), (4, 6, False), (5, 5, True), (9, 1, True), (0, 5, None)]
)
def test_labels_outside_the_task_are_named_and_loudly_where_they_are_most(
    simulated_store: RecordStore, outside: int, inside: int, loud: bool | None
):
    store = store_of(simulated_store, [["LQTS"]] * outside + [["NORM", "SR"]] * inside, [""] * (outside + inside))
    told = outside_task(store, store.task("superdiagnostic"))
    assert (told == "") == (loud is None)
    if loud is not None:
        assert f"{outside} of {outside + inside} records" in told and f"LQTS ({outside})" in told and "SR" not in told
        assert ("MOST RECORDS ARE OUTSIDE THE TASK" in told) == loud == ("--task own" in told)


def test_records_without_any_label_are_not_outside(simulated_store: RecordStore):
    store = store_of(simulated_store, [[], ["NORM"], []], ["a", "b", "c"])
    assert outside_task(store, store.task("superdiagnostic")) == ""


@pytest.mark.real
def test_ptbxl_has_few_records_outside_the_superclasses(real_data: Path):
    from vqecg.records.datasets.registry import read_table

    table = read_table(real_data / "ptb-xl").records
    task = LabelTask.named("superdiagnostic")
    without = ~(task.encode(table["statements"].tolist()) > 0).any(axis=1)
    assert 0 < without.mean() < 0.05 and isinstance(table, pd.DataFrame)
