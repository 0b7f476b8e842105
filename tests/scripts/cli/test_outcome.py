"""`--json`: one JSON object in the output and nothing else, for every command."""

import importlib
import inspect
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import COMMANDS, main, module_of
from vqecg.scripts.cli.outcome import Outcome


def test_figures_become_json_and_what_is_no_number_null():
    table = pd.DataFrame({"arm": ["real only"], "score": [np.float32(0.5)]})
    figures = {
        "out": Path("x"),
        "table": table,
        "loss": math.nan,
        "count": np.int64(3),
        "sizes": np.arange(2),
        "to": (1,),
    }
    read = json.loads(Outcome(figures, "done").as_json("compare"))
    assert read == {
        "command": "compare",
        "out": "x",
        "table": [{"arm": "real only", "score": 0.5}],
        "loss": None,
        "count": 3,
        "sizes": [0, 1],
        "to": [1],
    }
    assert str(Outcome(figures, "done").and_file(Path("y"))) == "done\ny"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_ends_with_an_outcome(name: str):
    assert inspect.signature(importlib.import_module(module_of(name)).run).return_annotation is Outcome


def test_a_command_prints_its_figures_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data, store = str(tmp_path / "data"), str(tmp_path / "store")
    assert main(["simulate", "--out", data, "--records", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"command": "simulate", "out": data, "records": 20, "seed": 0}
    assert main(["prepare", "--data", data, "--json", "--out", store]) == 0
    printed = capsys.readouterr()
    read = json.loads(printed.out)
    assert (read["command"], read["records"], sum(read["records_by_fold"].values())) == ("prepare", 20, 20)
    assert "synthetic records in PTB-XL's layout" in printed.err
    assert main(["prepare", "--data", data, "--out", store]) == 0
    assert capsys.readouterr().out.splitlines()[1] == f"20 records of 10 s at 100 Hz are in {store}"


def test_what_is_refused_leaves_the_output_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["verify", str(tmp_path / "absent"), "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("vqecg verify: ")


def test_faults_are_in_the_figures_and_in_the_status(
    tmp_path: Path, simulated_store: RecordStore, capsys: pytest.CaptureFixture[str]
):
    assert main(["verify", str(simulated_store.folder), "--json"]) == 0
    [whole] = json.loads(capsys.readouterr().out)["outputs"]
    assert whole["kind"] == "store" and whole["faults"] == []
    damaged = tmp_path / "store"
    damaged.mkdir()
    for path in simulated_store.folder.iterdir():
        (damaged / path.name).write_bytes(path.read_bytes()[: -1 if path.suffix == ".npy" else None])
    assert main(["verify", str(damaged), "--json"]) == 1
    printed = capsys.readouterr()
    [part] = json.loads(printed.out)["outputs"]
    assert part["faults"] and part["faults"][0] in printed.err
