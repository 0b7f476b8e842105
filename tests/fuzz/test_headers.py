"""WFDB headers of any content, and valid records of which a few words, bytes or lines were changed.

A record that is still read must hold what its header then says, by a slow reader of its own below.
"""

import contextlib
import functools
import math
import re
import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vqecg.records.datasets.wfdb_reading import Waveform, read_header, read_wfdb

MEMORY = 2**26  # bytes: what reading a header of at most 1 MB and a tiny file may take
KINDS = {"8": "b", "16": "<h", "61": ">h", "32": "<i", "80": "B"}  # formats of the slow reader, for struct
BASES = ("plain", "plain, no length", "matlab", "matlab, no length", "frames", "files")
UNITS = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "v": 1e3, "nv": 1e-6}
WORDS = (
    "0 1 -1 2 12 16 32 80 61 8 24 212 310 160 508 516 524 999 16x1 16x2 16x50 16x999999999 16:1 16:999999999 16+24",
    "16+999999999999 32x2:1+4 1000/mV 1000(0)/mV -1(5)/uV 0 0/mV 1e-300 1e300 1e400 nan inf -inf 1/NU 1/V 1(99999)/mV",
    "1(-2147483648)/mV 200(3.0)/µV 250 500 1e9 1e-9 0.0 360/360 360/72(5) 1000000000000 99999999999999999999999999",
    "18446744073709551616 -32768 32767 65535 I II aVR V1 MLII RESP r.dat s.dat t.mat ../r.dat /dev/zero . r.hea - ~ #",
)

number = st.one_of(st.integers().map(str), st.floats().map(repr), st.integers(-300, 3000).map(str))
word = st.one_of(st.sampled_from(" ".join(WORDS).split()), number, st.text(max_size=6))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples."""
    return tmp_path_factory.mktemp("headers")


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """Fails where more is asked for in between than the files can need."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


def line_of(name: str, shape: str, gain: str, values: np.ndarray, lead: str) -> str:
    return f"{name} {shape} {gain} 16 0 {int(values[0])} {int(values.sum()) % 65536} 0 {lead}"


def base_record(base: str) -> tuple[list[str], dict[str, bytes]]:
    """A valid record: the lines of its header, and the content of its signal files, the first of which is changed."""
    values = np.random.default_rng(5).integers(-120, 121, (24, 3))
    stored = values.astype("<i2").tobytes()
    head, shape, files = "r 3 500 24", "16", {"r.dat": stored}
    if base.startswith("matlab"):
        shape, files = "16+24", {"t.mat": np.array([30, 3, 24, 0, 4], "<i4").tobytes() + b"val\0" + stored}
    elif base == "frames":
        turned = values.reshape(12, 2, 3).transpose(0, 2, 1)
        head, shape, files = "r 3 250 12", "16x2", {"r.dat": turned.astype("<i2").tobytes()}
    lines = [
        line_of(next(iter(files)), shape, "1000(0)/mV", row, lead)
        for row, lead in zip(values.T, ("I", "II", "V1"), strict=True)
    ]
    if base == "files":
        files["s.dat"] = (values[:, 0] + 128).astype("u1").tobytes()
        head, lines = "r 4 500 24", [*lines, line_of("s.dat", "80", "50(-3)/uV", values[:, 0], "aVF")]
    return [head.removesuffix(" 24") if "no length" in base else head, *lines, "# Dx: 1"], files


@functools.lru_cache(maxsize=64)
def folder_of(parent: Path, name: str) -> Path:
    """A folder below, made once."""
    (parent / name).mkdir()
    return parent / name


def put(folder: Path, files: dict[str, bytes]) -> None:
    """Writes the files that do not have their content yet; nobody else writes there."""
    for name, content in files.items():
        if written.get(folder / name) != content:
            (folder / name).write_bytes(content)
            written[folder / name] = content


written: dict[Path, bytes] = {}


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """A few changes to the words, lines and bytes of a record."""
    line, place = st.integers(0, 5), st.integers(0, 12)
    return draw(
        st.lists(
            st.one_of(
                st.tuples(st.just("word"), line, place, word),
                st.tuples(st.just("number in word"), line, place, number),
                st.tuples(st.just("add word"), line, place, word),
                st.tuples(st.just("drop word"), line, place),
                st.tuples(st.just("swap words"), line, place, place),
                st.tuples(st.just("drop line"), line),
                st.tuples(st.just("repeat line"), line, line),
                st.tuples(st.just("swap lines"), line, line),
                st.tuples(st.just("byte"), st.integers(0, 200), st.integers(0, 255)),
                st.tuples(st.just("cut"), st.integers(0, 200)),
                st.tuples(st.just("sample byte"), st.integers(0, 143), st.integers(0, 255)),
                st.tuples(st.just("resize"), st.integers(0, 300)),
            ),
            max_size=4,
        )
    )


def changed(lines: list[str], files: dict[str, bytes], steps: list[tuple[Any, ...]]) -> bytes:
    """The header after some changes; those of samples are made in the first of the files."""
    name = next(iter(files))
    words, later = [line.split(" ") for line in lines], []
    for kind, *at in steps:
        if kind in ("byte", "cut"):
            later.append((kind, *at))
        elif kind in ("sample byte", "resize"):
            raw = bytearray(files[name])
            if kind == "resize":
                raw = raw[: at[0]].ljust(at[0], b"\0")
            elif raw:
                raw[at[0] % len(raw)] = at[1]
            files[name] = bytes(raw)
        elif words:
            change_words(words, kind, at)
    raw = bytearray("\n".join(" ".join(line) for line in words).encode("utf-8", "surrogatepass") + b"\n")
    for kind, *at in later:
        if kind == "cut":
            raw = raw[: at[0]]
        elif raw:
            raw[at[0] % len(raw)] = at[1]
    return bytes(raw)


def change_words(words: list[list[str]], kind: str, at: list[Any]) -> None:
    """Makes one change to a header in words."""
    row = at[0] % len(words)
    line = words[row]
    place = at[1] % len(line) if len(at) > 1 and line else 0
    if kind == "drop line":
        words.pop(row)
    elif kind == "repeat line":
        words.insert(at[1] % len(words), list(line))
    elif kind == "swap lines":
        other = at[1] % len(words)
        words[row], words[other] = words[other], words[row]
    elif kind == "add word":
        line.insert(place, at[2])
    elif not line:
        return
    elif kind == "word":
        line[place] = at[2]
    elif kind == "number in word":
        line[place] = re.sub(r"-?\d+", lambda _: at[2], line[place], count=1)
    elif kind == "drop word":
        line.pop(place)
    elif kind == "swap words":
        other = at[2] % len(line)
        line[place], line[other] = line[other], line[place]


def check(path: Path, waveform: Waveform, checked: bool) -> None:
    """Compares a record that was read with what its header says."""
    rows = waveform.signal
    assert rows.dtype == np.float32 and rows.shape[0] == len(waveform.leads) > 0 and rows.shape[1] > 0
    assert math.isfinite(waveform.sampling_rate) and waveform.sampling_rate > 0
    header = read_header(path)
    channels, used = list(header.channels), iter(zip(rows, waveform.leads, strict=True))
    row, lead = next(used)
    for name in dict.fromkeys(channel.file_name for channel in channels):
        group = [channel for channel in channels if channel.file_name == name]
        kind = KINDS.get(str(group[0].format))
        if kind is None:
            return  # a format of test_wfdb_formats.py
        try:
            raw = (path.parent / name).read_bytes()[group[0].offset :]
        except OSError:
            continue  # a file without leads
        values = [
            value
            for (value,) in struct.iter_unpack(kind, raw[: len(raw) // struct.calcsize(kind) * struct.calcsize(kind)])
        ]
        width, start = sum(channel.per_frame for channel in group), 0
        for channel in group:
            own = [value for place, value in enumerate(values) if start <= place % width < start + channel.per_frame]
            start += channel.per_frame
            if lead.casefold() not in (channel.name.casefold(), *{"II": ["mlii"]}.get(lead, [])):
                continue
            rate = header.sampling_rate * channel.per_frame
            if channel.unit.lower() not in UNITS or rate != waveform.sampling_rate:
                continue
            expected = physical(own, channel)[: rows.shape[1]]
            scale = max((abs(value) for value in expected if not math.isnan(value)), default=1.0)
            np.testing.assert_allclose(row, expected, rtol=1e-6, atol=1e-6 * scale)
            if checked and any(other.checksum for other in group) and channel.checksum is not None:
                assert (sum(integers(own, channel)) - channel.checksum) % 65536 == 0
            row, lead = next(used, (None, None))
            if row is None:
                return
    raise AssertionError(f"{lead} is none of {channels}")


def integers(stored: list[int], channel: Any) -> list[int]:
    """What the converter gave."""
    if channel.format == 80:
        return [value - 128 for value in stored]
    if channel.format == 8:
        value, values = channel.zero if channel.first is None else channel.first, []
        for difference in stored:
            value += difference
            values.append(value)
        return values
    return stored


def physical(stored: list[int], channel: Any) -> list[float]:
    """The signal in mV, moved by its skew."""
    lowest = {16: -32768, 61: -32768, 32: -(2**31), 80: -128}.get(channel.format)
    factor = UNITS[channel.unit.lower()]
    values = [
        math.nan if value == lowest else (value - channel.baseline) / channel.gain * factor
        for value in integers(stored, channel)
    ]
    return values[channel.skew * channel.per_frame :]


@given(base=st.sampled_from(BASES), steps=changes(), ignore_checksums=st.booleans())
def test_a_changed_record_is_read_as_its_header_says_or_refused(folder: Path, base, steps, ignore_checksums) -> None:
    place = folder_of(folder, base)
    lines, files = base_record(base)
    header = changed(lines, files, steps)
    put(place, files | {"r.hea": header})
    try:
        with little_memory():
            waveform = read_wfdb(place / "r", ignore_checksums)
    except ValueError as error:
        assert str(place) in str(error) and len(str(error)) < 2000
    else:
        check(place / "r", waveform, not ignore_checksums)


@given(content=st.binary(max_size=200))
def test_any_bytes_as_header_give_a_record_or_a_value_error(folder: Path, content: bytes) -> None:
    put(folder, {"r.hea": content})
    with contextlib.suppress(ValueError), little_memory():
        read_wfdb(folder / "r")


@given(base=st.sampled_from(BASES[:4]), content=st.binary(max_size=200), size=st.integers(0, 300))
def test_any_bytes_as_signal_file_are_refused_or_those_of_the_header(folder: Path, base, content, size) -> None:
    place = folder_of(folder, f"samples of {base}")
    lines, files = base_record(base)
    name, whole = next(iter(files.items()))
    put(place, {name: (content + whole[len(content) :])[:size], "r.hea": "\n".join(lines).encode()})
    with contextlib.suppress(ValueError):
        waveform = read_wfdb(place / "r")
        assert (place / name).stat().st_size == len(whole) or base == "plain, no length"
        check(place / "r", waveform, checked=True)
