"""MATLAB files as signal files: version 4 is read where the header describes it rightly, every other kind is named."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from vqecg.records.datasets.wfdb_reading import NotAsDescribedError, read_wfdb

MATLAB = pytest.mark.bad_input("MATLAB file of another kind")


def matlab(raw, offset: int | None = 24, storage_format: str = "16", content: bytes | None = None, **save) -> Path:
    """The record as .mat file, its samples saved by scipy unless the content is given."""
    raw.lines = [line.replace("r1.dat 16", f"r1.mat {storage_format}+{offset or 0}") for line in raw.lines]
    if content is None:
        name, values = save.pop("name", "val"), save.pop("values", raw.digital.T)
        scipy.io.savemat(raw.folder / "r1.mat", {name: values}, format=save.pop("version", "4"))
    else:
        (raw.folder / "r1.mat").write_bytes(content)
    (raw.folder / "r1.hea").write_text("\n".join(raw.lines) + "\n")
    return raw.path


def preamble(kind: int, rows: int, columns: int, imaginary: int = 0, order: str = "<") -> bytes:
    return np.array([kind, rows, columns, imaginary, 4], f"{order}i4").tobytes() + b"val\0"


@pytest.mark.parametrize("name", ["val", "ecg"])
def test_a_matlab_4_file_is_read(raw, name: str) -> None:
    np.testing.assert_allclose(read_wfdb(matlab(raw, name=name)).signal, raw.digital.T / 1000, atol=1e-6)


@MATLAB
@pytest.mark.parametrize("version", ["32 bit", "big-endian", "a longer name", "no length"])
def test_a_matlab_4_file_that_the_header_describes_rightly_is_read(raw, version: str) -> None:
    if version == "32 bit":
        path = matlab(raw, storage_format="32", values=raw.digital.T.astype("<i4"))
    elif version == "big-endian":
        content = preamble(1030, 12, 3000, order=">") + raw.digital.astype(">i2").tobytes()
        path = matlab(raw, storage_format="61", content=content)
    elif version == "a longer name":
        path = matlab(raw, offset=27, name="signal")
    else:
        raw.replace("500 3000", "500")
        path = matlab(raw)
    np.testing.assert_allclose(read_wfdb(path).signal, raw.digital.T / 1000, atol=1e-6)


MATLAB_FILES = {
    "version 5": (lambda raw: matlab(raw, version="5"), "version 5"),
    "version 5 of the right size": (
        lambda raw: matlab(raw, content=b"MATLAB 5.0 MAT-file, Platform: GLNX" + bytes(24 + 72000 - 35)),
        "version 5",
    ),
    "version 7.3": (lambda raw: matlab(raw, content=b"MATLAB 7.3 MAT-file" + bytes(72000 + 5)), "version 7.3"),
    "HDF5": (lambda raw: matlab(raw, content=b"\x89HDF\r\n\x1a\n" + bytes(72000 + 16)), "version 7.3"),
    "transposed": (lambda raw: matlab(raw, values=raw.digital), "3000 x 12 .transposed"),
    "int32": (lambda raw: matlab(raw, values=raw.digital.T.astype("<i4")), "int32"),
    "int32 of the right size": (
        lambda raw: matlab(raw, content=preamble(20, 12, 3000) + raw.data),
        "int32",
    ),
    "double": (lambda raw: matlab(raw, values=raw.digital.T / 1000), "double"),
    "single": (lambda raw: matlab(raw, values=(raw.digital.T / 1000).astype("<f4")), "single"),
    "uint16": (lambda raw: matlab(raw, values=(raw.digital.T % 100).astype("<u2")), "uint16"),
    "uint8": (lambda raw: matlab(raw, values=(raw.digital.T % 100).astype("u1")), "uint8"),
    "big-endian": (
        lambda raw: matlab(raw, content=preamble(1030, 12, 3000, order=">") + raw.digital.astype(">i2").tobytes()),
        "big-endian",
    ),
    "complex": (lambda raw: matlab(raw, content=preamble(30, 12, 3000, 1) + raw.data), "complex"),
    "text": (lambda raw: matlab(raw, content=preamble(31, 12, 3000) + raw.data), "preamble of a MATLAB 4"),
    "sparse": (lambda raw: matlab(raw, content=preamble(32, 12, 3000) + raw.data), "preamble of a MATLAB 4"),
    "fewer rows": (lambda raw: matlab(raw, values=raw.digital.T[:8]), "8 x 3000"),
    "fewer columns": (lambda raw: matlab(raw, values=raw.digital.T[:, :100]), "12 x 100"),
    "other factors of one size": (lambda raw: matlab(raw, content=preamble(30, 6, 6000) + raw.data), "6 x 6000"),
    "no offset in the header": (lambda raw: matlab(raw, offset=None), "byte offset is 0"),
    "another offset": (lambda raw: matlab(raw, offset=20), "byte offset is 20"),
    "a longer name": (lambda raw: matlab(raw, name="signals"), "preamble of 28 bytes .variable 'signals'"),
    "no preamble": (lambda raw: matlab(raw, content=bytes(24) + raw.data), "preamble of a MATLAB 4"),
    "cut off in the preamble": (lambda raw: matlab(raw, content=preamble(30, 12, 3000)[:13]), "preamble of a MATLAB 4"),
    "cut off, without a length in the header": (
        lambda raw: (
            raw.replace("500 3000", "500"),
            matlab(raw, content=preamble(30, 12, 3000) + raw.data[:24000]),
        )[1],
        "holds 24,000 bytes",
    ),
    "a matrix without columns": (
        lambda raw: (raw.replace("500 3000", "500"), matlab(raw, content=preamble(30, 12, 0) + raw.data))[1],
        "12 x 0",
    ),
    "two variables": (
        lambda raw: matlab(raw, content=(preamble(30, 12, 3000) + raw.data) * 2),
        "holds 144,024 bytes",
    ),
    "a page of HTML": (lambda raw: matlab(raw, content=b"<html>" + bytes(72000)), "no signal file, but a web page"),
}


@MATLAB
@pytest.mark.parametrize("kind", MATLAB_FILES)
def test_a_matlab_file_of_another_kind_is_named(raw, kind: str) -> None:
    save, message = MATLAB_FILES[kind]
    with pytest.raises(NotAsDescribedError, match=message):
        read_wfdb(save(raw))
