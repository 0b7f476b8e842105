"""Is it done already? One rule for every output that names its inputs.

A file in the folder of an output holds its identity: all that it depends on, as plain JSON.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vqecg.records.files.json_file import read_object

IDENTITY_FILE = "identity.json"


def reuse(
    folder: Path, identity: Mapping[str, Any] | str, file: str = IDENTITY_FILE, key: str = "", overwrite: bool = False
) -> bool:
    """True where `folder` holds an output of this identity; False where it holds none, or another to be overwritten.

    `file` holds the identity, under `key` if that is not empty: settings by name, or their digest. Raises ValueError,
    naming what differs, for an output of another identity that must not be overwritten, and for a damaged file.
    """
    stored = kept_identity(folder, file, key)
    wanted = as_json(identity)
    if stored is None or stored == wanted:
        return stored is not None
    if overwrite:
        return False
    details = f" ({differences(stored, wanted)})" if isinstance(stored, dict) else ""
    raise ValueError(
        f"{folder} holds this output with other settings or inputs{details}: name another folder (--out), or replace "
        "this output (--overwrite)"
    )


def kept_identity(folder: Path, file: str = IDENTITY_FILE, key: str = "") -> Any:
    """The identity stored in a folder, None where there is none. Raises ValueError for a damaged file."""
    path = Path(folder) / file
    if not path.is_file():
        return None
    content = read_object(path)
    if key and key not in content:
        raise ValueError(f"{path} has no {key!r}: the file is damaged, delete {folder}")
    return content[key] if key else content


def as_json(identity: Any) -> Any:
    """An identity as JSON gives it back: tuples as lists, keys as text."""
    return json.loads(json.dumps(identity))


def differences(stored: Any, wanted: Any, name: str = "") -> str:
    """The settings that differ, in a line: "fit.steps 100 there, 200 asked for"."""
    if isinstance(stored, dict) and isinstance(wanted, dict):
        return ", ".join(
            differences(stored.get(key), wanted.get(key), f"{name}.{key}" if name else key)
            for key in sorted(set(stored) | set(wanted))
            if stored.get(key) != wanted.get(key)
        )
    return f"{name} {stored} there, {wanted} asked for"
