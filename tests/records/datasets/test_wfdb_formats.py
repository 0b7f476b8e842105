"""Every WFDB format, with several samples in a frame, skews and offsets, reads as it was written."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from vqecg.records.datasets.wfdb_reading import NotAsDescribedError, read_wfdb

BITS = {8: 8, 16: 16, 24: 24, 32: 32, 61: 16, 80: 8, 160: 16, 212: 12, 310: 10, 311: 10}
FLAC = {508: 8, 516: 16, 524: 24}


def encoded(values: np.ndarray, storage_format: int) -> bytes:
    """Integers in a format, one after the other; for format 8 they are differences."""
    bits = BITS[storage_format]
    plain = {8: "i1", 16: "<i2", 32: "<i4", 61: ">i2"}
    if storage_format in plain:
        return values.astype(plain[storage_format]).tobytes()
    if storage_format in (80, 160):
        return (values + 2 ** (bits - 1)).astype(f"<u{bits // 8}").tobytes()
    if storage_format == 24:
        return values.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    together = 2 if storage_format == 212 else 3
    padded = np.append(values, np.zeros(-len(values) % together, values.dtype)) % 2**bits
    blocks = b"".join(block_of(samples, storage_format) for samples in padded.reshape(-1, together).tolist())
    return blocks[: len(blocks) - 1] if storage_format == 212 and len(values) % 2 else blocks


def block_of(samples: list[int], storage_format: int) -> bytes:
    """Two samples of 12 bit, or three of 10 bit, as the pages of the format draw them."""
    if storage_format == 212:
        one, two = samples
        return bytes([one & 255, (one >> 8) | (two >> 8 << 4), two & 255])
    one, two, three = samples
    if storage_format == 311:
        return (one | two << 10 | three << 20).to_bytes(4, "little")
    low, high = (one << 1) | (three & 31) << 11, (two << 1) | (three >> 5) << 11
    return low.to_bytes(2, "little") + high.to_bytes(2, "little")


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """Two files of some signals each, in any formats."""
    frames = draw(st.integers(5, 40))
    per_frame, files = draw(st.integers(1, 3)), []
    for _ in range(draw(st.integers(1, 2))):
        storage_format, offset = draw(st.sampled_from(sorted(BITS))), draw(st.sampled_from([0, 0, 7]))
        signals = []
        for _ in range(draw(st.integers(1, 4))):
            limit = 2 ** (BITS[storage_format] - 1)
            seed = draw(st.integers(0, 2**32 - 1))
            values = np.random.default_rng(seed).integers(-limit, limit, frames * per_frame)
            if storage_format == 8:
                values[0] = 0
            gain, baseline = draw(st.floats(0.01, 1e5)), draw(st.integers(-(2**20), 2**20))
            first = draw(st.integers(-1000, 1000)) if storage_format == 8 else int(values[0])
            signals.append({"values": values, "gain": gain, "baseline": baseline, "first": first})
        files.append({"format": storage_format, "offset": offset, "signals": signals})
    return {"frames": frames, "per_frame": per_frame, "files": files}


def write(folder: Path, record: dict[str, Any], skews: bool = False) -> Path:
    """Writes a record; returns its path without extension."""
    frames, per_frame = record["frames"], record["per_frame"]
    lines = []
    for number, file in enumerate(record["files"]):
        name, storage_format = f"r{number}.bin", file["format"]
        table = np.stack([signal["values"].reshape(frames, per_frame) for signal in file["signals"]], axis=1)
        (folder / name).write_bytes(b"\7" * file["offset"] + encoded(table.reshape(-1), storage_format))
        for place, signal in enumerate(file["signals"]):
            values = signal["values"]
            samples = signal["first"] + values.cumsum() if storage_format == 8 else values
            skew = f":{place}" if skews else ""
            modifiers = f"x{per_frame}{skew}" + (f"+{file['offset']}" if file["offset"] else "")
            lines.append(
                f"{name} {storage_format}{modifiers} {signal['gain']!r}({signal['baseline']})/mV 16 0 "
                f"{signal['first']} {int(samples.sum()) % 65536} 0 lead {number} {place}"
            )
    (folder / "r.hea").write_text("\n".join([f"r {len(lines)} 100 {frames}", *lines]) + "\n")
    return folder / "r"


@settings(deadline=None, max_examples=40)
@given(record=records(), skews=st.booleans())
def test_any_record_reads_as_it_was_written(tmp_path_factory, record: dict[str, Any], skews: bool) -> None:
    path = write(tmp_path_factory.mktemp("formats"), record, skews)
    waveform = read_wfdb(path)
    assert waveform.signal.dtype == np.float32 and waveform.sampling_rate == 100 * record["per_frame"]
    signals = [(file["format"], place, each) for file in record["files"] for place, each in enumerate(file["signals"])]
    assert len(waveform.leads) == len(waveform.signal) == len(signals)
    skew = record["per_frame"] if skews else 0
    length = record["frames"] * record["per_frame"] - skew * max(place for _, place, _ in signals)
    for row, (storage_format, place, written) in zip(waveform.signal, signals, strict=True):
        values = written["values"].astype(float)
        if storage_format == 8:
            values = written["first"] + values.cumsum()
        else:
            values[values == -(2 ** (BITS[storage_format] - 1))] = np.nan
        expected = ((values - written["baseline"]) / written["gain"])[skew * place :][:length]
        scale = np.nanmax(np.abs(expected), initial=1e-9)
        np.testing.assert_allclose(row, expected, rtol=3e-7, atol=3e-7 * scale)


@settings(deadline=None, max_examples=40)
@given(
    storage_format=st.sampled_from(["16", "24", "32", "80", "212", "508", "516", "524"]),
    samples=st.integers(2, 60),
    signals=st.integers(1, 8),
    gain=st.floats(0.1, 1000),
    baseline=st.integers(-50, 50),
    unit=st.sampled_from(["mV", "uV", "V", "nV"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_record_that_wfdb_writes_is_read(
    tmp_path_factory, storage_format, samples, signals, gain, baseline, unit, seed
) -> None:
    folder, factor = tmp_path_factory.mktemp("written"), {"mV": 1.0, "uV": 1e-3, "V": 1e3, "nV": 1e-6}[unit]
    digital = np.random.default_rng(seed).integers(-60, 61, (samples, signals))
    names = [f"lead {number}" for number in range(signals)]
    wfdb.wrsamp(
        "r", 500, [unit] * signals, names, d_signal=digital, fmt=[storage_format] * signals,
        adc_gain=[gain] * signals, baseline=[baseline] * signals, write_dir=str(folder),
    )  # fmt: skip
    waveform = read_wfdb(folder / "r")
    expected = (digital.T - baseline) / gain * factor
    np.testing.assert_allclose(waveform.signal, expected, rtol=3e-7, atol=3e-7 * np.abs(expected).max())
    assert waveform.sampling_rate == 500 and waveform.leads == tuple(names)


@pytest.mark.parametrize("storage_format", [*BITS, *FLAC])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("r.dat", "below/my-r.1.dat"),  # wfdb takes it for no signal line
        ("r.dat", "r é.dat"),
        (" 50.0(0)/mV", " 50.0(0.0)/µV"),  # for one without a first value
        (" 50.0(0)/mV", " +5.E+1(0)/mV"),
        (" 100 35", " 1e2/1(-3e1) 35 noon"),
    ],
)
def test_a_header_that_wfdb_takes_for_another_is_read(tmp_path: Path, storage_format: int, old: str, new: str) -> None:
    digital = record_of(tmp_path, storage_format)
    header, factor = tmp_path / "r.hea", 1e-3 if "µV" in new else 1.0
    header.write_text(header.read_text().replace("r0.bin", "r.dat").replace(old, new))
    signal_file = next(file for file in tmp_path.iterdir() if file != header)
    place = tmp_path / (new if old == "r.dat" else "r.dat")
    place.parent.mkdir(exist_ok=True)
    signal_file.rename(place)
    if " " in place.name:
        header.rename(tmp_path / "r é.hea")
    signal = read_wfdb(tmp_path / ("r é" if " " in place.name else "r")).signal
    np.testing.assert_allclose(signal, digital.T / 50 * factor, rtol=1e-6)


def record_of(folder: Path, storage_format: int) -> np.ndarray:
    """Writes a record of three signals in any format; returns its samples."""
    digital = np.random.default_rng(0).integers(-60, 61, (35, 3))
    if storage_format in FLAC:
        wfdb.wrsamp(
            "r", 100, ["mV"] * 3, ["I", "II", "V1"], d_signal=digital, fmt=[str(storage_format)] * 3,
            adc_gain=[50.0] * 3, baseline=[0] * 3, write_dir=str(folder),
        )  # fmt: skip
        return digital
    signals = [{"values": row, "gain": 50.0, "baseline": 0, "first": int(row[0])} for row in digital.T.copy()]
    if storage_format == 8:
        for signal in signals:
            signal["values"] = np.diff(signal["values"], prepend=signal["first"])
    file = {"format": storage_format, "offset": 0, "signals": signals}
    write(folder, {"frames": 35, "per_frame": 1, "files": [file]})
    return digital


@pytest.mark.parametrize("storage_format", [*BITS, *FLAC])
@pytest.mark.parametrize("length", ["0", ""])
def test_a_length_that_the_header_does_not_give_is_that_of_the_file(tmp_path, storage_format, length) -> None:
    digital = record_of(tmp_path, storage_format)
    header = tmp_path / "r.hea"
    header.write_text(header.read_text().replace(" 100 35", f" 100 {length}"))
    np.testing.assert_allclose(read_wfdb(tmp_path / "r").signal, digital.T / 50, rtol=1e-6)


@pytest.mark.bad_input("header and file disagree")
@pytest.mark.parametrize("bit", [30, 31])
def test_a_bit_that_format_311_does_not_use_is_refused_or_ignored(tmp_path: Path, bit: int) -> None:
    digital = record_of(tmp_path, 311)
    content = np.frombuffer((tmp_path / "r0.bin").read_bytes(), "<u4") | np.uint32(1 << bit)
    (tmp_path / "r0.bin").write_bytes(content.tobytes())
    if bit == 30:  # wfdb takes it for one of a sample's
        with pytest.raises(ValueError, match=r"r0\.bin has bits set that format 311 leaves unused"):
            read_wfdb(tmp_path / "r")
    else:
        np.testing.assert_allclose(read_wfdb(tmp_path / "r").signal, digital.T / 50, rtol=1e-6)


@pytest.mark.bad_input("a number in a header that cannot be")
@pytest.mark.parametrize("first", [2**31 - 1, -(2**31) + 1])
def test_differences_that_may_leave_32_bit_are_refused(tmp_path: Path, first: int) -> None:
    (tmp_path / "r.hea").write_text(f"r 1 100 3\nr.dat 8 1(0)/mV 16 0 {first}\n")
    (tmp_path / "r.dat").write_bytes(np.array([0, 100, -100], "i1").tobytes())
    with pytest.raises(ValueError, match=r"r\.dat: from -?2147483647 on, its differences may leave 32 bit"):
        read_wfdb(tmp_path / "r")


def flac_record(folder: Path, storage_format: int = 516) -> bytes:
    """Writes a record of three signals in FLAC; returns the content of its signal file."""
    digital = np.random.default_rng(1).integers(-100, 100, (400, 3))
    wfdb.wrsamp(
        "r", 500, ["mV"] * 3, ["I", "II", "V1"], d_signal=digital, fmt=[str(storage_format)] * 3,
        adc_gain=[50.0] * 3, baseline=[0] * 3, write_dir=str(folder),
    )  # fmt: skip
    return (folder / "r.dat").read_bytes()


@pytest.mark.bad_input("damaged FLAC file")
@pytest.mark.parametrize("place", [*range(0, 42, 3), 50, 100, 300, 600])
@pytest.mark.parametrize("storage_format", FLAC)
def test_a_damaged_flac_file_is_refused_or_read_rightly(tmp_path: Path, place: int, storage_format: int) -> None:
    whole = bytearray(flac_record(tmp_path, storage_format))
    expected = read_wfdb(tmp_path / "r").signal
    whole[place % len(whole)] ^= 0x55
    (tmp_path / "r.dat").write_bytes(whole)
    try:
        signal = read_wfdb(tmp_path / "r").signal
    except ValueError as error:
        assert "r.dat" in str(error)
    else:
        np.testing.assert_array_equal(signal, expected)


@pytest.mark.bad_input("damaged FLAC file")
@pytest.mark.parametrize("size", [0, 3, 41, 42, 100, -1, "and more", "of 1 GB"])
def test_a_flac_file_of_another_size_is_refused_or_read_rightly(tmp_path: Path, size: int | str) -> None:
    whole = flac_record(tmp_path)
    expected = read_wfdb(tmp_path / "r").signal
    content = whole + b"more" if isinstance(size, str) else whole[:size]
    (tmp_path / "r.dat").write_bytes(content)
    if size == "of 1 GB":
        os.truncate(tmp_path / "r.dat", 10**9)
    if size == "and more":
        np.testing.assert_array_equal(read_wfdb(tmp_path / "r").signal, expected)  # players add their tags there
        return
    with pytest.raises(NotAsDescribedError, match=r"r\.dat"):
        read_wfdb(tmp_path / "r")


@pytest.mark.bad_input("damaged FLAC file")
@pytest.mark.parametrize(
    ("old", "new"),
    [(" 500 400", " 500 399"), (" 516 ", " 508 "), (" 516 ", " 516x2 "), (" 516 ", " 516+1 "), (" 516 ", " 16 ")],
)
def test_a_header_that_does_not_fit_its_flac_file_is_refused(tmp_path: Path, old: str, new: str) -> None:
    flac_record(tmp_path)
    header = tmp_path / "r.hea"
    header.write_text(header.read_text().replace(old, new))
    with pytest.raises(NotAsDescribedError, match=r"r\.dat"):
        read_wfdb(tmp_path / "r")
