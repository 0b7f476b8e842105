"""Reading one WFDB record: equal to wfdb's own reading, units, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import wfdb

from vqecg.records.datasets.wfdb_reading import lead_name, read_header, read_wfdb
from vqecg.records.leads import LEADS


def write(folder: Path, name: str = "r1", fmt: str = "16", samples: int = 50, units: str = "mV", gain: float = 1000.0):
    """A record of twelve leads by wfdb; returns its path without extension."""
    signal = np.random.default_rng(0).normal(0, 0.3, (samples, 12))
    wfdb.wrsamp(
        name, 500, [units] * 12, list(LEADS), p_signal=signal, fmt=[fmt] * 12, adc_gain=[gain] * 12,
        baseline=[3] * 12, write_dir=str(folder),
    )  # fmt: skip
    return folder / name


def write_header(folder: Path, text: str | bytes) -> Path:
    (folder / "h.hea").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / "h"


def test_an_invalid_sample_is_nan_as_in_wfdb(tmp_path: Path) -> None:
    path = write(tmp_path)
    raw = np.fromfile(f"{path}.dat", "<i2")
    raw[5] = -32768
    raw.tofile(f"{path}.dat")
    signal = read_wfdb(path, ignore_checksums=True).signal
    assert np.isnan(signal[5, 0]) and np.isnan(signal).sum() == 1
    assert np.isnan(wfdb.rdrecord(str(path)).p_signal[0, 5])


@pytest.mark.parametrize(
    ("unit", "encoding"), [("uV", "utf-8"), ("µV", "utf-8"), ("µV", "latin-1"), ("μV", "utf-8"), ("UV", "utf-8")]
)
@pytest.mark.parametrize("fmt", ["16", "32"])
def test_microvolt_in_any_spelling_becomes_millivolt(tmp_path: Path, unit: str, encoding: str, fmt: str) -> None:
    path = write(tmp_path, fmt=fmt)
    expected = read_wfdb(path).signal / 1000
    header = Path(f"{path}.hea")
    header.write_bytes(header.read_text().replace("/mV", f"/{unit}").encode(encoding))
    np.testing.assert_allclose(read_wfdb(path).signal, expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(("unit", "factor"), [("mv", 1.0), ("V", 1000.0), ("nV", 1e-6)])
def test_other_units_of_voltage_are_scaled(tmp_path: Path, unit: str, factor: float) -> None:
    path = write(tmp_path)
    expected = read_wfdb(path).signal * factor
    header = Path(f"{path}.hea")
    header.write_text(header.read_text().replace("/mV", f"/{unit}"))
    np.testing.assert_allclose(read_wfdb(path).signal, expected, rtol=1e-5)


def test_a_unit_that_is_no_voltage_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    header = Path(f"{path}.hea")
    header.write_text(header.read_text().replace("/mV", "/mmHg"))
    with pytest.raises(ValueError, match="unit of voltage"):
        read_wfdb(path)


def test_defaults_of_the_format_hold_where_the_header_is_silent(tmp_path: Path) -> None:
    path = write_header(tmp_path, "h 2\nh.dat 16\nh.dat 16 0\n")
    np.arange(8, dtype="<i2").tofile(tmp_path / "h.dat")
    waveform = read_wfdb(path)
    assert (waveform.sampling_rate, waveform.leads) == (250.0, ("", ""))
    np.testing.assert_allclose(waveform.signal, np.arange(8).reshape(4, 2).T / 200, atol=1e-7)


def test_the_zero_of_the_converter_is_the_baseline_where_there_is_none(tmp_path: Path) -> None:
    path = write_header(tmp_path, "h 1 100 3\nh.dat 16 100/mV 16 50 0 0 0 Lead II\n")
    np.array([50, 150, -50], "<i2").tofile(tmp_path / "h.dat")
    np.testing.assert_allclose(read_wfdb(path).signal, [[0, 1, -1]])
    assert read_wfdb(path).leads == ("II",)


def test_a_channel_that_is_no_standard_lead_keeps_its_name() -> None:
    assert [lead_name(name) for name in ("AVR", " v1 ", "vx", "RESP")] == ["aVR", "V1", "vx", "RESP"]


def test_a_file_that_is_cut_off_is_refused_at_any_length(tmp_path: Path) -> None:
    for fmt in ("16", "212"):
        path = write(tmp_path, f"cut{fmt}", fmt=fmt)
        whole = Path(f"{path}.dat").read_bytes()
        for size in (0, 1, len(whole) // 2, len(whole) - 2):
            Path(f"{path}.dat").write_bytes(whole[:size])
            with pytest.raises(ValueError, match="copy or download it again"):
                read_wfdb(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n# only a comment\n", "comments only"),
        ("h 12 500 5000\nh.dat 16 1000/mV\n", "announces 12 signals and describes 1"),
        ("h 1 500 5000\nwhat is this\n", "signal line"),
        (b"\x00\x01\x02\xff", "zero bytes"),
        ("h/2 1 500 100\na 50\nb 50\n", "segments"),
        ("h 0 500 5000\n", "no signals"),
    ],
)
def test_a_header_that_is_none_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_wfdb(write_header(tmp_path, text))


def test_a_missing_header_or_signal_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no header .*nothing\.hea"):
        read_header(tmp_path / "nothing")
    path = write(tmp_path)
    Path(f"{path}.dat").unlink()
    with pytest.raises(ValueError, match=r"r1\.dat"):
        read_wfdb(path)


@pytest.mark.real
def test_real_records_read_as_wfdb_reads_them(real_data: Path) -> None:
    headers = [
        *sorted((real_data / "ptb-xl" / "records100" / "00000").glob("*.hea"))[:20],
        *sorted((real_data / "ptb-xl" / "records500").rglob("*.hea"))[:5],
        *sorted((real_data / "ludb" / "data").glob("*.hea"))[:5],
    ]
    for header in headers:
        path = header.with_suffix("")
        ours, theirs = read_wfdb(path), wfdb.rdrecord(str(path))
        np.testing.assert_allclose(ours.signal, theirs.p_signal.T, atol=1e-6)
        assert ours.leads == LEADS and ours.sampling_rate == theirs.fs
