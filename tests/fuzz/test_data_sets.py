"""Files of data sets with a few bytes changed: each costs itself alone."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from vqecg.records.datasets.challenge import read_challenge
from vqecg.records.datasets.cpsc2018 import read_cpsc2018_record
from vqecg.records.leads import LEADS

changes_of_bytes = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 8), st.binary(max_size=8)), min_size=1, max_size=4
)


def changed(content: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for at, removed, inserted in changes:
        content = content[:at] + inserted + content[at + removed :]
    return content


@pytest.fixture(scope="module")
def challenge(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A set of two records, and the content of the header of the second."""
    root = tmp_path_factory.mktemp("challenge")
    for name in ("A0001", "A0002"):
        lines = [f"{name} 12 500 100"]
        lines += [f"{name}.mat 16+24 1000/mV 16 0 0 0 0 {lead}" for lead in LEADS]
        (root / f"{name}.hea").write_text("\n".join([*lines, "#Age: 60", "#Sex: Male", "#Dx: 164889003"]) + "\n")
        scipy.io.savemat(root / f"{name}.mat", {"val": np.zeros((12, 100), np.int16)}, format="4")
    return root, (root / "A0002.hea").read_bytes()


@given(changes=changes_of_bytes)
def test_a_mutated_header_costs_itself_alone(
    challenge: tuple[Path, bytes], changes: list[tuple[int, int, bytes]]
) -> None:
    root, content = challenge
    (root / "A0002.hea").write_bytes(changed(content, changes))
    table = read_challenge(root)
    assert table.records["record_id"][0] == "A0001" and table.records["statements"][0] == {"AF": 0.0}
    assert len(table) + len(table.left_out) == 2


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes]]:
    """A place for a file, and a recording of CPSC2018 as MATLAB writes it, compressed and not."""
    file = tmp_path_factory.mktemp("cpsc2018") / "A0001.mat"
    contents = []
    for compressed in (True, False):
        data = np.random.default_rng(0).normal(0, 0.3, (12, 20))
        scipy.io.savemat(file, {"ECG": {"sex": "Male", "age": 50.0, "data": data}}, do_compression=compressed)
        contents.append(file.read_bytes())
    return file, contents


@given(which=st.sampled_from([0, 1]), changes=changes_of_bytes, claim=st.sampled_from([None, 0, 2**31 - 1, 2**32 - 1]))
def test_a_mutated_recording_is_read_or_refused(
    recordings: tuple[Path, list[bytes]], which: int, changes: list[tuple[int, int, bytes]], claim: int | None
) -> None:
    file, contents = recordings
    content = changed(contents[which], changes[1:] if claim is not None else changes)
    if claim is not None:
        at = 128 + changes[0][0] % 300
        content = content[:at] + claim.to_bytes(4, "little") + content[at + 4 :]
    file.write_bytes(content)
    try:
        signal = read_cpsc2018_record(file).signal
    except ValueError as error:
        assert str(file) in str(error)
    else:
        assert signal.shape[0] == 12 and signal.dtype == np.float32
