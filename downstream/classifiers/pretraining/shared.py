"""A pretraining that several runs begin with: done by the first, read by the others."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from vqecg.downstream.classifiers.pretraining.registry import Pretraining
from vqecg.training.checkpoint import write_tensors
from vqecg.training.weights import check_tensors, read_tensors


@dataclass(frozen=True, eq=False)
class SharedPretraining:
    """A pretraining whose weights stay in a folder, each set by all that it depends on.

    Runs that differ in what follows alone, such as the number of steps, begin with the same bits either way.
    """

    pretraining: Pretraining
    folder: Path
    about: Mapping[str, Any]  # plain JSON: the pretraining's identity, its ECGs, the arithmetic

    def train(
        self,
        model: nn.Module,
        seed: int,
        folder: Path | None = None,
        progress: bool = True,
        description: str = "pretraining",
    ) -> None:
        """Puts the weights into a classifier, from their file or by training it; see `Pretraining.train`.

        Raises ValueError as that does, and for a damaged file.
        """
        path = self.path(model, seed)
        if path.is_file():
            tensors = read_tensors(path)
            check_tensors(tensors, model.state_dict(), path)
            model.load_state_dict(tensors)
            return
        self.pretraining.train(model, seed, folder, progress, description)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tensors(path, model.state_dict())

    def path(self, model: nn.Module, seed: int) -> Path:
        """The file of the weights for a classifier as it is before: named by these weights too, buffers among them."""
        about = {"pretraining": type(self.pretraining).__name__, "seed": seed, **self.about}
        digest = hashlib.blake2b(json.dumps(about, sort_keys=True).encode(), digest_size=8)
        for name, tensor in sorted(model.state_dict().items()):
            digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
        return self.folder / f"{digest.hexdigest()}.safetensors"
