"""The folder of a saved model: config.json, model.safetensors and README.md (the model card). Nothing is pickled."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from vqecg.records.files.atomic import atomic_file, write_text
from vqecg.training.processes import own_device

FORMAT_VERSION = 1
# metadata of a config's field that came after models had been trained: while it has its default, which is what those
# models were made with, it is not part of the fingerprint, so that theirs stays what it was
OMITTED_WHILE_DEFAULT = MappingProxyType({"omitted_while_default": True})
CONFIG_FILE, WEIGHTS_FILE, CARD_FILE = "config.json", "model.safetensors", "README.md"


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Writes a safetensors file whole or not at all."""
    # clones: safetensors refuses tensors that share memory, as tied weights do
    plain = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    with atomic_file(path) as aside:
        save_file(plain, aside)


def config_from_dict(config_class: type, values: Mapping[str, Any], origin: str) -> Any:
    """Builds a settings dataclass from JSON values; lists become tuples.

    Raises ValueError for a key the dataclass does not know, or one that it needs and that is missing.
    """
    known = {field.name for field in dataclasses.fields(config_class)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(
            f"{origin}: unknown settings {unknown} for {config_class.__name__}; it knows {sorted(known)}. "
            "The file may come from a newer vqecg: update the package"
        )
    try:
        return config_class(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    except TypeError as error:
        raise ValueError(f"{origin}: incomplete settings for {config_class.__name__}: {error}") from error


class Pretrained:
    """Mixin for an `nn.Module` whose `config` is a frozen dataclass and whose `__init__` takes just that config."""

    config_class: ClassVar[type]
    config: Any

    def save_pretrained(self, folder: str | Path, card: str = "") -> None:
        """Writes config.json, model.safetensors and the model card README.md into `folder`."""
        assert isinstance(self, nn.Module)
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_tensors(folder / WEIGHTS_FILE, self.state_dict())
        about = {
            "class": type(self).__name__,
            "format_version": FORMAT_VERSION,
            "config": dataclasses.asdict(self.config),
        }
        write_text(folder / CARD_FILE, card or f"# {type(self).__name__}\n\nResearch use, not for diagnosis.\n")
        write_text(folder / CONFIG_FILE, json.dumps(about, indent=2) + "\n")

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Self:
        """Loads a model from a folder, or from the model hub if `folder` is no folder but reads like `user/name`.

        It is in evaluation mode and lies on this process's GPU, where there is one.

        Raises ValueError for a missing file, another class, another format version, an unknown setting, or weights
        that do not fit the settings.
        """
        place = find_folder(folder)
        about = read_config(place)
        if about.get("class") != cls.__name__:
            raise ValueError(
                f"{place} holds a {about.get('class')}, not a {cls.__name__}: pass the folder of the latter"
            )
        if about.get("format_version") != FORMAT_VERSION:
            raise ValueError(
                f"{place} has format version {about.get('format_version')}, this vqecg reads {FORMAT_VERSION}: "
                "update the package or train again"
            )
        build: Any = cls  # whatever inherits this is made from its configuration alone
        model: Self = build(config_from_dict(cls.config_class, about["config"], str(place / CONFIG_FILE)))
        assert isinstance(model, nn.Module)
        try:
            model.load_state_dict(load_file(place / WEIGHTS_FILE))
        except (RuntimeError, SafetensorError, FileNotFoundError) as error:
            raise ValueError(f"{place / WEIGHTS_FILE} does not fit {place / CONFIG_FILE}: {error}") from error
        return model.eval().to(own_device())


def find_folder(folder: str | Path) -> Path:
    """The local folder of a model: the path itself, else a snapshot of the hub repository of that name."""
    place = Path(folder)
    if place.is_dir():
        return place
    text = str(folder)
    if text.count("/") != 1 or text.startswith((".", "/", "~")):
        raise ValueError(f"no model folder at {text!r}: expected a folder with {CONFIG_FILE} and {WEIGHTS_FILE}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(text))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ValueError(f"{text!r} is neither a folder here nor a repository of the hub: {error}") from error


def json_values(value: Any) -> Any:
    """Nested dicts and sequences as JSON has them: lists, and None for a number that is not finite."""
    if isinstance(value, Mapping):
        return {name: json_values(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_values(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_config(folder: Path) -> dict[str, Any]:
    """The content of config.json; raises ValueError when it is missing or no JSON object."""
    path = folder / CONFIG_FILE
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"{folder} holds no {CONFIG_FILE}: expected the folder of a trained model") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no valid JSON ({error}): the file is damaged, copy or train it again") from error
    if not isinstance(about, dict) or not isinstance(about.get("config"), dict):
        raise ValueError(f"{path} has no 'config' object: expected the folder of a trained vqecg model")
    return about


def fingerprint(model: nn.Module) -> str:
    """16 hex digits that name a model's settings and weights: equal for equal bits, wherever the folder lies.

    A setting that is marked OMITTED_WHILE_DEFAULT counts only where it is not at its default.
    """
    config: Any = model.config
    settings = dataclasses.asdict(config)
    for field in dataclasses.fields(config):
        if field.metadata.get("omitted_while_default") and settings[field.name] == field.default:
            del settings[field.name]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
