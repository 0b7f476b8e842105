"""A .npy file that is written row by row, so that an array larger than memory can be made."""

import hashlib
import math
from pathlib import Path
from types import TracebackType

import numpy as np


class ArrayFile:
    """Writes (rows, *row_shape) to `path`; `numpy.load`, with mmap_mode too, reads it. For use in a `with` block.

    A plain file, not a writable memory map: on a full disk that one ends the process (SIGBUS) instead of raising.
    """

    def __init__(self, path: Path, row_shape: tuple[int, ...], dtype: str) -> None:
        self.row_shape, self.dtype = row_shape, np.dtype(dtype)
        self.rows = 0
        self._digest = hashlib.sha256()
        self._file = path.open("wb")
        self._header_length = self._write_header(0)

    def append(self, rows: np.ndarray) -> None:
        """Adds rows (n, *row_shape) of the file's own type. Raises ValueError for others."""
        if rows.shape[1:] != self.row_shape or rows.dtype != self.dtype:
            raise ValueError(f"rows {rows.shape} {rows.dtype}; expected (n, *{self.row_shape}) {self.dtype}")
        data = np.ascontiguousarray(rows).data
        self._digest.update(data)
        self._file.write(data)
        self.rows += len(rows)

    @property
    def sha256(self) -> str:
        """Hex digest of all rows so far, without the header."""
        return self._digest.hexdigest()

    def __enter__(self) -> "ArrayFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if kind is not None:
                return
            self._file.seek(0)
            if self._write_header(self.rows) != self._header_length:
                raise RuntimeError(f"numpy's header for {self.rows} rows has another length than the one kept for it")

    def _write_header(self, rows: int) -> int:
        """Writes the header for so many rows and returns its length; numpy leaves room in it for more of them."""
        about = {"descr": self.dtype.str, "fortran_order": False, "shape": (rows, *self.row_shape)}
        np.lib.format.write_array_header_1_0(self._file, about)
        return self._file.tell()


def open_array(path: Path, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """The array in a .npy file, mapped read-only, once its header and the size of the file are what they must be.

    Nothing of the content is read. Raises ValueError, naming the file, for one that is missing, cannot be read, is no
    .npy file, holds another shape, type (an object that would be unpickled, say) or order of axes, is cut short or has
    more than its array.
    """
    expected = f"expected a .npy file of {shape} {np.dtype(dtype)}: the file is damaged, copy it again or make it anew"
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            version = np.lib.format.read_magic(file)
            if version not in ((1, 0), (2, 0)):
                raise ValueError(f"format version {version[0]}.{version[1]}")
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            there, by_columns, kind = read(file)
            begin = file.tell()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror or error}); {expected}") from error
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(f"{path}: {str(error).splitlines()[0] if str(error) else 'no header'}; {expected}") from error
    if (there, kind, by_columns) != (shape, np.dtype(dtype), False):
        order = ", by columns" if by_columns else ""
        raise ValueError(f"{path} holds {there} {kind}{order}; {expected}")
    wanted = begin + math.prod(shape) * kind.itemsize
    if size != wanted:
        raise ValueError(f"{path} has {size:,} bytes instead of {wanted:,}; {expected}")
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    assert isinstance(array, np.ndarray)
    return array
