"""One struct of a MATLAB 5 file (.mat, as MATLAB 5 to 7 save), read with a bound on every size that the file claims.

scipy.io.loadmat believes those sizes: of files with a few bytes changed some ended the process and one took minutes.
Format: MATLAB, MAT-File Format, R2024b, chapter 1.
"""

import math
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

MAX_BYTES = 1 << 28  # of a file and of its content; an hour of twelve leads at 500 Hz in float64 has 173 MB

_HEADER_BYTES = 128
_INTEGERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 12: "i8", 13: "u8"}
_NUMBERS = {**_INTEGERS, 7: "f4", 9: "f8"}  # type of an element -> numpy's
_TEXTS = {16: "utf-8", 17: "utf-16", 18: "utf-32"}
_MATRIX, _COMPRESSED = 14, 15  # types of elements
_STRUCT, _CHARACTERS = 2, 4  # classes of a matrix
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_COMPLEX = 0x0800


def read_struct(file: Path, name: str) -> Mapping[str, np.ndarray | str]:
    """The fields of the struct called `name`: numbers as arrays in MATLAB's shape and type, characters as text.

    A field of another kind (a cell, a function) is text that says so.

    Raises:
        ValueError: the file is not there, too large, of another version of MATLAB, cut off or damaged, or holds no such
            struct. Names the file.
    """
    if not os.path.isfile(file):
        raise ValueError(f"no file {file}; copy or download it again")
    size = file.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{file} has {size / 1e6:,.0f} MB, expected a recording of up to {MAX_BYTES / 1e6:,.0f} MB")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror})") from error
    order = _byte_order(file, content)
    try:
        for kind, data in _elements(content[_HEADER_BYTES:], order):
            if kind == _COMPRESSED:
                data = _unpacked(data)
                kind, data = next(_elements(data, order))
            if kind == _MATRIX and (fields := _fields(data, order, name)) is not None:
                return fields
    except (ValueError, IndexError, StopIteration, struct.error, zlib.error, OverflowError) as error:
        raise ValueError(f"{file} is cut off or damaged ({error}): copy or download it again") from error
    raise ValueError(f"{file} holds no struct {name}")


def _byte_order(file: Path, content: bytes) -> str:
    """ "<" or ">". ValueError: it is no file of MATLAB 5 to 7."""
    marks = {b"IM": "<", b"MI": ">"}
    if len(content) < _HEADER_BYTES:
        raise ValueError(f"{file} is cut off or damaged ({len(content)} bytes): copy or download it again")
    if content.startswith(b"MATLAB 7.3") or content[1:4] == b"HDF":
        raise ValueError(f"{file} is of MATLAB 7.3 (HDF5), expected MATLAB 5: save it with the option -v7 or -v6")
    mark = content[126:128]
    if mark not in marks:
        old = " (of MATLAB 4?)" if 0 in content[:4] else ""
        raise ValueError(f"{file} is no file of MATLAB 5{old}, or damaged: copy or download it again")
    return marks[mark]


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """The elements of a stretch of a file as (type, data). ValueError: one is longer than the stretch."""
    place = 0
    while place + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, place)
        start, after = place + 8, place + 8 + (size if kind == _COMPRESSED else -(-size // 8) * 8)
        if kind >> 16:  # up to four bytes stand in the tag itself
            kind, size, start, after = kind & 0xFFFF, kind >> 16, place + 4, place + 8
        if start + size > min(after, len(data)):
            raise ValueError(f"an element of {size:,} bytes where {min(after, len(data)) - start:,} are left")
        yield kind, data[start : start + size]
        place = after


def _unpacked(data: bytes) -> bytes:
    """The content of a compressed element. ValueError: it is too large or cut off."""
    stream = zlib.decompressobj()
    content = stream.decompress(data, MAX_BYTES)
    if stream.unconsumed_tail:
        raise ValueError(f"more than {MAX_BYTES / 1e6:,.0f} MB when unpacked")
    if not stream.eof:
        raise ValueError("a compressed element that does not end")
    return content


def _fields(data: bytes, order: str, name: str) -> Mapping[str, np.ndarray | str] | None:
    """The fields of a matrix that is a struct of this name and of one element, else None."""
    elements = _elements(data, order)
    kind, shape, _ = _head(elements, order)
    if kind != _STRUCT or next(elements)[1].decode("latin-1") != name:
        return None
    if math.prod(shape) != 1:
        raise ValueError(f"a struct of shape {shape}, expected one")
    length = int(np.frombuffer(next(elements)[1], f"{order}i4")[0])
    if length < 1:
        raise ValueError(f"names of {length} letters")
    names = next(elements)[1]
    labels = [names[at : at + length].split(b"\0")[0].decode("latin-1") for at in range(0, len(names), length)]
    return {label: _value(next(elements), order) for label in labels}


def _head(elements: Iterator[tuple[int, bytes]], order: str) -> tuple[int, tuple[int, ...], bool]:
    """Class, shape and whether it is complex, from the first two elements of a matrix."""
    flags = int(np.frombuffer(next(elements)[1], f"{order}u4")[0])
    shape = tuple(np.frombuffer(next(elements)[1], f"{order}i4").tolist())
    if len(shape) < 2 or min(shape) < 0:
        raise ValueError(f"a matrix of shape {shape}")
    return flags & 0xFF, shape, bool(flags & _COMPLEX)


def _value(element: tuple[int, bytes], order: str) -> np.ndarray | str:
    """The value of a field."""
    kind, data = element
    if kind != _MATRIX:
        raise ValueError(f"a field of type {kind}")
    if not data:
        return np.empty((0, 0))
    elements = _elements(data, order)
    of_class, shape, is_complex = _head(elements, order)
    next(elements)  # its name, which is empty
    if of_class == _CHARACTERS:
        return _text(next(elements, (2, b"")), order)
    if of_class not in _CLASSES or is_complex:
        return f"a MATLAB {'complex number' if of_class in _CLASSES else f'object of class {of_class}'}"
    stored, content = next(elements)
    if stored not in _NUMBERS:
        raise ValueError(f"numbers of type {stored}")
    numbers = np.frombuffer(content, order + _NUMBERS[stored])
    return numbers.reshape(shape, order="F").astype(_CLASSES[of_class])


def _text(element: tuple[int, bytes], order: str) -> str:
    """The characters of an element."""
    kind, data = element
    if kind in _INTEGERS:
        return "".join(map(chr, np.frombuffer(data, order + _INTEGERS[kind]).tolist()))
    if kind not in _TEXTS:
        raise ValueError(f"characters of type {kind}")
    return data.decode(_TEXTS[kind] + ("" if kind == 16 else {"<": "-le", ">": "-be"}[order]))
