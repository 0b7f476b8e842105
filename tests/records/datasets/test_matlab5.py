"""MATLAB 5 files as scipy writes them, and files whose sizes lie."""

import struct
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from vqecg.records.datasets import matlab5
from vqecg.records.datasets.matlab5 import read_struct

TYPES = ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]


@pytest.mark.parametrize("compressed", [True, False])
def test_fields_are_those_that_were_saved(tmp_path: Path, compressed: bool) -> None:
    fields = {name: np.arange(6).reshape(2, 3).astype(name) for name in TYPES}
    saved = fields | {"text": "Größe 7", "letter": "F", "nothing": [], "cell": np.array([1, "a"], object)}
    content = {"before": np.zeros(3), "words": "x", "Other": {"a": 1.0}, "S": saved}
    scipy.io.savemat(tmp_path / "a.mat", content, do_compression=compressed)
    read = read_struct(tmp_path / "a.mat", "S")
    for name, values in fields.items():
        assert read[name].dtype == values.dtype
        np.testing.assert_array_equal(read[name], values)
    assert (read["text"], read["letter"], read["cell"]) == ("Größe 7", "F", "a MATLAB object of class 1")
    assert read["nothing"].size == 0


def test_whole_numbers_that_matlab_packs_stay_floating(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"S": {"a": np.arange(3.0)}})
    content = (tmp_path / "a.mat").read_bytes()
    numbers = struct.pack("<II3d", 9, 24, 0.0, 1.0, 2.0)
    assert content.count(numbers) == 1
    packed = content.replace(numbers, struct.pack("<II3B29x", 2, 3, 0, 1, 2)[: len(numbers)])
    # the element is now 24 bytes shorter than its place: three elements of padding that nobody reads
    (tmp_path / "a.mat").write_bytes(packed)
    read = read_struct(tmp_path / "a.mat", "S")["a"]
    assert read.dtype == np.float64 and read.tolist() == [[0.0, 1.0, 2.0]]


@pytest.mark.bad_input("MATLAB files of another kind")
@pytest.mark.parametrize("compressed", [True, False])
def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path, compressed: bool) -> None:
    file = tmp_path / "a.mat"
    scipy.io.savemat(file, {"S": {"a": np.arange(30.0), "b": "text"}}, do_compression=compressed)
    whole = file.read_bytes()
    for size in range(0, len(whole), 7):
        file.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"a\.mat (is cut off or damaged|holds no struct S)"):
            read_struct(file, "S")


@pytest.mark.bad_input("MATLAB files of another kind")
@pytest.mark.parametrize("claim", [0, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 20])
def test_sizes_that_lie_are_no_trouble(tmp_path: Path, claim: int) -> None:
    file = tmp_path / "a.mat"
    scipy.io.savemat(file, {"S": {"a": np.arange(8.0)}})
    whole = file.read_bytes()
    for place in range(128, 320, 4):
        file.write_bytes(whole[:place] + struct.pack("<I", claim) + whole[place + 4 :])
        try:
            read_struct(file, "S")
        except ValueError as error:
            assert str(file) in str(error)


@pytest.mark.bad_input("MATLAB files of another kind")
def test_more_than_the_bound_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.mat"
    scipy.io.savemat(file, {"S": {"a": np.zeros(10_000)}}, do_compression=True)
    monkeypatch.setattr(matlab5, "MAX_BYTES", 20_000)
    with pytest.raises(ValueError, match="when unpacked"):
        read_struct(file, "S")
    scipy.io.savemat(file, {"S": {"a": np.zeros(10_000)}})
    with pytest.raises(ValueError, match="expected a recording of up to"):
        read_struct(file, "S")
