"""Runs that are resumed: from damaged files, with another number of threads, on a full disk."""

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vqecg.training.fit import FitResult, FitSettings, fit

SETTINGS = FitSettings(steps=6, batch_size=4, evaluate_every=2, warmup_steps=0, average_decay=0.9, mixed_precision="no")


@dataclass(frozen=True)
class Points:
    """Points on a plane through the origin."""

    def __len__(self) -> int:
        return 8

    def batch(self, indices: np.ndarray, generator: np.random.Generator) -> dict[str, Tensor]:
        x = torch.from_numpy(np.random.default_rng(0).normal(size=(8, 3))[indices].astype(np.float32))
        return {"x": x, "y": x.sum(1, keepdim=True)}


def squared_error(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return {"loss": (model(batch["x"]) - batch["y"]).square().mean()}


def train(folder: Path, settings: FitSettings = SETTINGS) -> tuple[nn.Module, FitResult]:
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    return model, fit(model, Points(), squared_error, settings, folder, progress=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(folder)
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of a run, to damage."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


STATES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "empty": lambda state: {},
    "list": lambda state: [],
    "null": lambda state: None,
    "no step": lambda state: {name: value for name, value in state.items() if name != "step"},
    "no settings": lambda state: {name: value for name, value in state.items() if name != "settings"},
    "further key": lambda state: state | {"more": 1},
    "step text": lambda state: state | {"step": "6"},
    "step a fraction": lambda state: state | {"step": 5.5},
    "step below 0": lambda state: state | {"step": -2},
    "step 1e18": lambda state: state | {"step": 10**18},
    "step of no evaluation": lambda state: state | {"step": 5},
    "settings a list": lambda state: state | {"settings": []},
    "history text": lambda state: state | {"history": "none"},
    "history empty": lambda state: state | {"history": []},
    "history of lists": lambda state: state | {"history": [[1, 2]]},
    "history of text": lambda state: state | {"history": [{"step": "6"}]},
    "best step elsewhere": lambda state: state | {"best_step": 3},
    "best value text": lambda state: state | {"best_value": "low"},
    "worse below 0": lambda state: state | {"worse": -1},
    "stopped 1": lambda state: state | {"stopped": 1},
    "seconds NaN": lambda state: state | {"seconds": float("nan")},
    "seconds text": lambda state: state | {"seconds": "long"},
}


@pytest.mark.bad_input("resumed training")
@pytest.mark.parametrize("change", STATES.values(), ids=STATES)
def test_a_damaged_state_is_refused(run: Path, change: Callable[[dict[str, Any]], Any]):
    path = run / "last" / "state.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(ValueError, match=r"state\.json"):
        train(run)


BYTES = {"empty": b"", "cut": b'{"step": 6', "no UTF-8": b"\xff\xfe", "nested": b"[" * 100_000}


@pytest.mark.bad_input("resumed training")
@pytest.mark.parametrize("content", BYTES.values(), ids=BYTES)
def test_a_state_that_is_no_json_is_refused(run: Path, content: bytes):
    (run / "last" / "state.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"state\.json"):
        train(run)


TENSORS: dict[str, Callable[[dict[str, Tensor]], dict[str, Tensor]]] = {
    "none": lambda tensors: {},
    "another name": lambda tensors: {f"x.{name}": tensor for name, tensor in tensors.items()},
    "another shape": lambda tensors: {name: tensor.flatten().repeat(2) for name, tensor in tensors.items()},
    "another type": lambda tensors: {name: tensor.double() for name, tensor in tensors.items()},
    "NaN": lambda tensors: {name: tensor * float("nan") for name, tensor in tensors.items()},
    "infinite": lambda tensors: {name: tensor / 0 for name, tensor in tensors.items()},
    "one less": lambda tensors: dict(list(tensors.items())[1:]),
    "one more": lambda tensors: tensors | {"9.exp_avg": torch.zeros(1)},
}


@pytest.mark.bad_input("resumed training")
@pytest.mark.parametrize("name", ["model", "optimizer", "average", "best"])
@pytest.mark.parametrize("change", TENSORS.values(), ids=TENSORS)
def test_damaged_tensors_of_a_run_are_refused(
    run: Path, name: str, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]
):
    path = run / "last" / f"{name}.safetensors"
    save_file(change(load_file(path)), path)
    with pytest.raises(ValueError, match=f"{name}.safetensors"):
        train(run)


@pytest.mark.bad_input("resumed training")
@pytest.mark.parametrize("name", ["model", "optimizer", "average", "best"])
@pytest.mark.parametrize("content", [None, b"", b"x" * 100, (2**60).to_bytes(8, "little")])
def test_files_of_a_run_that_cannot_be_read_are_refused(run: Path, name: str, content: bytes | None):
    path = run / "last" / f"{name}.safetensors"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}.safetensors"):
        train(run)


@pytest.mark.bad_input("resumed training")
def test_another_number_of_threads_is_refused_and_an_older_run_goes_on(run: Path):
    path = run / "last" / "state.json"
    state = json.loads(path.read_text())
    threads = state["settings"]["threads"]
    assert threads == torch.get_num_threads()
    path.write_text(json.dumps(state | {"settings": state["settings"] | {"threads": threads + 3}}))
    with pytest.raises(ValueError, match=f"set OMP_NUM_THREADS={threads + 3} to go on"):
        train(run)
    del state["settings"]["threads"]  # before it was kept
    path.write_text(json.dumps(state))
    _, result = train(run)
    assert result.steps == SETTINGS.steps


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_resumed_runs import train
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
try:
    train(Path(sys.argv[2]))
except OSError as error:
    print(error)
    sys.exit(3)
"""


@pytest.mark.slow
@pytest.mark.bad_input("full disk")
def test_a_disk_that_is_full_leaves_the_last_checkpoint(run: Path, tmp_path: Path):
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    whole, _ = train(tmp_path / "whole")
    shutil.rmtree(run)
    train(run, replace(SETTINGS, steps=2))
    state = json.loads((run / "last" / "state.json").read_text())
    before = sorted(path.name for path in run.rglob("*"))
    state["settings"]["steps"] = SETTINGS.steps  # as if it had been interrupted there
    (run / "last" / "state.json").write_text(json.dumps(state))
    line = [sys.executable, "-c", FULL_DISK, str(Path(__file__).parent), str(run)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 3 and "File too large" in done.stdout, done.stderr
    assert sorted(path.name for path in run.rglob("*")) == before
    again, _ = train(run)
    assert all(torch.isfinite(tensor).all() for tensor in again.state_dict().values())
    assert set(again.state_dict()) == set(whole.state_dict())
