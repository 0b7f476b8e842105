"""The state of a training run between two sittings: weights, optimizer moments, best weights, history."""

import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from vqecg.records.files.atomic import atomic_folder, write_text
from vqecg.records.files.reuse import differences
from vqecg.training.checkpoint import write_tensors


@dataclass
class RunState:
    """Mutable state of one `fit`; everything here is in the checkpoint."""

    settings: dict[str, Any]  # of the run and the model, and the number of examples: a resumed run must match
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
    def start(cls, model: nn.Module, settings: Any, examples: int) -> "RunState":
        """The state before the first step; averaged weights start as the model's own."""
        average = {}
        if settings.average_decay > 0:
            average = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
        config = getattr(model, "config", None)
        known = dataclasses.asdict(settings)
        if dataclasses.is_dataclass(config) and not isinstance(config, type):
            known |= {f"model.{name}": value for name, value in dataclasses.asdict(config).items()}
        # as JSON gives it back, so that a tuple equals the list it is kept as
        return cls(settings=json.loads(json.dumps(known | {"examples": examples})), average=average)


def save_state(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, state: RunState) -> None:
    """Writes the run into `folder`, replacing the one there when all is written, and history.jsonl beside it."""
    with atomic_folder(folder, is_run, overwrite=True) as aside:
        write_tensors(aside / "model.safetensors", model.state_dict())
        write_tensors(aside / "optimizer.safetensors", optimizer_tensors(optimizer))
        write_tensors(aside / "average.safetensors", state.average)
        write_tensors(aside / "best.safetensors", state.best)
        plain = ("settings", "step", "history", "best_step", "best_value", "worse", "stopped", "seconds")
        write_text(aside / "state.json", json.dumps({name: getattr(state, name) for name in plain}))
    write_text(folder.parent / "history.jsonl", "".join(json.dumps(row) + "\n" for row in state.history))


def is_run(folder: Path) -> bool:
    """True where a folder holds the state of a run."""
    return (folder / "state.json").is_file()


def load_state(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, fresh: RunState) -> RunState:
    """Restores model, optimizer and state from `folder`; returns `fresh` when there is nothing to resume.

    Raises ValueError when the run there had other settings, another model or another number of examples, or when
    its files are damaged.
    """
    if not is_run(folder):
        return fresh
    stored = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    changed = [name for name, value in stored["settings"].items() if value != fresh.settings.get(name)]
    if changed:
        before, now = (
            {name: settings.get(name) for name in changed} for settings in (stored["settings"], fresh.settings)
        )
        raise ValueError(
            f"{folder} holds a run with other settings ({differences(before, now)}): use them, another folder, or "
            "--overwrite"
        )
    try:
        model.load_state_dict(load_file(folder / "model.safetensors"))
        restore_optimizer(optimizer, load_file(folder / "optimizer.safetensors"))
        average, best = load_file(folder / "average.safetensors"), load_file(folder / "best.safetensors")
    except (RuntimeError, SafetensorError, FileNotFoundError) as error:
        raise ValueError(f"{folder} is damaged or of another model ({error}): use another folder") from error
    places = {name: parameter.device for name, parameter in model.named_parameters()}
    return RunState(**stored, average={name: tensor.to(places[name]) for name, tensor in average.items()}, best=best)


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
