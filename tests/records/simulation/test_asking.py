"""Statements to simulate for a record's labels."""

import numpy as np
import pytest

from vqecg.records.labels import LabelTask
from vqecg.records.simulation.asking import statements_to_simulate
from vqecg.records.simulation.simulator import SIMULATED_STATEMENTS, check_statements

SUPER, ALL = LabelTask.named("superdiagnostic"), LabelTask.named("all")


def asked(task: LabelTask, *statements: str, seed: int = 0) -> tuple[str, ...]:
    labels = task.encode([dict.fromkeys(statements, 100.0)])[0]
    return statements_to_simulate(statements, labels, task, np.random.default_rng(seed))


def test_statements_that_can_be_simulated_stay():
    assert asked(SUPER, "IMI", "AFIB") == ("IMI", "AFIB")
    assert asked(ALL, "NORM", "SR") == ("NORM", "SR")


def test_a_class_that_no_statement_gives_gets_one_of_the_simulators():
    drawn = {asked(SUPER, "ALMI", "LVH", seed=seed) for seed in range(20)}
    assert {names[:-2] for names in drawn} == {("IMI",), ("AMI",), ("ASMI",)}
    assert {names[-2:] for names in drawn} == {("LVH", "SR")}


def test_a_class_that_cannot_be_simulated_gives_nothing():
    assert asked(ALL, "WPW", "SR") == ()
    assert asked(SUPER, "NORM", "IMI") == (), "they exclude each other"


def test_an_unknown_class_may_be_there_or_not():
    labels = SUPER.encode([{"IMI": 100.0}])[0]
    labels[SUPER.class_names.index("CD")] = np.nan
    assert statements_to_simulate({"IMI", "CRBBB"}, labels, SUPER, np.random.default_rng(0)) == ("IMI", "CRBBB", "SR")
    absent = SUPER.encode([{"IMI": 100.0}])[0]
    assert statements_to_simulate({"IMI", "CRBBB"}, absent, SUPER, np.random.default_rng(0)) == ("IMI", "SR")


@pytest.mark.parametrize("task", [SUPER, ALL])
def test_what_is_asked_for_can_be_simulated_and_gives_the_labels(task: LabelTask):
    generator, names = np.random.default_rng(1), list(task.members)
    for _ in range(200):
        statements = dict.fromkeys(generator.choice(names, 2, replace=False).tolist(), 100.0)
        labels = task.encode([statements])[0]
        chosen = statements_to_simulate(statements, labels, task, generator)
        if chosen:
            check_statements(chosen)
            given = task.encode([{name: SIMULATED_STATEMENTS[name] for name in chosen}])[0]
            np.testing.assert_array_equal(given, labels)


def test_a_record_that_is_not_normal_has_no_simulated_heart_that_is():
    nothing = np.zeros(len(SUPER.class_names), np.float32)
    generator = np.random.default_rng(0)
    assert statements_to_simulate({"STACH", "PACE"}, nothing, SUPER, generator) == ()
    assert statements_to_simulate({"AFIB"}, nothing, SUPER, generator) == ("AFIB",)
    nothing[SUPER.class_names.index("NORM")] = np.nan
    assert statements_to_simulate({"STACH"}, nothing, SUPER, generator) == ("STACH",)
