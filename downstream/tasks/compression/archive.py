"""The archive of recordings, `.vqe`: a header, then one recording after the other, each in segments.

All numbers are little-endian.

    b"VQE1", or b"VQEL" for an archive without loss
    header            length (uint16, bytes), `ArchiveHeader`, checksum
    for each record   b"R", length of its name (uint16, bytes), name (UTF-8), samples a lead (uint32), recorded rate
                      (float32, Hz), and its segments: length (uint32, bytes), content (entropy_coding.py, without loss
                      lossless.py), checksum
    b"E"              number of records (uint32), checksum

A checksum is the CRC-32 of all bytes before it but earlier checksums. So a damaged byte, a part that is missing, and
bytes after the end are found before anything is decoded from them.
"""

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SUFFIX = ".vqe"
MAGICS = {False: b"VQE1", True: b"VQEL"}  # by whether nothing is lost
RECORD, END = b"R", b"E"
FIXED = struct.Struct("<8sffI")  # tokenizer, sampling rate, error, samples of a segment
SHORT, LONG, RATE = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<f")
MOST_BYTES, MOST_SAMPLES = 1 << 24, 1 << 20  # of a segment: more is no archive


@dataclass(frozen=True)
class ArchiveHeader:
    """The part of an archive that is common to all its recordings."""

    tokenizer: str  # fingerprint of the tokenizer, 16 hex digits; without it nothing can be decoded
    leads: tuple[str, ...]  # of the codes; the other four of twelve follow from I and II
    sampling_rate: float  # Hz, of what is decoded
    error: float  # microvolt, see `CompressionSettings`
    segment: int  # samples of each segment; the last of a recording may be shorter
    lossless: bool = False  # segments have, beside their codes, what these leave

    def lengths(self, samples: int) -> list[int]:
        """Samples a lead of each segment of a recording."""
        return [min(self.segment, samples - start) for start in range(0, samples, self.segment)]

    def to_bytes(self) -> bytes:
        """Its bytes in an archive, without length and checksum."""
        fixed = FIXED.pack(bytes.fromhex(self.tokenizer), self.sampling_rate, self.error, self.segment)
        return fixed + " ".join(self.leads).encode()

    @classmethod
    def from_bytes(cls, content: bytes, lossless: bool = False) -> "ArchiveHeader":
        """The header of such bytes. Raises ValueError for others."""
        if len(content) <= FIXED.size:
            raise ValueError(f"{len(content)} bytes, expected more than {FIXED.size}")
        tokenizer, rate, error, segment = FIXED.unpack_from(content)
        if not 0 < segment <= MOST_SAMPLES or not 0 < rate < math.inf:
            raise ValueError(f"segments of {segment:,} samples at {rate} Hz")
        return cls(tokenizer.hex(), tuple(content[FIXED.size :].decode().split()), rate, error, segment, lossless)


@dataclass(frozen=True)
class ArchivedRecord:
    """A recording in an archive."""

    record_id: str
    samples: int  # a lead, decoded
    recorded_rate: float  # Hz, of the recording before it was brought to the archive's rate
    segments: Sequence[bytes]  # see entropy_coding.py


class ArchiveWriter:
    """Writes an archive to an open file, recording by recording; `close` ends it."""

    def __init__(self, file: BinaryIO, header: ArchiveHeader) -> None:
        self.file, self.header, self.checksum, self.records = file, header, 0, 0
        content = header.to_bytes()
        self.write(MAGICS[header.lossless], SHORT.pack(len(content)), content)
        self.mark()

    def add(self, record: ArchivedRecord) -> None:
        """Writes a recording. Raises ValueError for another number of segments, or no samples."""
        expected = len(self.header.lengths(record.samples))
        largest = max(map(len, record.segments), default=0)
        if largest > MOST_BYTES:
            raise ValueError(
                f"record {record.record_id}: a segment of {largest:,} bytes, expected {MOST_BYTES:,} at most"
            )
        if len(record.segments) != expected or not expected:
            raise ValueError(
                f"record {record.record_id}: {len(record.segments)} segments, expected {expected} for "
                f"{record.samples:,} samples, and at least one"
            )
        name = record.record_id.encode()
        self.write(RECORD, SHORT.pack(len(name)), name, LONG.pack(record.samples), RATE.pack(record.recorded_rate))
        for segment in record.segments:
            self.write(LONG.pack(len(segment)), segment)
            self.mark()
        self.records += 1

    def close(self) -> int:
        """Ends the archive. Returns its bytes."""
        self.write(END, LONG.pack(self.records))
        self.mark()
        return self.file.tell()

    def write(self, *parts: bytes) -> None:
        """Writes parts, which the next checksum is of, too."""
        for part in parts:
            self.checksum = zlib.crc32(part, self.checksum)
            self.file.write(part)

    def mark(self) -> None:
        """Writes the checksum."""
        self.file.write(LONG.pack(self.checksum))


class ArchiveReader:
    """Reads an archive from an open file; iterating gives its recordings, one at a time.

    Raises ValueError for a file that is no archive at once, for a damaged part when it is read.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file, self.path, self.checksum, self.records = file, path, 0, 0
        magic = self.read(len(MAGICS[False]))
        if magic not in MAGICS.values():
            names = " or ".join(one.decode() for one in MAGICS.values())
            raise ValueError(f"{path} is no archive of `vqecg compress`: it does not start with {names}")
        content = self.read(self.number(SHORT))
        self.check("the header")
        try:
            self.header = ArchiveHeader.from_bytes(content, magic == MAGICS[True])
        except ValueError as error:
            raise ValueError(
                f"{path}: its header cannot be read ({error}); was it written by a newer vqecg?"
            ) from error

    def __iter__(self) -> Iterator[ArchivedRecord]:
        while (kind := self.read(1)) == RECORD:
            yield self.record(f"record {self.records + 1}")
            self.records += 1
        count = self.number(LONG) if kind == END else -1
        self.check(f"what follows record {self.records}")
        if count != self.records or self.file.read(1):
            raise self.damaged("its end")

    def record(self, what: str) -> ArchivedRecord:
        """The next recording."""
        name, samples = self.read(self.number(SHORT)), self.number(LONG)
        (rate,) = RATE.unpack(self.read(RATE.size).ljust(RATE.size))
        segments = list[bytes]()
        while len(segments) * self.header.segment < samples:
            size = self.number(LONG)
            segments.append(self.read(size if size <= MOST_BYTES else 0))
            self.check(what)
        return ArchivedRecord(name.decode("utf-8", "replace"), samples, rate, segments)

    def read(self, size: int) -> bytes:
        """The next bytes, which the next checksum is of, too; fewer where the file ends."""
        part = self.file.read(size)
        self.checksum = zlib.crc32(part, self.checksum)
        return part

    def number(self, kind: struct.Struct) -> int:
        """The next whole number; 0 where the file ends, which the checksum finds."""
        part = self.read(kind.size)
        return int(kind.unpack(part)[0]) if len(part) == kind.size else 0

    def check(self, what: str) -> None:
        """Raises ValueError where the checksum that comes next is not that of what was read."""
        mark = self.file.read(LONG.size)
        if len(mark) != LONG.size or LONG.unpack(mark)[0] != self.checksum:
            raise self.damaged(what)

    def damaged(self, what: str) -> ValueError:
        """The error for a damaged part."""
        return ValueError(f"{self.path}: {what} is damaged or missing; copy the archive again, or make it again")
