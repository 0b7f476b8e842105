"""The samples of one signal file of a WFDB record, as the converter gave them, and whether they are the header's.

Nothing of a file is read before its size fits the header, nor beyond that, but for the few bytes at its start that say
what kind of file it is. Samples that are plain integers are read here, all others by wfdb.
Formats: https://physionet.org/physiotools/wag/signal-5.htm; MATLAB 4 in the appendix of MATLAB's "MAT-File Format".
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from vqecg.records.datasets.wfdb_header import CONVERTER_LIMIT, Channel, NotAsDescribedError, file_bytes, other_kind

VALUES = 2**26  # the most samples of a record: twelve leads at 500 Hz for three hours
_HEAD_BYTES = 512  # looked at for what kind of file it is: the longest preamble of MATLAB 4 that is understood
_PLAIN = {16: "<i2", 32: "<i4", 61: ">i2"}  # as numpy names them
_FLAC = (508, 516, 524)
_BITS = {8: 8, 16: 16, 24: 24, 32: 32, 61: 16, 80: 8, 160: 16, 212: 12, 310: 10, 311: 10, 508: 8, 516: 16, 524: 24}
# Samples that are stored together, and the bytes of such a block.
_BLOCKS = {8: (1, 1), 16: (1, 2), 24: (1, 3), 32: (1, 4), 61: (1, 2), 80: (1, 1), 160: (1, 2),
           212: (2, 3), 310: (3, 4), 311: (3, 4)}  # fmt: skip
_MATLAB_TYPES = ("double", "single", "int32", "int16", "uint16", "uint8")
_MATLAB_OF_FORMAT = {16: 30, 32: 20, 61: 1030}  # the number at the start of a MATLAB 4 file whose samples are such


def invalid_sample(storage_format: int) -> int | None:
    """The value that marks a sample as missing, the lowest one; None for differences, which have no such mark."""
    return None if storage_format == 8 else -(2 ** (_BITS[storage_format] - 1))


def read_frames(file: Path, channels: Sequence[Channel], frames: int | None) -> np.ndarray:
    """The samples of one file: (frames, samples in a frame) integers, the signals of a frame one after the other.

    Args:
        channels: all signals in the file, in the order of the header.
        frames: of the record; None where the header does not say, then as many as the file holds.

    Raises:
        FileNotFoundError: there is no such file.
        NotAsDescribedError: the file is not what the header says; nothing of another size is read.
        ValueError: it is no regular file, cannot be read, is in a format that is not known, or is too long.
    """
    first = channels[0]
    if first.format not in _BITS:
        known = ", ".join(map(str, _BITS))
        raise ValueError(f"{file} is in format {first.format} by its header, expected one of {known}")
    size = file_bytes(file)
    width = sum(channel.per_frame for channel in channels)
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD_BYTES)
            try:
                count = _frames_of(head, file, size, channels, frames)
            except NotAsDescribedError as error:
                if kind := other_kind(head):
                    raise NotAsDescribedError(f"{file} is no signal file, but {kind}") from error
                raise
            check_length(file, count * width)
            if first.format in _PLAIN:
                opened.seek(first.offset)
                raw = opened.read(count * width * _BITS[first.format] // 8)
                return np.frombuffer(raw, _PLAIN[first.format]).reshape(count, width)
        return _read_by_wfdb(file, channels, count)
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error}): check its permissions and the disk") from error


def _frames_of(head: bytes, file: Path, size: int, channels: Sequence[Channel], frames: int | None) -> int:
    """The number of frames in a file of `size` bytes that begins with `head`. NotAsDescribedError: it does not fit."""
    first = channels[0]
    if first.format in _FLAC:
        return _flac_frames(head, file, size, channels, frames)
    width = sum(channel.per_frame for channel in channels)
    frames = _matlab_frames(head, file, first, width, frames)
    return _fitting_frames(file, size - first.offset, first.format, width, frames)


def _read_by_wfdb(file: Path, channels: Sequence[Channel], count: int) -> np.ndarray:
    """`read_frames` of a file that is known to hold so many frames."""
    import wfdb  # here, as it is slow to import and most data sets never need it

    first = channels[0]
    if first.format not in (8, *_FLAC):  # the same samples as one signal, as wfdb takes its time with every line
        channels = [replace(first, per_frame=sum(channel.per_frame for channel in channels))]
    lines = [f"r {len(channels)} 1 {count}"]
    for channel in channels:
        begin = channel.zero if channel.first is None else channel.first
        # wfdb sums differences up in 32 bit, and would not say that they no longer fit
        if first.format == 8 and abs(begin) + 128 * count * channel.per_frame >= CONVERTER_LIMIT:
            raise ValueError(f"{file}: from {begin} on, its differences may leave 32 bit: correct the header or cut it")
        lines.append(f"r.dat {first.format}x{channel.per_frame}+{first.offset} 1(0)/mV 16 0 {begin}")
    # wfdb parses some headers that are read here otherwise, or not at all; it is given one that has no such fields.
    with TemporaryDirectory() as folder:
        Path(folder, "r.hea").write_text("\n".join(lines) + "\n")
        Path(folder, "r.dat").symlink_to(file.absolute())
        try:
            signals = wfdb.rdrecord(f"{folder}/r", physical=False, smooth_frames=False, return_res=32).e_d_signal
        except (ValueError, IndexError, KeyError, TypeError, RuntimeError) as error:  # the last is libsndfile's
            raise NotAsDescribedError(f"wfdb cannot read {file} ({error}): copy or download it again") from error
    values = np.concatenate([signal.reshape(count, -1) for signal in signals], axis=1)
    if first.format == 311 and values.max() > 511:  # wfdb takes bit 30, which is none of a sample's, for one
        raise ValueError(f"{file} has bits set that format 311 leaves unused, expected 0: save it in another format")
    return values


def check_samples(file: Path, frames: np.ndarray, channels: Sequence[Channel]) -> None:
    """Compare first value and checksum of every signal in a file with what the header says, where it does.

    Checksums of 0 for all signals say nothing, nor do first values of 0 for all: programs write zeros where the format
    has a number. A header whose skews were entered later may name the first sample of the file or that of the record.

    Raises NotAsDescribedError for a signal that differs.
    """
    firsts_known = any(channel.first for channel in channels)
    sums_known = any(channel.checksum for channel in channels)
    wrong, stop = [], 0
    sums = np.einsum("ij->j", frames, dtype=np.int64).tolist()  # as sum(axis=0), in half its time
    for channel in channels:
        start, stop = stop, stop + channel.per_frame
        name, total = f"signal {channel.name!r}", sum(sums[start:stop]) % 65536
        begin = [int(frames[min(frame, len(frames) - 1), start]) for frame in (0, channel.skew)]
        if firsts_known and channel.first is not None and channel.first not in begin:
            wrong.append(f"{name} begins with {begin[0]}, not {channel.first}")
        elif sums_known and channel.checksum is not None and total != channel.checksum % 65536:
            wrong.append(f"{name} has the checksum {total}, not {channel.checksum % 65536}")
    if wrong:
        raise NotAsDescribedError(
            f"{file} holds other samples than its header describes; of {len(channels)} signals {len(wrong)} differ "
            f"({'; '.join(wrong[:3])}): copy or download both again (--ignore-checksums reads them as they are)"
        )


def _fitting_frames(file: Path, size: int, storage_format: int, width: int, frames: int | None) -> int:
    """The number of frames in so many bytes of samples. NotAsDescribedError: they are no whole frames, or others."""
    together, block = _BLOCKS[storage_format]
    size = max(size, 0)  # less where the header's byte offset lies beyond the file
    if frames is None:
        most = -(-size // block) * together
        counts = range(most, most - together, -1)
        frames = next((n // width for n in counts if n % width == 0 and size in _bytes_of(storage_format, n)), 0)
    expected = _bytes_of(storage_format, frames * width)
    if frames > 0 and size in expected:
        return frames
    stored = size * together // block
    guesses = [f"{stored // width:,} frames"] if frames and stored % width == 0 else []
    guesses += [f"{stored // frames:,} samples a frame"] if frames and stored % frames == 0 else []
    described = f"{expected.start:,} bytes, {frames:,} frames" if frames else "whole frames"
    raise NotAsDescribedError(
        f"{file} holds {size:,} bytes of samples{', as of ' * bool(guesses)}{' or '.join(guesses)}; the header "
        f"describes {described} of {width} samples in format {storage_format}: the file is "
        f"{'longer' if frames and size > expected.start else 'cut off'} or another, copy or download it again"
    )


def _bytes_of(storage_format: int, count: int) -> range:
    """The bytes that so many samples may have: some programs fill the last block up."""
    together, block = _BLOCKS[storage_format]
    least = -(-count * block // together)
    least += least % 2 if storage_format == 310 else 0  # it is made of words of 16 bit
    return range(least, -(-count // together) * block + 1)


def check_length(file: Path, count: int) -> None:
    """Raise ValueError for a file, or the files of a record, too long to be read at once."""
    if count > VALUES:
        raise ValueError(f"{file} has {count:,} samples, expected one short ECG (at most {VALUES:,}): cut it")


def _matlab_frames(head: bytes, file: Path, first: Channel, width: int, frames: int | None) -> int | None:
    """The frames of a MATLAB file by its preamble, which is compared with the header; `frames` for any other file.

    Raises NotAsDescribedError where preamble and header differ.
    """
    if re.match(rb"MATLAB [57]\.\d", head) or head.startswith(b"\x89HDF"):
        version = "7.3 (HDF5)" if b"HDF" in head[:4] or head.startswith(b"MATLAB 7") else "5"
        raise NotAsDescribedError(
            f"{file} is a MATLAB file of version {version}, the header describes plain samples as in version 4: save "
            'it with "-v4", or leave the header out and read it with scipy'
        )
    preamble = _matlab_4(head)
    if preamble is None:
        if first.offset and file.suffix.lower() == ".mat":
            raise NotAsDescribedError(
                f"{file} does not begin with the preamble of a MATLAB 4 file, expected one of {first.offset} bytes by "
                "the header: copy or download it again"
            )
        return frames
    kind, rows, columns, imaginary, length, name = preamble
    problem = ""
    if length != first.offset:
        problem = f"a preamble of {length} bytes (variable {name!r}); the header's byte offset is {first.offset}"
    elif kind != _MATLAB_OF_FORMAT.get(first.format) or imaginary:
        number = "complex " * bool(imaginary) + _MATLAB_TYPES[kind // 10 % 10] + ", big-endian" * (kind >= 1000)
        problem = f"numbers of type {number}; the header's format is {first.format}"
    elif rows != width or columns < 1 or (frames is not None and columns != frames):
        turned = " (transposed?)" if columns == width else ""
        expected = f"{width} x {frames or 'any number'}"
        problem = f"a matrix of {rows} x {columns}{turned}; the header describes {expected}"
    if problem:
        raise NotAsDescribedError(f"{file} is a MATLAB 4 file with {problem}: correct the header or save the file anew")
    return columns


def _matlab_4(head: bytes) -> tuple[int, int, int, int, int, str] | None:
    """Type, rows, columns, complex or not, bytes before the samples and variable of a MATLAB 4 file, None: it is none.

    The type is 1000 for big-endian files, plus 10 times the place in _MATLAB_TYPES.
    """
    for order, base in (("<i4", 0), (">i4", 1000)):
        if len(head) < 20:
            break
        kind, rows, columns, imaginary, length = np.frombuffer(head, order, 5).tolist()
        name = head[20 : 20 + length]
        known = kind - base in range(0, 10 * len(_MATLAB_TYPES), 10)
        if known and min(rows, columns) >= 0 and imaginary in (0, 1) and length >= 2 and name.find(b"\0") == length - 1:
            return kind, rows, columns, imaginary, 20 + length, name[:-1].decode("latin-1")
    return None


def _flac_frames(head: bytes, file: Path, size: int, channels: Sequence[Channel], frames: int | None) -> int:
    """The frames of a FLAC file by its own header, whose first block gives signals and samples of each.

    Raises NotAsDescribedError where they are not those of the WFDB header, or the file is too large for them. All else
    that may be wrong with it wfdb finds before it gives any samples.
    """
    first = channels[0]
    numbers = int.from_bytes(head[18:26], "big")
    streams, total = (numbers >> 41 & 7) + 1, numbers & (2**36 - 1)
    count = (total - first.offset) // first.per_frame if frames is None else frames
    described = count * first.per_frame + first.offset
    most = described * len(channels) * _BITS[first.format] // 8 + 2**20  # bytes: not compressed, and some
    fits = streams == len(channels) and total == described and size <= most
    if not head.startswith(b"fLaC") or count < 1 or not fits:
        raise NotAsDescribedError(
            f"{file} is no FLAC file, or one of {size:,} bytes with {streams} signals of {total:,} samples; the header "
            f"describes {len(channels)} of {described:,} in format {first.format}: copy or download it again"
        )
    return count
