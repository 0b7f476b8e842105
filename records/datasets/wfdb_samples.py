"""The samples of one signal file of a WFDB record, as the converter gave them, and whether they are the header's.

Every format of the WFDB library is read. Nothing of a file is read before its size fits the header, nor beyond that,
but for the few bytes at its start that say what kind of file it is.
Formats: https://physionet.org/physiotools/wag/signal-5.htm; MATLAB 4 in the appendix of MATLAB's "MAT-File Format".
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from vqecg.records.datasets.wfdb_header import Channel, NotAsDescribedError, file_bytes

VALUES = 2**26  # the most samples of a record: twelve leads at 500 Hz for three hours
_HEAD_BYTES = 512  # looked at for what kind of file it is: the longest preamble of MATLAB 4 that is understood
_FLAC = {508: 8, 516: 16, 524: 24}  # bits of a sample
# Samples that are stored together, the bytes of such a block, and those of its first samples where there are no more.
_BLOCKS = {8: (1, 1, {}), 16: (1, 2, {}), 24: (1, 3, {}), 32: (1, 4, {}), 61: (1, 2, {}), 80: (1, 1, {}),
           160: (1, 2, {}), 212: (2, 3, {1: 2}), 310: (3, 4, {1: 2, 2: 4}), 311: (3, 4, {1: 2, 2: 3})}  # fmt: skip
_INVALID_BITS = {16: 16, 61: 16, 160: 16, 24: 24, 32: 32, 80: 8, 212: 12, 310: 10, 311: 10, **_FLAC}
_MATLAB_TYPES = ("double", "single", "int32", "int16", "uint16", "uint8")
_MATLAB_OF_FORMAT = {16: 30, 32: 20, 61: 1030}  # the number at the start of a MATLAB 4 file whose samples are such


def invalid_sample(storage_format: int) -> int | None:
    """The value that marks a sample as missing, the lowest one; None for differences, which have no such mark."""
    bits = _INVALID_BITS.get(storage_format)
    return None if bits is None else -(2 ** (bits - 1))


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
    if first.format not in (*_BLOCKS, *_FLAC):
        known = ", ".join(map(str, (*_BLOCKS, *_FLAC)))
        raise ValueError(f"{file} is in format {first.format} by its header, expected one of {known}")
    size = file_bytes(file)
    try:
        if first.format in _FLAC:
            return _read_flac(file, size, channels, frames)
        width = sum(channel.per_frame for channel in channels)
        with file.open("rb") as opened:
            head = opened.read(_HEAD_BYTES) if first.offset or file.suffix.lower() == ".mat" else b""
            frames = _matlab_frames(head, file, first, width, frames)
            count = _fitting_frames(file, size - first.offset, first.format, width, frames)
            check_length(file, count * width)
            opened.seek(first.offset)
            raw = opened.read(_bytes_of(first.format, count * width)[0])
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error}): check its permissions and the disk") from error
    values = _decoded(raw, first.format, count * width)
    return values.reshape(count, width) if first.format != 8 else _summed(values.reshape(count, width), channels)


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
    together, block, _ = _BLOCKS[storage_format]
    damage = "the file is {} or not that of the header, copy or download it again"
    if size <= 0:
        raise NotAsDescribedError(
            f"{file} holds no samples behind the header's byte offset: {damage.format('cut off')}"
        )
    if frames is None:
        most = -(-size // block) * together
        counts = (count for count in range(most, max(most - together, 0), -1) if count % width == 0)
        frames = next((count // width for count in counts if _fits(storage_format, count, size)), 0)
        if frames == 0:
            raise NotAsDescribedError(
                f"{file} holds {size:,} bytes of samples, which are no whole frames of {width} samples in format "
                f"{storage_format}: {damage.format('cut off')}"
            )
    if not _fits(storage_format, frames * width, size):
        least, _ = _bytes_of(storage_format, frames * width)
        stored = size * together // block
        guesses = [f"{stored // width:,} frames"] if stored % width == 0 else []
        guesses += [f"{stored // frames:,} samples a frame"] if stored % frames == 0 else []
        raise NotAsDescribedError(
            f"{file} holds {size:,} bytes of samples{', as of ' * bool(guesses)}{' or '.join(guesses)}; the header "
            f"describes {least:,} bytes, {frames:,} frames of {width} samples in format {storage_format}: "
            + damage.format("cut off" if size < least else "longer")
        )
    return frames


def _bytes_of(storage_format: int, count: int) -> tuple[int, int]:
    """The fewest and the most bytes of so many samples: some programs fill the last block up."""
    together, block, partial = _BLOCKS[storage_format]
    whole, rest = divmod(count, together)
    return whole * block + partial.get(rest, 0), -(-count // together) * block


def _fits(storage_format: int, count: int, size: int) -> bool:
    """True where a file of so many samples may have `size` bytes of them."""
    least, most = _bytes_of(storage_format, count)
    return least <= size <= most


def check_length(file: Path, count: int) -> None:
    """Raise ValueError for a file, or the files of a record, too long to be read at once."""
    if count > VALUES:
        raise ValueError(f"{file} has {count:,} samples, expected one short ECG (at most {VALUES:,}): cut it")


def _decoded(raw: bytes, storage_format: int, count: int) -> np.ndarray:
    """(count,) integers from as many samples in bytes; differences stay differences."""
    together, block, _ = _BLOCKS[storage_format]
    if storage_format in _PLAIN:
        return np.frombuffer(raw, _PLAIN[storage_format], count)
    blocks = np.frombuffer(raw.ljust(-(-count // together) * block, b"\0"), np.uint8).reshape(-1, block)
    return _DECODERS[storage_format](blocks.astype(np.int32)).reshape(-1)[:count]


def _signed(values: np.ndarray, bits: int) -> np.ndarray:
    """Unsigned values of so many bits as two's complement."""
    return np.where(values >= 2 ** (bits - 1), values - 2**bits, values)


def _two_of_12_bits(b: np.ndarray) -> np.ndarray:
    """Format 212: (blocks, 3) bytes -> (blocks, 2)."""
    return _signed(np.stack([b[:, 0] | (b[:, 1] & 0x0F) << 8, b[:, 2] | (b[:, 1] & 0xF0) << 4], axis=1), 12)


def _three_of_10_bits_in_words(b: np.ndarray) -> np.ndarray:
    """Format 310: (blocks, 4) bytes -> (blocks, 3); the third sample is the high bits of both 16-bit words."""
    low, high = b[:, 0] | b[:, 1] << 8, b[:, 2] | b[:, 3] << 8
    return _signed(np.stack([low >> 1 & 0x3FF, high >> 1 & 0x3FF, low >> 11 | high >> 11 << 5], axis=1), 10)


def _three_of_10_bits(b: np.ndarray) -> np.ndarray:
    """Format 311: (blocks, 4) bytes -> (blocks, 3), from the lowest bits of a 32-bit word."""
    word = b[:, 0] | b[:, 1] << 8 | b[:, 2] << 16 | (b[:, 3] & 0x3F) << 24
    return _signed(np.stack([word & 0x3FF, word >> 10 & 0x3FF, word >> 20], axis=1), 10)


_PLAIN = {8: "i1", 16: "<i2", 61: ">i2", 32: "<i4"}
_DECODERS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    24: lambda b: _signed(b[:, 0] | b[:, 1] << 8 | b[:, 2] << 16, 24),
    80: lambda b: b[:, 0] - 128,
    160: lambda b: (b[:, 0] | b[:, 1] << 8) - 32768,
    212: _two_of_12_bits,
    310: _three_of_10_bits_in_words,
    311: _three_of_10_bits,
}


def _summed(differences: np.ndarray, channels: Sequence[Channel]) -> np.ndarray:
    """Format 8: the samples of every signal from its first value on, by default the zero of the converter."""
    parts, start = [], 0
    for channel in channels:
        signal = differences[:, start : start + channel.per_frame]
        begin = channel.zero if channel.first is None else channel.first
        parts.append(begin + signal.reshape(-1).cumsum(dtype=np.int64).reshape(signal.shape))
        start += channel.per_frame
    return np.concatenate(parts, axis=1)


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


def _read_flac(file: Path, size: int, channels: Sequence[Channel], frames: int | None) -> np.ndarray:
    """`read_frames` of a file in format 508, 516 or 524, in which all signals have as many samples in a frame."""
    import soundfile  # here, as hardly a data set needs it

    first, bits = channels[0], _FLAC[channels[0].format]
    if any(channel.per_frame != first.per_frame for channel in channels):
        raise ValueError(f"{file}: signals of several rates in one FLAC file, expected one: correct the header")
    with file.open("rb") as opened:
        head = opened.read(42)
    if len(head) < 42 or not head.startswith((b"fLaC\x00", b"fLaC\x80")):
        raise NotAsDescribedError(f"{file} is no FLAC file, which format {first.format} of the header is: check both")
    numbers = int.from_bytes(head[18:26], "big")
    streams, depth, total = (numbers >> 41 & 7) + 1, (numbers >> 36 & 31) + 1, numbers & (2**36 - 1)
    count = (total - first.offset) // first.per_frame if frames is None else frames
    described = (len(channels), bits, count * first.per_frame + first.offset)
    most = described[2] * len(channels) * bits // 8 + 2**20  # bytes: samples that are not compressed, and some
    if (streams, total) != described[::2] or depth > bits or count < 1 or size > most:
        raise NotAsDescribedError(
            f"{file} is a FLAC file of {size:,} bytes with {streams} signals of {total:,} samples of {depth} bits; the "
            f"header describes {described[0]} of {described[2]:,} of {bits} bits: copy or download it again"
        )
    check_length(file, total * streams)
    try:
        with soundfile.SoundFile(file) as stream:  # in parts: libsndfile cannot read 2^24 samples at once
            parts = [stream.read(2**18, dtype="int32", always_2d=True) for _ in range(0, total, 2**18)]
    except soundfile.LibsndfileError as error:
        raise NotAsDescribedError(f"{file} is a damaged FLAC file ({error}): copy or download it again") from error
    values = np.concatenate(parts)
    if values.shape != (total, streams):
        raise NotAsDescribedError(f"{file} is a FLAC file that is cut off: copy or download it again")
    values = (values >> (32 - depth))[first.offset :].reshape(count, first.per_frame, streams)
    return values.transpose(0, 2, 1).reshape(count, streams * first.per_frame)
