"""A prepared store as one file, to be carried to a machine without network or recordings: a tar archive under xz."""

import tarfile
from pathlib import Path
from typing import Final

from vqecg.records.files.atomic import atomic_file, atomic_folder
from vqecg.records.store.record_store import RecordStore, is_store

XZ_PRESET: Final = 1  # 3,864 records: 33 MB in half a minute; 6 makes 29 MB in more than a minute


def pack_store(folder: Path, file: Path) -> int:
    """Writes the store in `folder` into `file`, whole or not at all; returns its bytes.

    Raises ValueError when the folder holds no store.
    """
    RecordStore.open(folder)
    with atomic_file(file) as aside, tarfile.open(aside, "w:xz", preset=XZ_PRESET) as archive:
        for path in sorted(folder.iterdir()):
            if path.is_file():
                archive.add(path, path.name)
    return file.stat().st_size


def open_store(place: Path, unpacked: Path) -> RecordStore:
    """The store in the folder or packed file `place`; a file is unpacked into `unpacked`, once.

    Raises ValueError for anything else.
    """
    if place.is_dir():
        return RecordStore.open(place)
    if is_store(unpacked):
        return RecordStore.open(unpacked)
    if not place.is_file() or not tarfile.is_tarfile(place):
        raise ValueError(f"{place} is neither a folder of `vqecg prepare` nor a file that --pack wrote")
    with tarfile.open(place) as archive, atomic_folder(unpacked, is_store) as partial:
        archive.extractall(partial, filter="data")
    return RecordStore.open(unpacked)
