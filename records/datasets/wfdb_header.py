"""The header of a WFDB record: read exactly, field by field, or refused by name.

Nothing in it is guessed: a field that is there must be what the format says it is, and defaults hold only for fields
that are absent. Units come from here, because wfdb drops letters beyond ASCII and so takes a gain per µV for one per V.
Format: https://physionet.org/physiotools/wag/header-5.htm
"""

import math
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

DEFAULT_RATE = 250.0  # Hz, where the record line names none
DEFAULT_GAIN = 200.0  # units of the converter per `unit`, where the signal line names none or 0 (not calibrated)
HIGHEST_RATE = 1e6  # Hz, more than any ECG is sampled at
HEADER_BYTES = 1_000_000  # the largest header that is read; those of 12 leads have about one thousand
GAINS = (1e-9, 1e12)  # what a gain may be, without its sign; with another one no signal is left in float32
CONVERTER_LIMIT = 2**31  # what baseline, zero and first value stay below: no format has samples of more than 32 bit

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}(?:\.0*)?")  # some programs write the zero of the converter as 0.0
_FORMAT = re.compile(r"([0-9]{1,9})(?:x([0-9]{1,9}))?(?::([0-9]{1,9}))?(?:\+([0-9]{1,18}))?")
_GAIN = re.compile(r"([^()/]*)(?:\(([^()]*)\))?(?:/(\S*))?")
_APPLE_DOUBLE = b"\x00\x05\x16\x07"
_OTHER_KINDS = (  # starts of files that bear the name of a header or signal file -> what they are
    (re.compile(rb"\s*<(!doctype|html|\?xml|head|error)", re.IGNORECASE),
     "a web page or XML, as of a download that failed: download it again"),
    (re.compile(rb"version https://git-lfs"), "a Git LFS pointer, not the file itself: fetch it (git lfs pull)"),
    (re.compile(rb"\x1f\x8b"), "compressed by gzip: unpack it"),
    (re.compile(rb"0 {7}.{80}", re.DOTALL), "an EDF file, not WFDB: convert it (wfdb.io.convert.edf.read_edf)"),
)  # fmt: skip
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class NotAsDescribedError(ValueError):
    """A signal file that is not what its header says: of another size, with other samples, of another kind."""


@dataclass(frozen=True)
class Channel:
    """One signal line of a header."""

    file_name: str
    format: int  # WFDB storage format, 16 = 16-bit little-endian
    per_frame: int  # samples in a frame; the record's sampling rate is that of its frames
    skew: int  # frames of this signal that precede the record's first
    offset: int  # bytes before the first sample
    gain: float  # converter units per `unit`
    baseline: int  # the converter's value at 0 mV
    unit: str
    zero: int  # the converter's value in the middle of its range
    first: int | None  # the first sample, converter units; None where the line does not say
    checksum: int | None  # sum of all samples, of which the lower 16 bit count; None where the line does not say
    name: str


@dataclass(frozen=True)
class Header:
    """The content of a .hea file. `samples` is None where it does not give the length of the record."""

    name: str
    segments: int  # more than 1: `channels` is empty, the segments have headers of their own
    sampling_rate: float  # Hz, of frames
    samples: int | None  # frames: samples of a signal with one in a frame
    channels: tuple[Channel, ...]
    comments: tuple[str, ...]  # without the #


def read_header(path: str | Path) -> Header:
    """Read `path`.hea (`path` is the record's path without extension).

    Raises ValueError, naming the file, when there is no such file, when it is empty, cut off or no WFDB header, or when
    a field in it cannot be.
    """
    file = Path(f"{path}.hea")
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", _text(file)) if line.strip()]
    comments = tuple(line.lstrip("#").strip() for line in lines if line.startswith("#"))
    content = [line for line in lines if not line.startswith("#")]
    if not content:
        kind = "holds comments only" if lines else "is empty"
        raise ValueError(f"{file} {kind}, expected a WFDB header: copy or download it again")
    try:
        return _parse(content, comments, file.stem)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def file_bytes(file: Path) -> int:
    """The size of a regular file, looked up without opening it.

    Raises FileNotFoundError when there is none, and ValueError for anything else: a device or a pipe could hang.
    """
    try:
        known = os.stat(file)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:  # a name that is too long or holds a zero byte, a folder that is closed
        raise ValueError(f"{str(file)!r} cannot be looked up ({error}): check the path") from error
    if not stat.S_ISREG(known.st_mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        kind = kinds.get(stat.S_IFMT(known.st_mode), "a device")
        raise ValueError(f"{file} is {kind}, expected a regular file; it was not opened")
    return known.st_size


def other_kind(start: bytes) -> str:
    """The kind of a file that is neither header nor samples, by its first bytes, with what to do; "" if unknown."""
    return next((kind for pattern, kind in _OTHER_KINDS if pattern.match(start)), "")


def _text(file: Path) -> str:
    """The content of a header. ValueError: there is none, it is too large, or it is no text."""
    try:
        size = file_bytes(file)
        if size > HEADER_BYTES:
            raise ValueError(f"{file} has {size:,} bytes, expected a header of at most {HEADER_BYTES:,}: is it one?")
        with file.open("rb") as opened:
            raw = opened.read(HEADER_BYTES)
    except FileNotFoundError:
        raise ValueError(f"no header {file}; expected a WFDB record: check the path") from None
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error}): check its permissions and the disk") from error
    if raw.startswith(_APPLE_DOUBLE):
        raise ValueError(f"{file} is a macOS resource file (AppleDouble), no header: delete it, it holds no recording")
    if kind := other_kind(raw):
        raise ValueError(f"{file} is no WFDB header, but {kind}")
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-16":
            raise ValueError(f"{file} is cut off or damaged UTF-16 ({error}): copy or download it again") from error
        text = raw.decode("latin-1")  # old Windows programs write the µ of µV as one byte
    if "\0" in text:
        raise ValueError(f"{file} holds zero bytes ({raw[:40]!r}), so it is no header: copy or download it again")
    return text.rstrip("\x1a \t\r\n")  # DOS ended text files with the first of these


def _parse(content: list[str], comments: tuple[str, ...], stem: str) -> Header:
    """The header of some lines without comments; `stem` is the name of the file, which may have spaces in it."""
    name, fields = _split_name(content[0], stem)
    if not fields:
        raise ValueError(f"{content[0][:80]!r} is no WFDB record line: expected a name and the number of signals")
    name, _, last = name.rpartition("/") if re.search(r"/[0-9]+$", name) else (name, "", "1")
    segments, announced = _whole(last, "number of segments", 1), _whole(fields[0], "number of signals", 0)
    rate = fields[1].partition("/")[0] if len(fields) > 1 else None  # the frequency of a tape counter follows the /
    samples = _whole(fields[2], "number of samples", 0) if len(fields) > 2 else 0
    single = segments == 1
    if single and announced == 0:
        raise ValueError("it announces no signals; expected an ECG")
    if single and len(content) - 1 != announced:
        raise ValueError(f"it announces {announced:,} signals and describes {len(content) - 1:,}: is it cut off?")
    channels = tuple(_channel(line, stem) for line in content[1:]) if single else ()
    return Header(name, segments, _rate(rate), samples or None, channels, comments)


def _split_name(line: str, stem: str) -> tuple[str, list[str]]:
    """The name at the start of a line, which may be of several words where the file's own is, and the other fields."""
    end = len(stem) if " " in stem and line.startswith(stem) else 0
    first, *rest = re.split(r"[ \t]+", line[end:], maxsplit=8)
    return line[:end] + first, rest


def _rate(text: str | None) -> float:
    """The sampling rate in Hz. ValueError: it is no number above 0, or more than any converter has."""
    if text is None:
        return DEFAULT_RATE
    rate = _number(text, "sampling rate")
    if not 0 < rate <= HIGHEST_RATE:
        raise ValueError(
            f"sampling rate {text}, expected more than 0 and at most {HIGHEST_RATE:,.0f} Hz: correct the header"
        )
    return rate


def _channel(line: str, stem: str) -> Channel:
    """One signal line. Only file and format are mandatory in it. ValueError: it is no signal line."""
    file_name, fields = _split_name(line, stem)
    shape = _FORMAT.fullmatch(fields[0]) if fields else None
    if shape is None:
        raise ValueError(
            f"{line[:80]!r} is no WFDB signal line, expected the name of a file, which has no spaces, and a format"
        )
    if not file_name.isprintable():
        raise ValueError(f"signal file {file_name[:80]!r}, expected a name that can be printed: rename it")
    match = _GAIN.fullmatch(fields[1]) if len(fields) > 1 else None
    if len(fields) > 1 and match is None:
        raise ValueError(f"gain {fields[1][:40]!r}, expected one such as 1000(0)/mV: correct the header")
    gain, baseline, unit = match.groups() if match else ("0", None, None)
    names = ("resolution", "zero", "first value", "checksum", "block size")  # the rest of the line is a description
    numbers: list[int | None] = [_whole(text, what) for text, what in zip(fields[2:7], names, strict=False)]
    numbers += [None] * (len(names) - len(numbers))
    zero, first, checksum = numbers[1:4]
    for what, value in (("zero", zero), ("first value", first)):
        if abs(value or 0) >= CONVERTER_LIMIT:
            raise ValueError(f"{what} {value}, expected a number of at most 32 bit: correct the header")
    return Channel(
        file_name=file_name,
        format=int(shape[1]),
        per_frame=_whole(shape[2] or "1", "samples per frame", 1),
        skew=int(shape[3] or 0),
        offset=int(shape[4] or 0),
        gain=_gain(gain),
        baseline=(zero or 0) if baseline is None else _baseline(baseline),
        unit=unit or "mV",
        zero=zero or 0,
        first=first,
        checksum=checksum,
        name=fields[7].strip() if len(fields) > 7 else "",
    )


def _gain(text: str) -> float:
    """The gain; 0 is the mark of a signal that is not calibrated, for which the format has a default."""
    gain = _number(text, "gain") or DEFAULT_GAIN
    if not GAINS[0] <= abs(gain) <= GAINS[1]:
        raise ValueError(
            f"gain {text}, expected {GAINS[0]:g} to {GAINS[1]:g} (or the same below 0): correct the header"
        )
    return gain


def _baseline(text: str) -> int:
    """The baseline, which need not be a value that the converter can have."""
    baseline = _whole(text, "baseline")
    if abs(baseline) >= CONVERTER_LIMIT:
        raise ValueError(f"baseline {text}, expected a number of at most 32 bit: correct the header")
    return baseline


def _number(text: str, what: str) -> float:
    """A finite number. ValueError: it is none, nan and infinity among them."""
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"{what} {text[:40]!r}, expected a finite number: correct the header")
    return value


def _whole(text: str, what: str, least: int | None = None) -> int:
    """A whole number. ValueError: it is none, or below `least`."""
    value = int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None
    if value is None or (least is not None and value < least):
        expected = "a whole number" if least is None else f"a whole number from {least}"
        raise ValueError(f"{what} {text[:40]!r}, expected {expected}: correct the header")
    return value
