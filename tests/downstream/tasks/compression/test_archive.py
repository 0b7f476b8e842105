"""The format of archives: what is written comes back, and whatever is damaged is refused."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.downstream.tasks.compression.archive import (
    MAGICS,
    ArchivedRecord,
    ArchiveHeader,
    ArchiveReader,
    ArchiveWriter,
)

HEADER = ArchiveHeader("0123456789abcdef", ("I", "II", "V1"), 100.0, 20.0, 1000)
PATH = Path("some.vqe")


def record(record_id: str = "7", samples: int = 2500, fill: bytes = b"abc") -> ArchivedRecord:
    return ArchivedRecord(record_id, samples, 500.0, [fill * (n + 1) for n in range(-(-samples // HEADER.segment))])


def written(*records: ArchivedRecord) -> bytes:
    file = io.BytesIO()
    archive = ArchiveWriter(file, HEADER)
    for one in records:
        archive.add(one)
    assert archive.close() == len(file.getvalue())
    return file.getvalue()


def read(content: bytes) -> tuple[ArchiveHeader, list[ArchivedRecord]]:
    archive = ArchiveReader(io.BytesIO(content), PATH)
    return archive.header, list(archive)


@settings(deadline=None, max_examples=50)
@given(
    names=st.lists(st.text(max_size=12), max_size=4),
    samples=st.lists(st.integers(1, 5000), min_size=4, max_size=4),
    fill=st.binary(max_size=9),
)
def test_records_come_back_as_they_were(names: list[str], samples: list[int], fill: bytes):
    names = [name.encode("utf-8", "ignore").decode() for name in names]
    records = [record(name, count, fill) for name, count in zip(names, samples, strict=False)]
    header, found = read(written(*records))
    assert header == HEADER and found == records


def test_every_damaged_byte_and_every_missing_end_is_found():
    content = written(record("a"), record("b", 10))
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 0x41
        with pytest.raises(ValueError, match=r"some\.vqe"):
            read(bytes(damaged))
        with pytest.raises(ValueError, match=r"some\.vqe"):
            read(content[:place])
    with pytest.raises(ValueError, match="its end is damaged"):
        read(content + b"\0")


@pytest.mark.parametrize("content", [b"", b"VQ", b"PK\3\4 and so on", MAGICS[False], MAGICS[False] + b"\xff\xff"])
def test_another_file_is_no_archive(content: bytes):
    with pytest.raises(ValueError, match=r"some\.vqe"):
        read(content)


def test_a_record_has_a_segment_for_all_its_samples():
    archive = ArchiveWriter(io.BytesIO(), HEADER)
    with pytest.raises(ValueError, match="1 segments, expected 3 for 2,500 samples"):
        archive.add(ArchivedRecord("7", 2500, 500.0, [b"abc"]))
    with pytest.raises(ValueError, match="at least one"):
        archive.add(ArchivedRecord("7", 0, 500.0, []))


def test_the_last_segment_is_what_is_left():
    assert HEADER.lengths(2500) == [1000, 1000, 500]
    assert HEADER.lengths(1000) == [1000] and HEADER.lengths(1) == [1]
