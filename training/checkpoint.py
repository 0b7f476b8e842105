"""The folder of a saved model: config.json, model.safetensors and README.md (the model card). Nothing is pickled."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from vqecg.records.bounds import OMITTED_WHILE_DEFAULT as OMITTED_WHILE_DEFAULT
from vqecg.records.bounds import check_value, field_kinds, shown
from vqecg.records.files.atomic import atomic_file, write_text
from vqecg.records.files.checksums import write_checksums
from vqecg.records.files.json_file import read_object
from vqecg.training.hub import find_folder
from vqecg.training.processes import own_device
from vqecg.training.weights import check_tensors, read_tensors, skeleton

FORMAT_VERSION = 1
CONFIG_FILE, WEIGHTS_FILE, CARD_FILE = "config.json", "model.safetensors", "README.md"


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Writes a safetensors file whole or not at all."""
    # clones: safetensors refuses tensors that share memory, as tied weights do
    plain = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    try:
        with atomic_file(path) as aside:
            save_file(plain, aside)
    except SafetensorError as error:  # its word for what the system says: a full disk, a missing folder
        raise OSError(f"{path} cannot be written: {error}") from error


def config_from_dict(config_class: type, values: Mapping[str, Any], origin: str) -> Any:
    """Builds a settings dataclass from JSON values; lists become tuples.

    Raises ValueError for a key the dataclass does not know, one that it needs and that is missing, and a value of
    another kind.
    """
    known = {field.name for field in dataclasses.fields(config_class)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(
            f"{origin}: unknown settings {shown(unknown)} for {config_class.__name__}; it knows {sorted(known)}. "
            "The file may come from a newer vqecg: update the package"
        )
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    try:
        for name, value in plain.items():
            check_value(name, value, field_kinds(config_class)[name])
        return config_class(**plain)
    except TypeError as error:
        raise ValueError(f"{origin}: incomplete settings for {config_class.__name__}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{origin}: {error}") from error


class Pretrained:
    """Mixin for an `nn.Module` whose `config` is a frozen dataclass and whose `__init__` takes just that config."""

    config_class: ClassVar[type]
    format_version: ClassVar[int] = FORMAT_VERSION  # of its files; raised when they no longer mean what they did
    config: Any

    def save_pretrained(self, folder: str | Path, card: str = "") -> None:
        """Writes config.json, model.safetensors, the model card README.md and the sums of these into `folder`."""
        assert isinstance(self, nn.Module)
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_tensors(folder / WEIGHTS_FILE, self.state_dict())
        about = {
            "class": type(self).__name__,
            "format_version": self.format_version,
            "config": dataclasses.asdict(self.config),
        }
        write_text(folder / CARD_FILE, card or f"# {type(self).__name__}\n\nResearch use, not for diagnosis.\n")
        write_text(folder / CONFIG_FILE, json.dumps(about, indent=2) + "\n")
        write_checksums(folder, (CARD_FILE, CONFIG_FILE, WEIGHTS_FILE))

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Self:
        """Loads a model from a folder, or from the model hub where `folder` is hub:user/name or hub:user/name@revision.

        It is in evaluation mode and lies on this process's GPU, where there is one.

        Raises ValueError for a missing or damaged file, another class, another format version, a setting that is
        unknown or cannot be, and weights that do not fit the settings or are not finite.
        """
        place = find_folder(folder)
        about = read_config(place)
        if about.get("class") != cls.__name__:
            raise ValueError(
                f"{place} holds a {about.get('class')}, not a {cls.__name__}: pass the folder of the latter"
            )
        if about.get("format_version") != cls.format_version:
            raise ValueError(
                f"{place} has format version {about.get('format_version')}, this vqecg reads {cls.format_version}: "
                "update the package or train again"
            )
        config = config_from_dict(cls.config_class, about["config"], str(place / CONFIG_FILE))
        try:
            expected = skeleton(cls, config)
        except ValueError as error:
            raise ValueError(f"{place / CONFIG_FILE}: {error}") from error
        tensors = read_tensors(place / WEIGHTS_FILE)
        if expected is not None:  # before memory is asked for
            check_tensors(tensors, expected.state_dict(), place / WEIGHTS_FILE)
        make: Any = cls  # whatever inherits this is made from its configuration alone
        model: Self = make(config)
        assert isinstance(model, nn.Module)
        if expected is None:
            check_tensors(tensors, model.state_dict(), place / WEIGHTS_FILE)
        model.load_state_dict(tensors)
        return model.eval().to(own_device())


def json_values(value: Any) -> Any:
    """Nested dicts and sequences as JSON has them: lists, and None for a number that is not finite."""
    if isinstance(value, Mapping):
        return {name: json_values(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_values(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def rows_with_nan(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a table that json_values wrote, where None stands for NaN, which only columns of numbers have."""
    return [{name: math.nan if value is None else value for name, value in row.items()} for row in rows]


def read_config(folder: Path) -> dict[str, Any]:
    """The content of config.json; raises ValueError when it is missing, damaged, or not of a model."""
    path = folder / CONFIG_FILE
    if not path.exists():
        raise ValueError(f"{folder} holds no {CONFIG_FILE}: expected the folder of a trained model")
    about = read_object(path, nan=False)
    if not isinstance(about.get("config"), dict):
        raise ValueError(f"{path} has no 'config' object: expected the folder of a trained vqecg model")
    return about


def identifying(settings: Any) -> dict[str, Any]:
    """The fields of a dataclass of settings, nested ones too, that name what is made with them, by name.

    A setting that is marked OMITTED_WHILE_DEFAULT counts only where it is not at its default.
    """
    values = dataclasses.asdict(settings)
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if field.metadata.get("omitted_while_default") and value == field.default:
            del values[field.name]
        elif dataclasses.is_dataclass(value):
            values[field.name] = identifying(value)
    return values


def fingerprint(model: nn.Module) -> str:
    """16 hex digits that name a model's settings and weights: equal for equal bits, wherever the folder lies.

    A setting that is marked OMITTED_WHILE_DEFAULT counts only where it is not at its default.
    """
    digest = hashlib.sha256(json.dumps(identifying(model.config), sort_keys=True).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
