"""Headers that cannot be are refused by name, odd ones are read as they are meant."""

import os
from pathlib import Path

import numpy as np
import pytest

from vqecg.records.datasets.wfdb_reading import read_header, read_wfdb
from vqecg.records.leads import LEADS

NUMBERS = pytest.mark.bad_input("a number in a header that cannot be")
CONTENT = pytest.mark.bad_input("a header that is none")
TEXT = pytest.mark.bad_input("odd text or file name of a header")


@NUMBERS
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        *[
            (" 500 3000", f" {rate} 3000", "sampling rate")
            for rate in ("0", "-500", "0.0", "nan", "inf", "-inf", "1e400", "1e9", "abc", "5_00", "500,0", "/500", "٥")
        ],
        *[
            (" 500 3000", f" 500 {length}", "number of samples")
            for length in ("-3000", "3e3", "3000.5", "nan", "inf", "many", "9" * 5000)
        ],
        *[
            ("r1 12 ", f"r1 {signals} ", message)
            for signals, message in (
                ("0", "no signals"), ("-12", "number of signals"), ("12.5", "number of signals"),
                ("twelve", "number of signals"), ("8", "announces 8 signals and describes 12"), ("13", "announces 13"),
                ("1000000000", "announces 1,000,000,000"),
            )
        ],
        *[
            ("1000(0)/mV", f"{gain}(0)/mV", "gain")
            for gain in ("nan", "inf", "-inf", "1e-300", "1e300", "1e400", "abc", "--5", "1,000", "1000e")
        ],
        *[
            ("1000(0)/mV", f"1000({baseline})/mV", "baseline")
            for baseline in ("1e3", "nan", "", "1.5", "3000000000", "9" * 31, "-")
        ],
        ("1000(0)/mV", "1000(0/mV", "gain"),
        ("1000(0)/mV", "1000 (0)/mV", "resolution"),
        *[
            (" 16 1000", f" {shape} 1000", "signal line")
            for shape in ("x16", "16:-3", "16+-24", "1e2", "16x", "-16", "16+24x2")
        ],
        (" 16 1000", " 16x0 1000", "samples per frame"),
        (" 16 1000", " 17 1000", "format 17"),
        (" 16 1000", " 999999999 1000", "format 999999999"),
        ("/mV 16 0 ", "/mV 16 0.5 ", "zero"),
        ("/mV 16 0 ", "/mV 16 9999999999 ", "zero"),
        ("/mV 16 0 ", "/mV sixteen 0 ", "resolution"),
        ("/mV 16 0 ", "/mV 16 0 1e5 ", "first value"),
        ("/mV 16 0 ", "/mV 16 0 9999999999 ", "first value"),
        ("/mV 16 0 ", "/mV 16 0 0 nan ", "checksum"),
        (" 0 V6", " V6", "block size"),
    ],
)  # fmt: skip
def test_a_number_that_cannot_be_is_named(raw, old: str, new: str, message: str) -> None:
    raw.replace(old, new)
    with pytest.raises(ValueError, match=rf"r1\.(hea|dat).*{message}"):
        read_wfdb(raw.write())


@NUMBERS
@pytest.mark.parametrize(
    ("old", "new", "factor", "zero"),
    [
        ("1000(0)/mV", "1000(0)", 1, 0),
        ("1000(0)/mV", "1000/mV", 1, 0),
        ("1000(0)/mV", "1e3(0)/mV", 1, 0),
        ("1000(0)/mV", "1000.(0.0)/mV", 1, 0),
        ("1000(0)/mV", "0(0)/mV", 5, 0),  # not calibrated: 200 units per mV by the format
        ("1000(0)/mV", "-1000(0)/mV", -1, 0),
        ("1000(0)/mV", "1000(-5)/mV", 1, -5),
        ("1000(0)/mV", "1000(40000)/mV", 1, 40000),
        ("1000(0)/mV", "1000(2000000000)/mV", 1, 2_000_000_000),
        ("1000(0)/mV 16 0", "1000/mV 16 7", 1, 7),
        ("1000(0)/mV", "1(0)/uV", 1, 0),
        ("1000(0)/mV", "1e6(0)/V", 1, 0),
    ],
)
def test_gains_and_baselines_are_read_as_they_are_meant(raw, old, new, factor, zero) -> None:
    raw.replace(old, new)
    expected = (raw.digital.T.astype(float) - zero) / 1000 * factor
    np.testing.assert_allclose(read_wfdb(raw.write()).signal, expected, rtol=1e-6, atol=1e-6)


def with_content(raw, content: bytes) -> Path:
    raw.write()
    Path(f"{raw.path}.hea").write_bytes(content)
    return raw.path


@CONTENT
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \r\n\t\n", "is empty"),
        (b"# a comment\n#another\n", "comments only"),
        (b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X", "AppleDouble"),
        (b"\x00" * 200, "zero bytes"),
        (b"r1 12 500 3000\n\x00\x00", "zero bytes"),
        (b"<!DOCTYPE html>\n<html>404</html>\n", "no WFDB header, but a web page"),
        (b"\n<HTML>403", "no WFDB header, but a web page"),
        (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "no WFDB header, but a web page or XML"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", r"Git LFS pointer, .*git lfs pull"),
        (b"\x1f\x8b\x08\x00abc", "compressed by gzip: unpack it"),
        (b"0       X X X X 02-MAY-1951" + b" " * 229, "an EDF file, not WFDB"),
        (b"\x89PNG\r\n\x1a\n", "no WFDB record line"),
        (b"PK\x03\x04", "no WFDB record line"),
        (b"r1\n", "no WFDB record line"),
        (b"r1 12\n", "announces 12 signals and describes 0"),
        (b"r1 12 500 3000\nr1.dat 16 1000(0)/mV 16 0\n", "announces 12 signals and describes 1"),
        (b"r1 1 500 3000\nr1.dat\n", "no WFDB signal line"),
        (b"r1 1 500 3000\nmy file.dat 16\n", "no WFDB signal line"),
        (b"r1/2 12 500 6000\nr1a 3000\nr1b 3000\n", "2 segments"),
        (b"r1/0 12 500 6000\n", "number of segments"),
        ("r1 12 500 3000\n".encode("utf-16-le"), "zero bytes"),
        ("r1 12 500 3000\n".encode("utf-16")[:-1], "UTF-16"),
        (b"x" * 1_000_001, "at most 1,000,000"),
        (b"r1 1 500 3000\n\x1b[2Jr1.dat 16\n", "can be printed"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)
def test_a_header_that_is_none_is_named(raw, content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=rf"r1\.hea.*{message}"):
        read_wfdb(with_content(raw, content))


@CONTENT
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Path.mkdir, "is a folder"),
        (os.mkfifo, "is a pipe"),
        (lambda file: file.symlink_to("/dev/zero"), "is a device"),
        (lambda file: file.symlink_to(file), "looked up"),
        (lambda file: None, "no header"),
        (lambda file: (file.touch(), os.truncate(file, 10**10)), "10,000,000,000 bytes"),
    ],
)
def test_a_header_that_is_no_file_is_refused_before_it_is_opened(tmp_path: Path, make, message: str) -> None:
    make(tmp_path / "r1.hea")
    with pytest.raises(ValueError, match=rf"{message}|r1\.hea.*{message}"):
        read_header(tmp_path / "r1")


@CONTENT
@pytest.mark.parametrize("line", ["r1.dat 16 1/mV", "r{}.dat 16 1/mV", "r1.dat 16 1/mV 16 0 0 0 0 I", "r1.dat 16 1/NU"])
def test_a_header_of_very_many_signals_is_refused_soon(raw, line: str) -> None:
    count = 300_000 // (len(line) + 5)
    lines = [f"r1 {count} 500 3000", *(line.format(number) for number in range(count))]
    with pytest.raises(ValueError, match=r"r1\.(hea|dat)|r0\.dat"):
        read_wfdb(with_content(raw, "\n".join(lines).encode()))


@CONTENT
@pytest.mark.parametrize("name", ["a\0b", "n" * 300, "no/such/folder/r1"])
def test_a_path_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"looked up|no header"):
        read_wfdb(tmp_path / name)


@CONTENT
@pytest.mark.parametrize("missing", [3, 4, 8, 13, 20, 25, 30, 33, 40, 41, 80, 200, 400])
def test_a_header_that_is_cut_off_is_refused_or_lacks_its_last_lead(raw, missing: int) -> None:
    path = with_content(raw, ("\n".join(raw.lines) + "\n").encode()[:-missing])
    try:
        leads = read_wfdb(path).leads
    except ValueError as error:
        assert "r1.hea" in str(error) or "r1.dat" in str(error)
    else:
        assert leads[:11] == LEADS[:11] and "V6" not in leads


@TEXT
@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace("\n", "\n\n").encode(),
        lambda text: ("# before\n" + text.replace("II\n", "II\n# between\n") + "# \x85 \x0b after").encode("latin-1"),
        lambda text: text.replace("/mV", "/µV").replace("1000(0)", "1(0)").encode("latin-1"),
        lambda text: text.replace("/mV", "/µV").replace("1000(0)", "1(0)").encode("utf-8"),
        lambda text: ("  " + text.replace(" ", "   ") + "\x1a").encode(),
        lambda text: text.replace(" 0 V1", " 0 lead V1").encode(),
        lambda text: text.replace("r1 12", "another.name 12").encode(),
        lambda text: text.replace("r1 12", "folder/another 12").encode(),
        lambda text: text.replace("r1 12", "é~ü-1.mat 12").encode(),
    ],
)
def test_a_header_in_odd_text_is_read(raw, change) -> None:
    waveform = read_wfdb(with_content(raw, change("\n".join(raw.lines) + "\n")))
    np.testing.assert_allclose(waveform.signal, raw.digital.T / 1000, atol=1e-6)
    assert waveform.leads[6] == "V1"


@TEXT
@pytest.mark.parametrize("name", ["r.v1.2", "Müller-1", "my record (2)", "~r1", "记录", "r1.hea", "-", "r'1\"", "100%"])
def test_a_record_of_any_name_is_read(raw, name: str) -> None:
    raw.replace("r1", name)
    raw.name = name
    np.testing.assert_allclose(read_wfdb(raw.write()).signal, raw.digital.T / 1000, atol=1e-6)
