"""WFDB headers of any content."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqecg.records.datasets.wfdb_reading import read_wfdb


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples."""
    return tmp_path_factory.mktemp("headers")


@given(content=st.binary(max_size=200))
def test_any_bytes_as_header_give_a_record_or_a_value_error(folder: Path, content: bytes) -> None:
    (folder / "h.hea").write_bytes(content)
    with contextlib.suppress(ValueError):
        read_wfdb(folder / "h")
