"""One WFDB record: its ECG channels in millivolt, once every file that holds one is what the header says.

Several times as fast as wfdb on the common records, one file of 16-bit samples: PTB-XL's .dat, the Challenges' MATLAB
v4 .mat.
Format: https://physionet.org/physiotools/wag/header-5.htm
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import numpy as np

from vqecg.records.datasets.wfdb_header import Channel, Header, NotAsDescribedError, read_header
from vqecg.records.datasets.wfdb_samples import check_length, check_samples, invalid_sample, read_frames
from vqecg.records.leads import LEADS, canonical_lead

__all__ = ["Channel", "Header", "NotAsDescribedError", "Waveform", "ecg_files", "lead_name", "read_header", "read_wfdb"]

MILLIVOLTS = {"v": 1e3, "mv": 1.0, "uv": 1e-3, "\N{MICRO SIGN}v": 1e-3, "\N{GREEK SMALL LETTER MU}v": 1e-3, "nv": 1e-6}
SHOWN = 12  # channels or files that a message names
EXACT = 2**23  # the range of whole numbers whose differences float32 holds


@dataclass(frozen=True, eq=False)
class Waveform:
    """The samples of one record, before anything is known of the patient."""

    signal: np.ndarray  # (leads, samples) float32 mV, nan where the file marks a sample as invalid
    sampling_rate: float  # Hz
    leads: tuple[str, ...]  # in LEADS' spelling; a channel that is none of the twelve keeps its own name


@lru_cache(maxsize=1024)
def lead_name(name: str) -> str:
    """The spelling of LEADS for any spelling of the twelve leads; other channels (vx, V7, RESP) keep their name."""
    try:
        return canonical_lead(name)
    except ValueError:
        return name.strip()


def read_wfdb(path: str | Path, ignore_checksums: bool = False) -> Waveform:
    """Read the ECG of the record at `path` (without extension): its channels in mV, whatever unit and format they have.

    A channel in a unit that is none of voltage (a pulse wave in NU, a pressure) is left out, and so is one that is
    sampled at another rate than the twelve leads; several samples in a frame are kept, at their own rate. A signal with
    a skew is moved to its place, and all end where the first of them does. A negative gain turns the signal upside
    down, as the header says.

    Args:
        ignore_checksums: read files whose first values or checksums differ from the header, as damaged ones do.

    Raises:
        NotAsDescribedError (a ValueError): a signal file is of another size or kind than the header says, or has
            another first value or checksum.
        ValueError: a file is missing, is no regular file, lies outside the record's folder or cannot be read; the
            header is none; the record has several segments; one of the twelve leads is in a unit that is none of
            voltage, or sampled at another rate than the others.
    """
    header = read_header(path)
    if header.segments > 1:
        raise ValueError(
            f"{path}.hea is a record of {header.segments} segments, expected one short ECG; "
            "cut it into records of one segment (wfdb.rdrecord, wfdb.wrsamp)"
        )
    wanted, parts = _ecg_channels(header, path), dict[str, np.ndarray]()
    among = set(wanted)
    for file_name, places in _places_by_file(header, path).items():
        group = [header.channels[place] for place in places]
        chosen = [number for number, place in enumerate(places) if place in among]
        if chosen:
            frames = _read_file(_signal_file(path, file_name), group, header, ignore_checksums)
            parts[file_name] = _millivolts(_signals(frames, group, chosen), [group[number] for number in chosen])
            check_length(Path(path), sum(part.size for part in parts.values()))
    lengths = {file_name: part.shape[1] for file_name, part in parts.items()}
    if len(set(lengths.values())) > 1:
        each = ", ".join(f"{file_name} {length:,}" for file_name, length in [*lengths.items()][:SHOWN])
        raise NotAsDescribedError(
            f"{path}: signal files of several lengths ({each} samples), expected one: is one cut?"
        )
    channels = [header.channels[place] for place in wanted]
    rate = header.sampling_rate * channels[0].per_frame
    signal = np.concatenate(list(parts.values())) if len(parts) > 1 else parts[channels[0].file_name]
    return Waveform(_aligned(signal, channels, path), rate, tuple(lead_name(channel.name) for channel in channels))


def _ecg_channels(header: Header, path: str | Path) -> list[int]:
    """The places of the channels that are read. ValueError: there are none, or the leads contradict each other."""
    channels = header.channels
    names = [lead_name(channel.name) for channel in channels]
    leads = [place for place, name in enumerate(names) if name in LEADS]
    odd = [place for place in leads if channels[place].unit.lower() not in MILLIVOLTS]
    if odd:
        raise ValueError(
            f"{path}.hea: lead {names[odd[0]]} in {channels[odd[0]].unit!r}, expected a unit of voltage (V, mV, uV): "
            "correct the header if it is a lead of an ECG, or give the channel its true name"
        )
    voltages = [place for place, channel in enumerate(channels) if channel.unit.lower() in MILLIVOLTS]
    if not voltages:
        units = sorted({channel.unit for channel in channels})[:SHOWN]
        raise ValueError(f"{path}.hea: no signal in a unit of voltage (V, mV, uV), only in {units}")
    rates = {channels[place].per_frame for place in leads or voltages}
    if len(rates) > 1:
        each = ", ".join(f"{names[place]!r} {channels[place].per_frame}" for place in (leads or voltages)[:SHOWN])
        raise ValueError(f"{path}.hea: leads of several sampling rates (samples in a frame: {each}), expected one rate")
    files = ecg_files(header)
    return [place for place in voltages if channels[place].per_frame in rates and channels[place].file_name in files]


def ecg_files(header: Header) -> list[str]:
    """The signal files that are read: those with any of the twelve leads; without any lead, those with a voltage."""
    leads = [channel for channel in header.channels if lead_name(channel.name) in LEADS]
    voltages = [channel for channel in header.channels if channel.unit.lower() in MILLIVOLTS]
    return list(dict.fromkeys(channel.file_name for channel in leads or voltages))


def _places_by_file(header: Header, path: str | Path) -> dict[str, list[int]]:
    """File name -> the places of its channels. ValueError: they are not together, or are described in several ways."""
    files: dict[str, list[int]] = {}
    for file_name, numbered in groupby(enumerate(header.channels), lambda pair: pair[1].file_name):
        places = [place for place, _ in numbered]
        kinds = {(header.channels[place].format, header.channels[place].offset) for place in places}
        if file_name in files or len(kinds) > 1:
            raise ValueError(
                f"{path}.hea describes {file_name} in two ways, expected its signals one after the other, with one "
                "format and byte offset: correct the header"
            )
        files[file_name] = places
    return files


def _signal_file(path: str | Path, name: str) -> Path:
    """The file that a header names. ValueError: it would lie outside the record's folder."""
    if ".." in re.split(r"[/\\]", name) or re.match(r"[/\\]|[A-Za-z]:", name):
        raise ValueError(
            f"{path}.hea names the signal file {name!r}, expected one in the folder of the header or below: copy it "
            "there and correct the header"
        )
    return Path(path).parent / name


def _read_file(file: Path, channels: Sequence[Channel], header: Header, ignore_checksums: bool) -> np.ndarray:
    """(frames, samples in a frame) integers of one signal file, checked."""
    try:
        frames = read_frames(file, channels, header.samples)
    except FileNotFoundError:
        raise ValueError(
            f"{file} is not there, though its header names it: copy or download it again, or correct the header"
        ) from None
    if not ignore_checksums:
        check_samples(file, frames, channels)
    return frames


def _signals(frames: np.ndarray, channels: Sequence[Channel], chosen: Sequence[int]) -> np.ndarray:
    """(chosen channels, samples) integers from (frames, samples in a frame); all chosen have one rate."""
    if frames.shape[1] == len(channels):
        return frames.T if len(chosen) == len(channels) else frames.T[list(chosen)]
    ends = np.cumsum([channel.per_frame for channel in channels])
    return np.stack([frames[:, ends[place] - channels[place].per_frame : ends[place]].reshape(-1) for place in chosen])


def _millivolts(digital: np.ndarray, channels: Sequence[Channel]) -> np.ndarray:
    """(channels, samples) float32 mV from integers of the same shape; nan where a sample is marked as missing."""
    gain = np.array([channel.gain / MILLIVOLTS[channel.unit.lower()] for channel in channels])[:, None]
    baseline = np.array([channel.baseline for channel in channels], np.float64)[:, None]
    small = digital.itemsize <= 2 and np.abs(baseline).max() < EXACT
    exact = np.float32 if small else np.float64
    signal = (digital.astype(exact) - baseline.astype(exact)) / gain.astype(exact)
    missing = invalid_sample(channels[0].format)
    if missing is not None:
        signal[digital == missing] = np.nan
    return np.ascontiguousarray(signal, dtype=np.float32)


def _aligned(signal: np.ndarray, channels: Sequence[Channel], path: str | Path) -> np.ndarray:
    """(channels, samples) without the samples of any signal that have no counterpart in the others, by their skews."""
    skews = [channel.skew * channel.per_frame for channel in channels]
    length = signal.shape[1] - max(skews)
    if length < 1:
        raise ValueError(
            f"{path}.hea: a skew of {max(skews):,} samples, expected less than the {signal.shape[1]:,} of it"
        )
    if not any(skews):
        return signal
    return np.stack([row[skew : skew + length] for row, skew in zip(signal, skews, strict=True)])
