"""From recordings to an archive, and back to WFDB records."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from vqecg.downstream.tasks.compression.archive import (
    SUFFIX,
    ArchivedRecord,
    ArchiveHeader,
    ArchiveReader,
    ArchiveWriter,
)
from vqecg.downstream.tasks.compression.compression import (
    BATCH,
    CompressionSettings,
    SegmentCoder,
    decode_signals,
    encode_signals,
    split,
)
from vqecg.records.bounds import Checked
from vqecg.records.export.wfdb_writing import write_record
from vqecg.records.files.atomic import atomic_file, atomic_folder, check_file
from vqecg.records.files.checksums import SUMS_FILE, write_checksums
from vqecg.records.leads import twelve_leads
from vqecg.records.store.preprocessing import resample
from vqecg.scripts.cli.recordings import Chunk, RecordingSource, chunks, left_out
from vqecg.scripts.cli.stage import alone
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint

NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")  # WFDB allows no more
BITS = 8  # in a byte
PASSED = 0.4  # of the sampling rate, above which resampling leaves nothing


@dataclass(frozen=True, kw_only=True)
class CompressingStep(RecordingSource):
    """The recordings, the tokenizer, and the archive."""

    tokenizer: Path  # folder that `vqecg train-tokenizer` wrote; without it the archive cannot be read
    out: Path  # archive to write, .vqe
    compression: CompressionSettings = field(default_factory=CompressionSettings)
    overwrite: bool = False  # replace the file --out


@dataclass(frozen=True)
class DecompressingStep(Checked):
    """The archive, the tokenizer, and the folder of the records."""

    archive: Path  # file that `vqecg compress` wrote
    tokenizer: Path  # the folder of the tokenizer that it was written with
    out: Path  # folder of the WFDB records
    overwrite: bool = False  # replace earlier records in --out


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording at the tokenizer's rate."""

    record_id: str
    signal: np.ndarray  # (8, samples) float32 mV
    recorded_rate: float  # Hz, before it was brought to that rate


@alone
def compress(step: CompressingStep) -> str:
    """Writes the archive. Returns how many recordings are in it, and its size. Raises ValueError where none is."""
    if step.out.suffix != SUFFIX:
        raise ValueError(f"cannot write an archive as {step.out.name!r}: the name must end in {SUFFIX}")
    check_file(step.out, step.overwrite)
    tokenizer, rejected = ECGTokenizer.from_pretrained(step.tokenizer).eval(), list[str]()
    config, coder, seconds, faster = tokenizer.config, SegmentCoder(tokenizer), 0.0, 0
    segment = round(step.compression.seconds * config.sampling_rate)
    header = ArchiveHeader(fingerprint(tokenizer), config.leads, config.sampling_rate, step.compression.error, segment)
    with atomic_file(step.out) as aside, aside.open("wb") as file:
        archive = ArchiveWriter(file, header)
        for batch in batches(recordings(chunks(step, rejected), config.sampling_rate), segment):
            parts = [split(one.signal, segment) for one in batch]
            codes = iter(encode_signals(tokenizer, [part for of_one in parts for part in of_one], step.compression))
            for one, of_one in zip(batch, parts, strict=True):
                content = [coder.encode(next(codes)) for _ in of_one]
                archive.add(ArchivedRecord(one.record_id, one.signal.shape[1], one.recorded_rate, content))
                seconds += one.signal.shape[1] / config.sampling_rate
                faster += one.recorded_rate > config.sampling_rate
        if not archive.records:
            reason = f"; the first: {rejected[0]}" if rejected else ""
            raise ValueError(f"no record of {step.data} could be compressed{reason}")
        size = archive.close()
    return (
        f"{archive.records:,} recordings are in {step.out}: {size:,} bytes, {BITS * size / seconds:,.0f} bit/s"
        f"{rate_note(faster, config.sampling_rate)}{left_out(rejected)}"
    )


def rate_note(faster: int, sampling_rate: int) -> str:
    """A line on recordings of a higher rate than the tokenizer's, "" for none."""
    if not faster:
        return ""
    return (
        f"\n{faster:,} of them have a higher rate than the tokenizer's {sampling_rate} Hz: what is above "
        f"{sampling_rate * PASSED:g} Hz in them is not in the archive"
    )


def recordings(found: Iterator[Chunk], sampling_rate: int) -> Iterator[Recording]:
    """Recordings at `sampling_rate` Hz, one at a time."""
    for chunk in found:
        signals = resample(chunk.signals, chunk.sampling_rate, sampling_rate)
        for record_id, signal in zip(chunk.record_ids, signals, strict=True):
            yield Recording(record_id, signal, chunk.sampling_rate)


def batches(found: Iterator[Recording], segment: int) -> Iterator[list[Recording]]:
    """Recordings of BATCH segments or more together; none is divided."""
    waiting, count = list[Recording](), 0
    for one in tqdm(found, desc="compressing", unit="record", delay=2):
        waiting.append(one)
        count += -(-one.signal.shape[1] // segment)
        if count >= BATCH:
            yield waiting
            waiting, count = [], 0
    if waiting:
        yield waiting


@alone
def decompress(step: DecompressingStep) -> str:
    """Writes the WFDB records. Returns how many.

    Raises ValueError for a file that is no archive, is damaged or of another tokenizer, and two records of one name.
    """
    tokenizer, names = ECGTokenizer.from_pretrained(step.tokenizer).eval(), set[str]()
    coder, mark = SegmentCoder(tokenizer), fingerprint(tokenizer)
    try:
        file = step.archive.open("rb")
    except OSError as error:
        raise ValueError(f"{step.archive} cannot be read ({error.strerror}); expected an archive") from error
    with file, atomic_folder(step.out, holds_records, step.overwrite) as partial:
        archive = ArchiveReader(file, step.archive)
        if archive.header.tokenizer != mark:
            raise ValueError(
                f"{step.archive} was written with tokenizer {archive.header.tokenizer}, this one is {mark}: give the "
                "tokenizer of then"
            )
        for record in tqdm(archive, desc="decompressing", unit="record", delay=2):
            lengths = archive.header.lengths(record.samples)
            codes = [coder.decode(*part) for part in zip(record.segments, lengths, strict=True)]
            signal = np.concatenate(decode_signals(tokenizer, codes, lengths), axis=1)
            comments = [f"record: {record.record_id!r}"]
            name = file_name(record.record_id, names)
            write_record(
                partial, name, twelve_leads(signal.astype(np.float64)), archive.header.sampling_rate, comments=comments
            )
        write_checksums(partial)
    return f"{archive.records:,} records are in {step.out}"


def file_name(record_id: str, names: set[str]) -> str:
    """A name for the files of a record, added to `names`. Raises ValueError for one that another record has."""
    name = NOT_IN_NAMES.sub("-", record_id) or "record"
    if name in names:
        raise ValueError(f"two records of the archive have the file name {name!r}, one of them is {record_id!r}")
    names.add(name)
    return name


def holds_records(folder: Path) -> bool:
    """True for a folder of earlier output: WFDB headers, and checksums."""
    return (folder / SUMS_FILE).is_file() and any(folder.glob("*.hea"))
