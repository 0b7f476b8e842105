"""The cost of a step is written once, and only for work that was done."""

import time
from pathlib import Path

import pytest

from vqecg.reports.run.folders import RunFolders, read_costs
from vqecg.scripts.cli.step_cost import StepCost, keep_cost


def test_a_step_that_finds_its_work_done_costs_what_it_cost_first(tmp_path: Path):
    places = RunFolders(tmp_path)
    assert read_costs(places) == {}
    keep_cost(places, "prepare", 100.0, 50.0)
    places.store.mkdir()
    with StepCost(places, "prepare", places.store):
        pass
    assert read_costs(places) == {"prepare": {"seconds": 100.0, "peak_memory_mb": 50.0}}
    with StepCost(places, "prepare", places.store):
        (places.store / "signals.npy").touch()
    assert read_costs(places)["prepare"]["seconds"] < 100, "made again, so it costs what that took"
    with StepCost(places, "generate", places.synthetic_store):
        time.sleep(0.01)
    assert list(read_costs(places)) == ["prepare", "generate"] and read_costs(places)["generate"]["seconds"] >= 0.01


def test_a_step_that_fails_leaves_no_cost(tmp_path: Path):
    with pytest.raises(ValueError, match="no"), StepCost(RunFolders(tmp_path), "prepare", tmp_path / "store"):
        raise ValueError("no")
    assert list(tmp_path.iterdir()) == []
