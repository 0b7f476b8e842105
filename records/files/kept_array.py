"""Arrays that are made once and stay in a file, named after all that they depend on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from vqecg.records.files.array_file import open_array
from vqecg.records.files.atomic import atomic_file


def kept_array(path: Path, shape: tuple[int, ...], dtype: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """The array in the .npy file `path`, mapped read-only; where there is no such file, `make` makes it first.

    Raises ValueError, with what to do, for a file that holds something else, or is damaged.
    """
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        array = make().astype(dtype)
        with atomic_file(path) as aside:
            np.save(aside, array, allow_pickle=False)
    try:
        return open_array(path, shape, dtype)
    except ValueError as error:
        raise ValueError(f"{error}: delete {path}, and the same command makes it again") from error
