"""The folder of a model: a local one, or, where `hub:user/name` asks for it, a snapshot from the model hub."""

import re
from pathlib import Path

HUB = "hub:"
NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?", re.ASCII)
CARD, CONDITIONS = "README.md", "conditions.csv"
FILES = ["*.safetensors", "*.json", CONDITIONS, f"*/{CONDITIONS}", CARD, f"*/{CARD}"]  # nothing that runs


def find_folder(folder: str | Path) -> Path:
    """The folder of a model: a local path, or `hub:user/name` or `hub:user/name@revision`, fetched from the hub.

    Of a hub repository only safetensors, json and conditions.csv are fetched, and the card. Raises ValueError for a
    path that is no folder, which is never looked for on the hub, and for a repository that cannot be had.
    """
    text = str(folder)
    if text.startswith(HUB):
        return fetch(text.removeprefix(HUB))
    try:
        place = Path(folder)
        if place.is_dir():
            return place
        what = ", which is a file" if place.exists() else ""
    except (ValueError, OSError) as error:  # a NUL in the name, or a name too long
        raise ValueError(f"no model folder at {text[:100]!r}: {str(error)[:100]}") from error
    hint = f", or for the model hub's {HUB}{text}" if NAME.fullmatch(text) else ""
    raise ValueError(
        f"no model folder at {text!r}{what}: expected a folder with config.json and model.safetensors{hint}"
    )


def fetch(name: str) -> Path:
    """The local snapshot of `user/name` or `user/name@revision`."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{HUB}{name} names no repository; expected {HUB}user/name, or {HUB}user/name@revision")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    repository, _, revision = name.partition("@")
    try:
        return Path(snapshot_download(repository, revision=revision or None, allow_patterns=FILES))
    except (OSError, HFValidationError) as error:
        line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(f"{HUB}{name} cannot be had from the model hub: {line}") from error
