"""The processes of one job (`accelerate launch`, `torchrun`): which one this is, and what the main one does for all.

Nothing is imported before it is needed: the command line asks here too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


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
    """The device of the models of this process: its own GPU where there is one, else the processor."""
    import torch

    gpu = torch.cuda.is_available()
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if gpu else torch.device("cpu")


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
