"""The statements to simulate for a record's labels: its own, or others of a class that the simulator knows."""

from collections.abc import Collection

import numpy as np

from vqecg.records.labels import LabelTask
from vqecg.records.simulation.simulator import EXCLUSIVE, SIMULATED_STATEMENTS

RHYTHMS = EXCLUSIVE[0]


def statements_to_simulate(
    statements: Collection[str], labels: np.ndarray, task: LabelTask, rng: np.random.Generator
) -> tuple[str, ...]:
    """Statements of the simulator that give `labels` (classes,) of a task; NaN is a class that may be there or not.

    Those of `statements` that can be simulated together stay. A class that none of them gives gets one of the
    simulator's statements for it, drawn with `rng`; a record without a rhythm gets a sinus rhythm. Empty where a class
    cannot be simulated, or only together with what excludes it, and where the heart would be a normal one although the
    record is known not to be.
    """
    wanted = {name for name, label in zip(task.class_names, labels, strict=True) if label > 0.5}
    allowed = wanted | {name for name, label in zip(task.class_names, labels, strict=True) if np.isnan(label)}
    able = [name for name in SIMULATED_STATEMENTS if task.members.get(name, "") in {"", *allowed}]
    chosen: list[str] = []
    for statement in able:
        if statement in statements and fits(statement, chosen):
            chosen.append(statement)
    for missing in sorted(wanted - {task.members.get(name) for name in chosen}):
        options = [name for name in able if task.members.get(name) == missing and fits(name, chosen)]
        if not options:
            return ()
        chosen.append(str(rng.choice(options)))
    if absent(task, labels, "NORM") and fits("NORM", chosen):
        return ()
    if not set(RHYTHMS) & set(chosen) and "SR" in able and fits("SR", chosen):
        chosen.append("SR")
    return tuple(name for name in SIMULATED_STATEMENTS if name in chosen)


def absent(task: LabelTask, labels: np.ndarray, statement: str) -> bool:
    """True where the class of a statement is one of the task's, and known to be absent."""
    name = task.members.get(statement)
    return name in task.class_names and bool(labels[task.class_names.index(name)] == 0)


def fits(statement: str, others: Collection[str]) -> bool:
    """True where a statement excludes none of the others."""
    return not any(statement in group and set(group) & set(others) - {statement} for group in EXCLUSIVE)
