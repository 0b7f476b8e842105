"""The state of a training run between two sittings: weights, optimizer moments, best weights, history."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from vqecg.records.bounds import Between, Count, CountOrNone, check_value, shown
from vqecg.records.files.atomic import atomic_folder, write_text
from vqecg.records.files.json_file import read_object
from vqecg.records.files.reuse import differences
from vqecg.training.checkpoint import write_tensors
from vqecg.training.weights import check_tensors, read_tensors

STATE_FILE = "state.json"
THREADS = "threads"  # of torch: sums of another number of threads round otherwise, and a run would not be the same
# the content of state.json
PLAIN: dict[str, Any] = {
    "settings": dict,
    "step": Count,
    "history": list,
    "best_step": CountOrNone,
    "best_value": None,  # NaN before an evaluation, and where there is none
    "worse": CountOrNone,
    "stopped": bool,
    "seconds": Annotated[float, Between(0, 10**12)],
}


@dataclass
class RunState:
    """Mutable state of one `fit`; everything here is in the checkpoint."""

    settings: dict[str, Any]  # of the run and the model, and the examples: a resumed run must match
    step: int = 0  # steps taken
    history: list[dict[str, float]] = field(default_factory=list)
    average: dict[str, Tensor] = field(default_factory=dict)  # averaged weights, by parameter name
    best: dict[str, Tensor] = field(default_factory=dict)  # state dict of the best evaluation
    best_step: int = 0
    best_value: float = math.nan
    worse: int = 0  # evaluations since the best
    stopped: bool = False  # early
    seconds: float = 0.0

    @classmethod
    def start(cls, model: nn.Module, settings: Any, examples: Any) -> "RunState":
        """The state before the first step; averaged weights start as the model's own. `examples`: how many, or more."""
        average = {}
        if settings.average_decay > 0:
            average = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
        config = getattr(model, "config", None)
        known = dataclasses.asdict(settings)
        if dataclasses.is_dataclass(config) and not isinstance(config, type):
            known |= {f"model.{name}": value for name, value in dataclasses.asdict(config).items()}
        known |= {"examples": examples, THREADS: torch.get_num_threads()}
        # as JSON gives it back, so that a tuple equals the list it is kept as
        return cls(settings=json.loads(json.dumps(known)), average=average)


def save_state(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, state: RunState) -> None:
    """Writes the run into `folder`, replacing the one there when all is written, and history.jsonl beside it."""
    with atomic_folder(folder, is_run, overwrite=True) as aside:
        write_tensors(aside / "model.safetensors", model.state_dict())
        write_tensors(aside / "optimizer.safetensors", optimizer_tensors(optimizer))
        write_tensors(aside / "average.safetensors", state.average)
        write_tensors(aside / "best.safetensors", state.best)
        write_text(aside / STATE_FILE, json.dumps({name: getattr(state, name) for name in PLAIN}))
    write_text(folder.parent / "history.jsonl", "".join(json.dumps(row) + "\n" for row in state.history))


def is_run(folder: Path) -> bool:
    """True where a folder holds the state of a run."""
    return (folder / STATE_FILE).is_file()


def load_state(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, fresh: RunState) -> RunState:
    """Restores model, optimizer and state from `folder`; returns `fresh` when there is nothing to resume.

    Raises ValueError when the run there had other settings, another number of threads, another model or another
    number of examples, or when its files are damaged.
    """
    if not is_run(folder):
        return fresh
    stored = read_plain(folder / STATE_FILE)
    check_same(folder, stored["settings"], fresh.settings)
    tensors = {name: read_tensors(folder / f"{name}.safetensors") for name in ("model", "optimizer", "average", "best")}
    parameters, of_model = dict(model.named_parameters()), model.state_dict()
    averaged = {name: parameters[name] for name in fresh.average}
    expected = {"model": of_model, "optimizer": moments(optimizer), "average": averaged, "best": of_model}
    for name, wanted in expected.items():
        check_tensors(tensors[name], wanted, folder / f"{name}.safetensors")
    model.load_state_dict(tensors["model"])
    restore_optimizer(optimizer, tensors["optimizer"])
    average = {name: tensor.to(parameters[name].device) for name, tensor in tensors["average"].items()}
    return RunState(**stored, average=average, best=tensors["best"])


def read_plain(path: Path) -> dict[str, Any]:
    """The content of state.json. Raises ValueError for a damaged file."""
    stored, damaged = read_object(path), f"{path} is damaged; delete {path.parent} or use another folder"
    if set(stored) != set(PLAIN):
        raise ValueError(f"{damaged}: it has {shown(sorted(stored))}, expected {', '.join(PLAIN)}")
    try:
        for name, kind in PLAIN.items():
            check_value(name, stored[name], kind)
            if kind in (dict, list) and not isinstance(stored[name], kind):
                raise ValueError(f"{name} is {shown(stored[name])}; expected a {kind.__name__}")
        if not is_number(stored["best_value"]):
            raise ValueError(f"best_value is {shown(stored['best_value'])}; expected a number")
        for row in stored["history"]:
            if not isinstance(row, dict) or not all(map(is_number, row.values())) or "step" not in row:
                raise ValueError(f"a row of the history is {shown(row)}; expected numbers by name, step among them")
        steps = [row["step"] for row in stored["history"]]
        if steps[-1:] != [stored["step"]] or steps != sorted(steps) or stored["best_step"] not in steps:
            raise ValueError(f"step {stored['step']} and best step {stored['best_step']} are not those of the history")
    except ValueError as error:
        raise ValueError(f"{damaged}: {error}") from error
    return stored


def is_number(value: Any) -> bool:
    """True for a number of JSON, NaN among them."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_same(folder: Path, stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raises ValueError where a run had other settings; what it did not write down, as older ones, is not compared."""
    changed = [name for name, value in stored.items() if value != wanted.get(name)]
    if changed == [THREADS]:
        raise ValueError(
            f"{folder} holds a run with {stored[THREADS]} threads, torch has {wanted[THREADS]} now, which gives other "
            f"bits: set OMP_NUM_THREADS={stored[THREADS]} to go on, or start anew (--overwrite, another folder)"
        )
    if changed:
        before, now = ({name: settings.get(name) for name in changed} for settings in (stored, wanted))
        raise ValueError(
            f"{folder} holds a run with other settings ({differences(before, now)}): use them, another folder, or "
            "--overwrite"
        )


def moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Tensors of the names, shapes and types that AdamW's moments have after a step, without memory."""
    expected: dict[str, Tensor] = {}
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for number, parameter in enumerate(parameters):
        moved = torch.empty_like(parameter, device="meta")
        expected |= {f"{number}.exp_avg": moved, f"{number}.exp_avg_sq": moved}
        expected[f"{number}.step"] = torch.empty((), device="meta")
    return expected


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's moments as flat named tensors: `<parameter number>.<moment>`."""
    state = optimizer.state_dict()["state"]
    return {f"{number}.{name}": tensor for number, moments in state.items() for name, tensor in moments.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """The reverse of `optimizer_tensors`."""
    content = optimizer.state_dict()
    content["state"] = {}
    for key, tensor in tensors.items():
        number, name = key.split(".", 1)
        content["state"].setdefault(int(number), {})[name] = tensor
    optimizer.load_state_dict(content)
