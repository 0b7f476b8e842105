"""Weights that fit: each tensor as the settings of its model say, and no more than there is memory for."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

COPIES = 5  # of the weights in training: themselves, gradients, two moments, averages
SHOWN = 3  # tensors named in a message


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises ValueError for one that cannot be read."""
    try:
        return load_file(path)
    except (OSError, SafetensorError, ValueError, MemoryError, RuntimeError) as error:
        raise ValueError(f"{path} holds no weights that can be read ({error}): copy or train it again") from error


def check_tensors(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    """Raises ValueError unless all tensors that are `expected` are there, of their shape and type, and finite."""
    lacking, further = expected.keys() - tensors.keys(), tensors.keys() - expected.keys()
    for names, what in ((lacking, "lacks"), (further, "also holds")):
        if names:
            raise ValueError(f"{path} does not fit its settings: it {what} the tensors {some(names)}")
    for name, tensor in tensors.items():
        wanted = expected[name]
        if tensor.shape != wanted.shape or tensor.dtype != wanted.dtype:
            raise ValueError(
                f"{path} does not fit its settings: {name} is {described(tensor)}, expected {described(wanted)}"
            )
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ValueError(f"{path}: {name} holds NaN or infinite numbers: the weights are damaged, train again")
        if name.endswith("running_var") and bool((tensor < 0).any()):
            raise ValueError(f"{path}: {name} holds variances below 0: the weights are damaged, train again")


def some(names: Any) -> str:
    """The first few names."""
    ordered = sorted(names)
    return ", ".join(ordered[:SHOWN]) + (f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else "")


def described(tensor: Tensor) -> str:
    """Shape and type."""
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"


def build_model(model_class: Any, config: Any) -> Any:
    """A new model of these settings, whose weights depend on torch's seed.

    Raises ValueError, before memory is asked for, when the training of its weights needs more than this machine has.
    """
    size = COPIES * model_bytes(model_class, config)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if size > memory:
        raise ValueError(
            f"the {model_class.__name__} of these settings takes {size / 1e9:,.1f} GB in training, this "
            f"machine has {memory / 1e9:,.1f} GB: make it smaller"
        )
    return model_class(config)


def skeleton(model_class: Any, config: Any) -> nn.Module | None:
    """The model without memory for its weights; None for one (of an extension) that cannot be made so.

    Raises ValueError for settings that no such model can have.
    """
    try:
        with torch.device("meta"):
            return model_class(config)
    except NotImplementedError:
        return None
    except (RuntimeError, TypeError, AssertionError, ZeroDivisionError, OverflowError) as error:
        if "meta tensor" in str(error):
            return None
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"no {model_class.__name__} can have these settings ({line})") from error


def model_bytes(model_class: Any, config: Any) -> int:
    """The size of the weights, in bytes; 0 where it cannot be known before."""
    model = skeleton(model_class, config)
    if model is None:
        return 0
    return sum(part.numel() * part.element_size() for part in (*model.parameters(), *model.buffers()))
