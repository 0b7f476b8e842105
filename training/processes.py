"""The processes of one job (`accelerate launch`, `torchrun`): which one this is, and what the main one does for all.

Nothing is imported before it is needed: the command line asks here too.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
AUTO = "auto"  # a GPU where there is one, else the processor
DEVICE = "VQECG_DEVICE"  # environment variable: the device that is asked for, which worker processes inherit


class MainProcessError(RuntimeError):
    """The main process of the job failed, and says itself why."""


def process_count() -> int:
    """The number of processes of the job, by its launcher."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def process_index() -> int:
    """The number of this process among them, from 0."""
    return int(os.environ.get("RANK", "0"))


def is_main_process() -> bool:
    """True in process 0, which alone writes and prints."""
    return process_index() == 0


def own_device() -> torch.device:
    """The device of the models of this process, and the one place that says so.

    It is the one that `on_device` asked for, else the process's own GPU where there is one, else the processor. Raises
    ValueError as `check_device`.
    """
    import torch

    asked = os.environ.get(DEVICE, AUTO)
    check_device(asked)
    if asked == "cpu" or (asked == AUTO and not torch.cuda.is_available()):
        return torch.device("cpu")
    return torch.device(asked if ":" in asked else f"cuda:{os.environ.get('LOCAL_RANK', '0')}")


@contextmanager
def on_device(name: str) -> Iterator[None]:
    """Puts what is trained or loaded within a `with` block on a device, in the worker processes too that begin in it.

    `name` is cpu, cuda, cuda:1 (the second GPU) or auto, which changes nothing. Raises ValueError as `check_device`.
    """
    check_device(name)
    # accelerate, which chooses the device of a training, has variables of its own
    variables = {} if name == AUTO else {DEVICE: name}
    variables |= {"ACCELERATE_USE_CPU": "true"} if name == "cpu" else {}
    variables |= {"ACCELERATE_TORCH_DEVICE": name} if ":" in name else {}
    before = {variable: os.environ.get(variable) for variable in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for variable, value in before.items():
            os.environ.pop(variable, None)
            os.environ |= {} if value is None else {variable: value}


def check_device_name(name: str) -> None:
    """Raises ValueError for a device that no machine has."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", name):
        raise ValueError(f"device is {name!r}; expected cpu, cuda, cuda:1 (the second GPU) or auto")


def check_device(name: str) -> None:
    """Raises ValueError for a device that this machine does not have, or that its processes cannot share."""
    check_device_name(name)
    if not name.startswith("cuda"):
        return
    import torch

    if not torch.cuda.is_available():
        build = "" if torch.version.cuda else f" (its build {torch.__version__} is for processors alone)"
        raise ValueError(f"device is {name!r}, but torch sees no GPU here{build}: ask for --device cpu or auto")
    _, _, number = name.partition(":")
    if number and int(number) >= torch.cuda.device_count():
        last = torch.cuda.device_count() - 1
        raise ValueError(f"device is {name!r}, but the GPUs here are cuda:0 to cuda:{last}: ask for one of these")
    if number and process_count() > 1:
        raise ValueError(f"device is {name!r} for {process_count()} processes, of which each has its own: ask for cuda")


def by_main(work: Callable[[], T]) -> T:
    """Does `work` in the main process alone, and returns what it gives (which is sent to the others) in all of them.

    An exception is raised as it is in the main process, and as MainProcessError in the others, so that none waits.
    """
    if process_count() == 1:
        return work()
    from accelerate import Accelerator
    from accelerate.utils import broadcast_object_list

    Accelerator()  # joins the others, on the devices that `fit` will use
    result: list[Any] = [None]
    if is_main_process():
        try:
            result = [(work(),)]
        finally:
            broadcast_object_list(result)
    else:
        broadcast_object_list(result)
    if result[0] is None:
        raise MainProcessError("the main process failed")
    return result[0][0]


def leave_job() -> None:
    """Takes leave of the other processes, if this one ever met them."""
    if process_count() > 1 and "torch" in sys.modules:
        from torch import distributed

        if distributed.is_initialized():
            distributed.destroy_process_group()
