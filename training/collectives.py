"""Tensors shared by the processes of one training; alone, a process keeps its own."""

import torch
import torch.distributed
from torch import Tensor


def distributed() -> bool:
    """True where this process trains together with others."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def all_reduce(tensor: Tensor) -> None:
    """Sums a tensor over all processes, in place."""
    if distributed():
        torch.distributed.all_reduce(tensor)


def broadcast(tensor: Tensor) -> Tensor:
    """The first process's tensor, on every process."""
    if distributed():
        torch.distributed.broadcast(tensor, 0)
    return tensor


def gather(rows: Tensor) -> Tensor:
    """The rows of all processes, in the same order on each."""
    if not distributed():
        return rows
    parts = [torch.empty_like(rows) for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather(parts, rows.contiguous())
    return torch.cat(parts)
