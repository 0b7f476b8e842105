"""One WFDB record: its header, and its samples in millivolt.

The common case (one file of 16-bit samples: PTB-XL's .dat, the Challenges' MATLAB v4 .mat) is read here, more than ten
times as fast as by wfdb; every other format goes through wfdb. Units come from our own reading of the header, because
wfdb drops letters beyond ASCII and so takes a gain per µV for one per V.
Format: https://physionet.org/physiotools/wag/header-5.htm
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vqecg.records.leads import canonical_lead

DEFAULT_RATE = 250.0  # Hz, where the record line names none
DEFAULT_GAIN = 200.0  # units of the converter per mV, where the signal line names none or 0
INVALID_SAMPLE = -32768  # format 16's mark for "no sample here"
MILLIVOLTS = {"v": 1e3, "mv": 1.0, "uv": 1e-3, "\N{MICRO SIGN}v": 1e-3, "\N{GREEK SMALL LETTER MU}v": 1e-3, "nv": 1e-6}

_RECORD_LINE = re.compile(
    r"^(?P<name>[^\s/]+)(?:/(?P<segments>\d+))?\s+(?P<channels>\d+)"
    r"(?:\s+(?P<rate>\d[\d.eE+-]*)(?:/\S+)?(?:\s+(?P<samples>\d+))?.*)?$"
)
_SIGNAL_LINE = re.compile(
    r"^(?P<file>\S+)\s+(?P<format>\d+)(?:x(?P<per_frame>\d+))?(?::(?P<skew>\d+))?(?:\+(?P<offset>\d+))?"
    r"(?:\s+(?P<gain>-?\d[\d.eE+-]*)(?:\((?P<baseline>-?\d+)\))?(?:/(?P<unit>\S+))?(?:\s+(?P<rest>.*))?)?$"
)


@dataclass(frozen=True)
class Channel:
    """One signal line of a header."""

    file_name: str
    format: int  # WFDB storage format, 16 = 16-bit little-endian
    plain: bool  # one sample a frame and no skew
    offset: int  # bytes before the first sample
    gain: float  # converter units per `unit`
    baseline: int  # the converter's value at 0 mV
    unit: str
    name: str


@dataclass(frozen=True)
class Header:
    """The content of a .hea file. `samples` is None where it does not give the length of the record."""

    name: str
    segments: int  # more than 1: `channels` is empty, the segments have headers of their own
    sampling_rate: float  # Hz
    samples: int | None
    channels: tuple[Channel, ...]
    comments: tuple[str, ...]  # without the #


@dataclass(frozen=True, eq=False)
class Waveform:
    """The samples of one record, before anything is known of the patient."""

    signal: np.ndarray  # (leads, samples) float32 mV, nan where the file marks a sample as invalid
    sampling_rate: float  # Hz
    leads: tuple[str, ...]  # in LEADS' spelling; a channel that is none of the twelve keeps its own name


def lead_name(name: str) -> str:
    """The spelling of LEADS for any spelling of the twelve leads; other channels (vx, V7, RESP) keep their name."""
    try:
        return canonical_lead(name)
    except ValueError:
        return name.strip()


def read_header(path: str | Path) -> Header:
    """Read `path`.hea (`path` is the record's path without extension).

    Raises ValueError when there is no such file, or when it is empty, cut off or no WFDB header.
    """
    file = Path(f"{path}.hea")
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"no header {file}; expected a WFDB record: check the path") from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # old Windows programs write the µ of µV as one byte
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    comments = tuple(line.lstrip("#").strip() for line in lines if line.startswith("#"))
    content = [line for line in lines if not line.startswith("#")]
    record = _RECORD_LINE.match(content[0]) if content else None
    if record is None:
        raise ValueError(f"{file} does not start with a WFDB record line ({raw[:40]!r}): copy or download it again")
    segments = int(record["segments"] or 1)
    expected = int(record["channels"]) if segments == 1 else 0
    if segments == 1 and expected == 0:
        raise ValueError(f"{file} announces no signals; expected an ECG")
    if len(content) < 1 + expected:
        raise ValueError(
            f"{file} announces {expected} signals and describes {len(content) - 1}: copy or download it again"
        )
    return Header(
        name=record["name"],
        segments=segments,
        sampling_rate=float(record["rate"] or DEFAULT_RATE),
        samples=int(record["samples"]) if record["samples"] else None,
        channels=tuple(_channel(line, file) for line in content[1 : 1 + expected]),
        comments=comments,
    )


def _channel(line: str, file: Path) -> Channel:
    """One signal line. Only file and format are mandatory in it. ValueError: it is no signal line."""
    match = _SIGNAL_LINE.match(line)
    if match is None:
        raise ValueError(f"{file}: {line!r} is no WFDB signal line: copy or download the header again")
    rest = (match["rest"] or "").split(maxsplit=5)  # resolution, zero, first value, checksum, block size, description
    zero = int(rest[1]) if len(rest) > 1 else 0
    return Channel(
        file_name=match["file"],
        format=int(match["format"]),
        plain=int(match["per_frame"] or 1) == 1 and int(match["skew"] or 0) == 0,
        offset=int(match["offset"] or 0),
        gain=float(match["gain"] or 0) or DEFAULT_GAIN,
        baseline=int(match["baseline"]) if match["baseline"] else zero,
        unit=match["unit"] or "mV",
        name=rest[5] if len(rest) > 5 else "",
    )


def read_wfdb(path: str | Path) -> Waveform:
    """Read the record at `path` (without extension): every channel, in mV, whatever unit and format it is stored in.

    Raises ValueError when a file is missing, cut off or no WFDB record, or when a unit is not one of voltage.
    """
    header = read_header(path)
    signal = _read_16_bit(path, header) if _is_plain(header) else _read_by_wfdb(path, header)
    leads = tuple(lead_name(channel.name) for channel in header.channels)
    return Waveform(signal, header.sampling_rate, leads)


def _millivolts(unit: str, path: str | Path) -> float:
    """Millivolts per `unit`. ValueError: the unit is none of voltage."""
    try:
        return MILLIVOLTS[unit.lower()]
    except KeyError:
        raise ValueError(
            f"{path}: a signal in {unit!r}, expected a unit of voltage (V, mV, uV): correct the header"
        ) from None


def _is_plain(header: Header) -> bool:
    """True where all channels lie interleaved in one file of 16-bit samples."""
    places = {(channel.file_name, channel.format, channel.offset) for channel in header.channels}
    return (
        header.segments == 1
        and len(places) == 1
        and all(channel.format == 16 and channel.plain for channel in header.channels)
    )


def _read_16_bit(path: str | Path, header: Header) -> np.ndarray:
    """(channels, samples) float32 mV of a record of which _is_plain holds. ValueError: the file is missing or short."""
    channels = header.channels
    file = Path(path).parent / channels[0].file_name
    try:
        raw = file.read_bytes()[channels[0].offset :]
    except FileNotFoundError:
        raise ValueError(f"{path}.hea names {file.name}, which is not there: copy or download it again") from None
    frame = 2 * len(channels)
    samples = len(raw) // frame if header.samples is None else header.samples
    if samples == 0 or len(raw) < samples * frame:
        raise ValueError(
            f"{file} holds {len(raw):,} bytes of samples, expected {samples * frame:,}: "
            "the file is cut off, copy or download it again"
        )
    digital = np.frombuffer(raw, "<i2", samples * len(channels)).reshape(samples, len(channels)).T
    gain = np.array([channel.gain / _millivolts(channel.unit, path) for channel in channels], np.float32)
    baseline = np.array([channel.baseline for channel in channels], np.float32)
    signal = (digital.astype(np.float32) - baseline[:, None]) / gain[:, None]
    signal[digital == INVALID_SAMPLE] = np.nan
    return np.ascontiguousarray(signal)


def _read_by_wfdb(path: str | Path, header: Header) -> np.ndarray:
    """(channels, samples) float32 mV of a record in any format that wfdb knows. ValueError: wfdb cannot read it."""
    if header.segments > 1:
        raise ValueError(
            f"{path} is a record of {header.segments} segments, expected one short ECG; "
            "cut it into records of one segment (wfdb.rdrecord, wfdb.wrsamp)"
        )
    scale = np.array([_millivolts(channel.unit, path) for channel in header.channels])
    import wfdb  # here, as it is slow to import and most data sets never need it

    try:
        signal = wfdb.rdrecord(str(path)).p_signal
    except (ValueError, OSError, IndexError, KeyError, TypeError) as error:
        raise ValueError(
            f"wfdb cannot read {path} ({error}): a file is missing, cut off or damaged, copy or download it again"
        ) from error
    return np.ascontiguousarray((signal * scale).T, dtype=np.float32)
