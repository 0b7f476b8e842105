"""From recordings to an archive, and back to WFDB records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vqecg.downstream.tasks.compression.archive import (
    MOST_SAMPLES,
    SUFFIX,
    ArchivedRecord,
    ArchiveHeader,
    ArchiveReader,
    ArchiveWriter,
)
from vqecg.downstream.tasks.compression.compression import (
    BATCH,
    MICROVOLTS,
    CompressionSettings,
    RecordCoder,
    SegmentCodes,
    decode_signals,
    encode_signals,
    split,
)
from vqecg.downstream.tasks.compression.lossless import LosslessCoder
from vqecg.records.bounds import Checked
from vqecg.records.export.record_folder import file_name, holds_records
from vqecg.records.export.wfdb_writing import check_microvolts, to_microvolts, write_files
from vqecg.records.files.atomic import atomic_file, atomic_folder, check_file
from vqecg.records.files.checksums import write_checksums
from vqecg.records.files.progress import Progress
from vqecg.records.store.preprocessing import resample
from vqecg.scripts.cli.outcome import Outcome
from vqecg.scripts.cli.recordings import Chunk, RecordingSource, chunks, left_out
from vqecg.scripts.cli.stage import alone
from vqecg.tokenizer.modeling import ECGTokenizer
from vqecg.training.checkpoint import fingerprint

BITS = 8  # in a byte
PASSED = 0.4  # of the sampling rate, up to which resampling leaves all as it is


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


@dataclass(frozen=True)
class Written:
    """A recording that is in the archive."""

    error: float  # microvolt, RMS
    seconds: float
    recorded_rate: float  # Hz


@alone
def compress(step: CompressingStep) -> Outcome:
    """Writes the archive. Returns how many recordings are in it, its size, and how near they are.

    Raises ValueError for a file of another name, one that is there already, and where no recording can be written.
    """
    if step.out.suffix != SUFFIX:
        raise ValueError(f"cannot write an archive as {step.out.name!r}: the name must end in {SUFFIX}")
    check_file(step.out, step.overwrite)
    tokenizer, rejected = ECGTokenizer.from_pretrained(step.tokenizer).eval(), list[str]()
    header = header_of(tokenizer, step.compression)
    rate, coder, written = tokenizer.config.sampling_rate, coder_of(tokenizer, header), list[Written]()
    with atomic_file(step.out) as aside, aside.open("wb") as file:
        archive = ArchiveWriter(file, header)
        for batch in batches(recordings(chunks(step, rate, rejected), rate), header.segment):
            for one, parts, codes, error in encoded(tokenizer, batch, header.segment, step.compression):
                try:
                    check_recording(one, error, step.compression, rate)
                    contents = coder.encode(parts, codes)
                except ValueError as refused:
                    rejected.append(f"{one.record_id}: {refused}")
                    continue
                archive.add(ArchivedRecord(one.record_id, one.signal.shape[1], one.recorded_rate, contents))
                written.append(Written(error, one.signal.shape[1] / rate, one.recorded_rate))
        if not written:
            raise ValueError(f"no record of {step.data} could be compressed{left_out(rejected)}")
        size = archive.close()
    rate_of_bits = BITS * size / sum(one.seconds for one in written)
    errors = np.array([one.error for one in written])
    off = f"off by {np.median(errors):.0f} microvolt RMS (median; at most {errors.max():.0f})"
    figures = {
        "out": step.out,
        "recordings": len(written),
        "bytes": size,
        "bits_per_second": rate_of_bits,
        "lossless": header.lossless,
        "median_error_microvolt": 0.0 if header.lossless else np.median(errors),
        "largest_error_microvolt": 0.0 if header.lossless else errors.max(),
        "left_out": rejected,
    }
    return Outcome(
        figures,
        f"{step.out}: {len(written):,} recordings in {size:,} bytes, {rate_of_bits:,.0f} bit/s; "
        f"{'nothing lost' if header.lossless else off}{rate_note(written, rate)}{left_out(rejected)}",
    )


def header_of(tokenizer: ECGTokenizer, settings: CompressionSettings) -> ArchiveHeader:
    """The header of an archive. Raises ValueError for segments shorter than a frame, or too long."""
    config = tokenizer.config
    segment = round(settings.seconds * config.sampling_rate)
    if not config.hop_length <= segment <= MOST_SAMPLES:
        raise ValueError(
            f"segments of {settings.seconds:g} s have {segment:,} samples; expected {config.hop_length} to "
            f"{MOST_SAMPLES:,}: choose --compression.seconds between them"
        )
    shape = (fingerprint(tokenizer), config.leads, config.sampling_rate)
    return ArchiveHeader(*shape, settings.error, segment, settings.lossless)


def coder_of(tokenizer: ECGTokenizer, header: ArchiveHeader) -> RecordCoder:
    """The coder that writes and reads the contents of an archive with this header."""
    return LosslessCoder(tokenizer) if header.lossless else RecordCoder(tokenizer)


def check_recording(one: Recording, error: float, settings: CompressionSettings, sampling_rate: int) -> None:
    """Raises ValueError for a recording that does not belong into the archive: far off, or without loss resampled."""
    if not settings.lossless:
        if error > settings.most:
            raise ValueError(
                f"off by {error:,.0f} microvolt, expected up to {settings.most:g}; it is like nothing that the "
                "tokenizer learned from (an offset, another unit, noise?)"
            )
        return
    if one.recorded_rate != sampling_rate:
        raise ValueError(
            f"recorded at {one.recorded_rate:g} Hz; an archive without loss has the tokenizer's {sampling_rate} Hz: "
            "leave out --compression.lossless, or take a tokenizer of that rate"
        )
    check_microvolts(one.record_id, to_microvolts(one.signal))  # `decompress` would not be able to write it


def encoded(
    tokenizer: ECGTokenizer, batch: Sequence[Recording], segment: int, settings: CompressionSettings
) -> Iterator[tuple[Recording, list[np.ndarray], list[SegmentCodes], float]]:
    """Each recording with its segments (8, samples) mV, their codes, and the error of what is decoded of them.

    The error is in microvolt, RMS over all samples.
    """
    parts = [split(one.signal, segment) for one in batch]
    every = [part for of_one in parts for part in of_one]
    codes = encode_signals(tokenizer, every, settings)
    decoded = decode_signals(tokenizer, codes, [part.shape[1] for part in every])
    missed = [float(np.square(one - part, dtype=np.float64).sum()) for one, part in zip(decoded, every, strict=True)]
    start = 0
    for one, of_one in zip(batch, parts, strict=True):
        rows = slice(start, start + len(of_one))
        yield one, of_one, codes[rows], MICROVOLTS * float(np.sqrt(sum(missed[rows]) / one.signal.size))
        start = rows.stop


def rate_note(written: Sequence[Written], sampling_rate: int) -> str:
    """A line on recordings of other rates than the tokenizer's, "" for none."""
    faster = sum(one.recorded_rate > sampling_rate for one in written)
    slower = sum(one.recorded_rate < sampling_rate for one in written)
    lines = ""
    if faster:
        lines += (
            f"\n{faster:,} were recorded at a higher rate than the tokenizer's {sampling_rate} Hz: what is above "
            f"{sampling_rate * PASSED:g} Hz in them is weaker in the archive, or lost"
        )
    if slower:
        lines += f"\n{slower:,} were recorded at a lower rate than the tokenizer's {sampling_rate} Hz, and interpolated"
    return lines


def recordings(found: Iterator[Chunk], sampling_rate: int) -> Iterator[Recording]:
    """Recordings at `sampling_rate` Hz, one at a time."""
    for chunk in found:
        signals = resample(chunk.signals, chunk.sampling_rate, sampling_rate)
        for record_id, signal in zip(chunk.record_ids, signals, strict=True):
            yield Recording(record_id, signal, chunk.sampling_rate)


def batches(found: Iterator[Recording], segment: int) -> Iterator[list[Recording]]:
    """Recordings of BATCH segments or more together; none is divided."""
    waiting, segments = list[Recording](), 0
    for one in Progress(found, description="compressing", unit="record"):
        waiting.append(one)
        segments += -(-one.signal.shape[1] // segment)
        if segments >= BATCH:
            yield waiting
            waiting, segments = [], 0
    if waiting:
        yield waiting


@alone
def decompress(step: DecompressingStep) -> Outcome:
    """Writes the WFDB records. Returns how many.

    Raises ValueError for a file that is no archive, one that is damaged, and one of another tokenizer.
    """
    tokenizer, names = ECGTokenizer.from_pretrained(step.tokenizer).eval(), set[str]()
    try:
        file = step.archive.open("rb")
    except OSError as error:
        raise ValueError(f"{step.archive} cannot be read ({error.strerror}); expected an archive") from error
    with file, atomic_folder(step.out, holds_records, step.overwrite) as partial:
        archive = ArchiveReader(file, step.archive)
        check_tokenizer(archive.header, tokenizer, step.archive)
        coder = coder_of(tokenizer, archive.header)
        for record in Progress(archive, description="decompressing", unit="record"):
            lengths = archive.header.lengths(record.samples)
            try:
                signal = coder.decode(record.segments, lengths)
            except ValueError as error:
                raise ValueError(f"{step.archive}: record {record.record_id!r} has {error}") from error
            name = file_name(record.record_id, names)
            microvolts = check_microvolts(name, to_microvolts(signal))
            write_files(partial, name, microvolts, archive.header.sampling_rate, comments_of(record, archive.header))
        write_checksums(partial)
    text = f"{step.out}: {archive.records:,} recordings; labels, age and sex were not in the archive"
    return Outcome({"out": step.out, "recordings": archive.records}, text)


def check_tokenizer(header: ArchiveHeader, tokenizer: ECGTokenizer, path: Path) -> None:
    """Raises ValueError for an archive of another tokenizer, or a header that does not fit it."""
    mark, config = fingerprint(tokenizer), tokenizer.config
    if header.tokenizer != mark:
        raise ValueError(
            f"{path} was written with tokenizer {header.tokenizer}, this one is {mark}: pass the folder of the "
            "tokenizer that it was compressed with"
        )
    if (header.leads, header.sampling_rate) != (config.leads, config.sampling_rate):
        raise ValueError(
            f"{path} has leads {' '.join(header.leads)} at {header.sampling_rate:g} Hz, its tokenizer has "
            f"{' '.join(config.leads)} at {config.sampling_rate} Hz: it is damaged; make it again"
        )


def comments_of(record: ArchivedRecord, header: ArchiveHeader) -> list[str]:
    """Lines for the header of a WFDB record; no diagnosis, which the archive does not have."""
    from_what = f"# decoded by vqecg from an archive of tokenizer {header.tokenizer}"
    near = f"an error of {header.error:g} microvolt was asked for: not the recording itself"
    exact = "without loss; III, aVR, aVL and aVF are computed from I and II"
    return [
        f"# record {record.record_id!r}, recorded at {record.recorded_rate:g} Hz",
        f"{from_what}{', ' + exact if header.lossless else '; ' + near}",
    ]
