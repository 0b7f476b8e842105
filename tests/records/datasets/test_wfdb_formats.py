"""Every WFDB format, with several samples in a frame, skews and offsets, reads as wfdb reads it."""

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
def test_any_record_reads_as_wfdb_reads_it(tmp_path_factory, record: dict[str, Any], skews: bool) -> None:
    path = write(tmp_path_factory.mktemp("formats"), record, skews)
    ours = read_wfdb(path)
    # wfdb cannot move signals of a file by different skews
    theirs = wfdb.rdrecord(str(path), smooth_frames=False, ignore_skew=True)
    assert ours.signal.dtype == np.float32 and ours.sampling_rate == 100 * record["per_frame"]
    assert ours.leads == tuple(theirs.sig_name)
    places = [place if skews else 0 for file in record["files"] for place in range(len(file["signals"]))]
    length = (record["frames"] - max(places)) * record["per_frame"]
    for mine, other, place in zip(ours.signal, theirs.e_p_signal, places, strict=True):
        expected = other[place * record["per_frame"] :][:length]
        scale = np.nanmax(np.abs(expected), initial=1e-9)
        np.testing.assert_allclose(mine, expected, rtol=3e-7, atol=3e-7 * scale)


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
def test_a_record_that_wfdb_writes_reads_as_wfdb_reads_it(
    tmp_path_factory, storage_format, samples, signals, gain, baseline, unit, seed
) -> None:
    folder, factor = tmp_path_factory.mktemp("written"), {"mV": 1.0, "uV": 1e-3, "V": 1e3, "nV": 1e-6}[unit]
    digital = np.random.default_rng(seed).integers(-60, 61, (samples, signals))
    wfdb.wrsamp(
        "r", 500, [unit] * signals, [f"lead {number}" for number in range(signals)], d_signal=digital,
        fmt=[storage_format] * signals, adc_gain=[gain] * signals, baseline=[baseline] * signals, write_dir=str(folder),
    )  # fmt: skip
    ours, theirs = read_wfdb(folder / "r"), wfdb.rdrecord(str(folder / "r"))
    np.testing.assert_allclose(ours.signal, theirs.p_signal.T * factor, rtol=3e-7, atol=3e-7 * factor)
    assert ours.sampling_rate == theirs.fs and ours.leads == tuple(theirs.sig_name)


@pytest.mark.parametrize("storage_format", [*BITS, *FLAC])
@pytest.mark.parametrize("length", ["0", ""])
def test_a_length_that_the_header_does_not_give_is_that_of_the_file(tmp_path, storage_format, length) -> None:
    digital = np.random.default_rng(0).integers(-60, 61, (35, 3))
    if storage_format in FLAC:
        wfdb.wrsamp(
            "r", 100, ["mV"] * 3, ["I", "II", "V1"], d_signal=digital, fmt=[str(storage_format)] * 3,
            adc_gain=[50.0] * 3, baseline=[0] * 3, write_dir=str(tmp_path),
        )  # fmt: skip
    else:
        signals = [{"values": row, "gain": 50.0, "baseline": 0, "first": int(row[0])} for row in digital.T.copy()]
        if storage_format == 8:
            for signal in signals:
                signal["values"][0] = 0
        write(
            tmp_path,
            {"frames": 35, "per_frame": 1, "files": [{"format": storage_format, "offset": 0, "signals": signals}]},
        )
    expected = read_wfdb(tmp_path / "r")
    header = tmp_path / "r.hea"
    header.write_text(header.read_text().replace(" 100 35", f" 100 {length}"))
    np.testing.assert_array_equal(read_wfdb(tmp_path / "r").signal, expected.signal)
    assert expected.signal.shape == (3, 35)


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
