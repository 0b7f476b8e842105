"""A signal file that is not what its header says is refused before its samples are used."""

import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from vqecg.records.datasets.wfdb_reading import NotAsDescribedError, read_wfdb
from vqecg.records.leads import LEADS

DISAGREE = pytest.mark.bad_input("header and file disagree")
PLACE = pytest.mark.bad_input("signal file out of place")


def test_the_record_itself_is_read(raw) -> None:
    waveform = read_wfdb(raw.write())
    np.testing.assert_allclose(waveform.signal, raw.digital.T / 1000, atol=1e-6)
    assert (waveform.sampling_rate, waveform.leads) == (500.0, LEADS)


def eight_of_twelve(raw) -> None:
    raw.lines = ["r1 8 500 3000", *(raw.lines[1 + lead] for lead in (0, 1, 6, 7, 8, 9, 10, 11))]


def twelve_of_eight(raw) -> None:
    raw.data = raw.digital[:, :8].tobytes()


def two_files_of_one(raw) -> None:
    for lead in range(6, 12):
        raw.lines[1 + lead] = raw.lines[1 + lead].replace("r1.dat", "r2.dat")
    (raw.folder / "r2.dat").write_bytes(raw.data)


def swapped_lines(raw) -> None:
    raw.lines[1], raw.lines[7] = raw.lines[7], raw.lines[1]


def swapped_names(raw) -> None:
    first, other = raw.lines[1].split(), raw.lines[7].split()
    first[4:7], other[4:7] = other[4:7], first[4:7]
    raw.lines[1], raw.lines[7] = " ".join(first), " ".join(other)


def half_is_noise(raw) -> None:
    noise = np.random.default_rng(0).integers(-800, 800, raw.digital[1500:].shape)
    raw.data = np.concatenate([raw.digital[:1500], noise.astype("<i2")]).tobytes()


def one_bit(raw) -> None:
    raw.data = raw.data[:30001] + bytes([raw.data[30001] ^ 1]) + raw.data[30002:]


def big_endian(raw) -> None:
    raw.data = raw.digital.astype(">i2").tobytes()


def transposed(raw) -> None:
    raw.data = np.ascontiguousarray(raw.digital.T).tobytes()


def shifted(raw) -> None:
    raw.data = raw.data[24:] + raw.data[:24]


def zeros_at_the_end(raw) -> None:
    raw.data = raw.data[:-2400] + bytes(2400)


def wrong_first(raw) -> None:
    fields = raw.lines[5].split()
    raw.lines[5] = " ".join([*fields[:5], str(int(fields[5]) + 1), *fields[6:]])


def wrong_checksum(raw) -> None:
    fields = raw.lines[5].split()
    raw.lines[5] = " ".join([*fields[:6], str(int(fields[6]) + 1), *fields[7:]])


def zero_checksum_of_one(raw) -> None:
    fields = raw.lines[5].split()
    raw.lines[5] = " ".join([*fields[:6], "0", *fields[7:]])


WRONG = {
    "12 signals under a header of 8": eight_of_twelve,
    "8 signals under a header of 12": twelve_of_eight,
    "one file named as two": two_files_of_one,
    "a third of the length": lambda raw: raw.replace("500 3000", "100 1000"),
    "a sample too few in the header": lambda raw: raw.replace("500 3000", "500 2999"),
    "a sample too many in the header": lambda raw: raw.replace("500 3000", "500 3001"),
    "10^12 samples": lambda raw: raw.replace("500 3000", "500 1000000000000"),
    "10^25 samples": lambda raw: raw.replace("500 3000", "500 1" + "0" * 25),
    "a byte too many": lambda raw: setattr(raw, "data", raw.data + b"\0"),
    "a frame too many": lambda raw: setattr(raw, "data", raw.data + bytes(24)),
    "the file twice": lambda raw: setattr(raw, "data", raw.data * 2),
    "a byte too few": lambda raw: setattr(raw, "data", raw.data[:-1]),
    "half the file": lambda raw: setattr(raw, "data", raw.data[: len(raw.data) // 2]),
    "an empty file": lambda raw: setattr(raw, "data", b""),
    "a page of HTML": lambda raw: setattr(raw, "data", b"<html>404</html>"),
    "a Git LFS pointer": lambda raw: setattr(raw, "data", b"version https://git-lfs.github.com/spec/v1\n"),
    "compressed by gzip": lambda raw: setattr(raw, "data", gzip.compress(raw.data)),
    "a byte offset of none": lambda raw: raw.replace(" 16 1000", " 16+24 1000"),
    "a byte offset beyond the file": lambda raw: raw.replace(" 16 1000", " 16+999999999 1000"),
    "a preamble without offset": lambda raw: setattr(raw, "data", bytes(24) + raw.data),
    "a preamble of another length": lambda raw: (
        raw.replace(" 16 1000", " 16+24 1000"),
        setattr(raw, "data", bytes(25) + raw.data),
    ),
    "two samples a frame": lambda raw: raw.replace(" 16 1000", " 16x2 1000"),
    "10^9 samples a frame": lambda raw: raw.replace(" 16 1000", " 16x999999999 1000"),
    "format 212": lambda raw: raw.replace(" 16 1000", " 212 1000"),
    "format 32": lambda raw: raw.replace(" 16 1000", " 32 1000"),
    "format 8": lambda raw: raw.replace(" 16 1000", " 8 1000"),
    "format 160": lambda raw: raw.replace(" 16 1000", " 160 1000"),
    "format 61": lambda raw: raw.replace(" 16 1000", " 61 1000"),
    "format 516": lambda raw: raw.replace(" 16 1000", " 516 1000"),
    "lines swapped": swapped_lines,
    "values of two leads swapped": swapped_names,
    "half of it noise": half_is_noise,
    "one bit": one_bit,
    "big-endian samples": big_endian,
    "signal after signal": transposed,
    "a frame from the start at the end": shifted,
    "zeros at the end": zeros_at_the_end,
    "another first value": wrong_first,
    "another checksum": wrong_checksum,
    "one checksum of 0": zero_checksum_of_one,
    "no length, a byte too many": lambda raw: (
        raw.replace("500 3000", "500"),
        setattr(raw, "data", raw.data + b"\0"),
    ),
    "no length, no samples": lambda raw: (raw.replace("500 3000", "500 0"), setattr(raw, "data", b"")),
    "no length, other samples": lambda raw: (raw.replace("500 3000", "500"), half_is_noise(raw)),
    "no length, 8 of 12": lambda raw: (eight_of_twelve(raw), raw.replace("500 3000", "500 0")),
}


@pytest.mark.parametrize("fault", ["a page of HTML", "a Git LFS pointer", "compressed by gzip"])
@DISAGREE
def test_a_file_of_another_kind_is_named_as_such(raw, fault: str) -> None:
    WRONG[fault](raw)
    with pytest.raises(NotAsDescribedError, match=r"r1\.dat is no signal file, but .*(web page|LFS|gzip)"):
        read_wfdb(raw.write())


@pytest.mark.parametrize("fault", WRONG)
@DISAGREE
def test_a_file_that_is_not_what_its_header_says_is_refused(raw, fault: str) -> None:
    WRONG[fault](raw)
    path = raw.write()
    with pytest.raises(NotAsDescribedError, match=r"r[12]\.dat") as refusal:
        read_wfdb(path)
    copy = pickle.loads(pickle.dumps(refusal.value))  # as it goes from process to process
    assert type(copy) is NotAsDescribedError and str(copy) == str(refusal.value)


@pytest.mark.parametrize("fault", ["one bit", "lines swapped", "another first value", "another checksum"])
def test_checksums_can_be_ignored_and_sizes_cannot(raw, fault: str) -> None:
    WRONG[fault](raw)
    assert read_wfdb(raw.write(), ignore_checksums=True).signal.shape == (12, 3000)
    raw.data += b"\0"
    with pytest.raises(NotAsDescribedError, match="holds 72,001 bytes"):
        read_wfdb(raw.write(), ignore_checksums=True)


def as_signed(raw) -> None:
    for number, line in enumerate(raw.lines[1:], 1):
        fields = line.split()
        raw.lines[number] = " ".join([*fields[:6], str((int(fields[6]) + 32768) % 65536 - 32768), *fields[7:]])


def fields_only(raw, count: int) -> None:
    raw.lines[1:] = [" ".join(line.split()[:count]) for line in raw.lines[1:]]


def placeholders(raw, first: str | None) -> None:
    for number, line in enumerate(raw.lines[1:], 1):
        fields = line.split()
        raw.lines[number] = " ".join([*fields[:5], first or fields[5], "0", *fields[7:]])


RIGHT = {
    "checksums from -32768": as_signed,
    "no first value": lambda raw: fields_only(raw, 5),
    "no checksum": lambda raw: fields_only(raw, 6),
    "gain only": lambda raw: fields_only(raw, 3),
    "all checksums 0": lambda raw: placeholders(raw, None),
    "all first values and checksums 0": lambda raw: placeholders(raw, "0"),
    "length 0": lambda raw: raw.replace("500 3000", "500 0"),
    "no length": lambda raw: raw.replace("500 3000", "500"),
    "a counter": lambda raw: raw.replace("500 3000", "500/360(12.5) 3000 12:00:00 01/02/1999"),
    "zero as 0.0": lambda raw: raw.replace("/mV 16 0 ", "/mV 16 0.0 "),
    "tabs": lambda raw: raw.replace(" ", "\t"),
    "one sample a frame": lambda raw: raw.replace(" 16 1000", " 16x1 1000"),
}


@pytest.mark.parametrize("oddity", RIGHT)
@pytest.mark.bad_input("header with fields left out or written oddly")
def test_a_header_that_says_less_is_read_as_the_format_has_it(raw, oddity: str) -> None:
    RIGHT[oddity](raw)
    waveform = read_wfdb(raw.write())
    np.testing.assert_allclose(waveform.signal, raw.digital.T / 1000, atol=1e-6)
    assert waveform.sampling_rate == 500.0


def elsewhere(raw, name: str) -> None:
    raw.write()
    raw.lines = [line.replace("r1.dat", name) for line in raw.lines]


def in_place_of_the_file(raw, make) -> None:
    raw.write()
    (raw.folder / "r1.dat").unlink()
    make(raw.folder / "r1.dat")


PLACES = {
    "absolute": (lambda raw: elsewhere(raw, str(raw.folder / "r1.dat")), "in the folder of the header"),
    "in a folder above": (lambda raw: elsewhere(raw, "../r1.dat"), "in the folder of the header"),
    "above by a detour": (lambda raw: elsewhere(raw, "a/../../r1.dat"), "in the folder of the header"),
    "on a drive": (lambda raw: elsewhere(raw, "C:\\r1.dat"), "in the folder of the header"),
    "above, with backslashes": (lambda raw: elsewhere(raw, "..\\r1.dat"), "in the folder of the header"),
    "a device": (lambda raw: elsewhere(raw, "/dev/zero"), "in the folder of the header"),
    "a link to a device": (
        lambda raw: in_place_of_the_file(raw, lambda file: file.symlink_to("/dev/zero")),
        "is a device",
    ),
    "a pipe": (lambda raw: in_place_of_the_file(raw, os.mkfifo), "is a pipe"),
    "a folder": (lambda raw: in_place_of_the_file(raw, Path.mkdir), "is a folder"),
    "nothing": (lambda raw: in_place_of_the_file(raw, lambda file: None), "is not there"),
    "a link to nothing": (lambda raw: in_place_of_the_file(raw, lambda file: file.symlink_to("no")), "is not there"),
    "a link to itself": (lambda raw: in_place_of_the_file(raw, lambda file: file.symlink_to(file)), "looked up"),
    "standard input": (lambda raw: elsewhere(raw, "-"), "is not there"),
    "a null signal": (lambda raw: (elsewhere(raw, "~"), raw.replace(" 16 1000", " 0 1000")), "format 0"),
    "a name too long": (lambda raw: elsewhere(raw, "n" * 300), "looked up"),
    "in a file": (lambda raw: elsewhere(raw, "r1.hea/r1.dat"), "looked up"),
    "a file of 10 GB": (
        lambda raw: in_place_of_the_file(raw, lambda file: (file.touch(), os.truncate(file, 10**10))),
        "holds 10,000,000,000 bytes",
    ),
    "a file of 10 GB under a header that says so": (
        lambda raw: (
            raw.replace("500 3000", f"500 {10**10 // 24}"),
            in_place_of_the_file(raw, lambda file: (file.touch(), os.truncate(file, 10**10 // 24 * 24))),
        ),
        "expected one short ECG",
    ),
}


@PLACE
@pytest.mark.parametrize("place", PLACES)
def test_a_file_out_of_place_is_refused_before_it_is_read(raw, place: str) -> None:
    change, message = PLACES[place]
    change(raw)
    (raw.folder / "r1.hea").write_text("\n".join(raw.lines) + "\n")
    with pytest.raises(ValueError, match=message):
        read_wfdb(raw.path)


@pytest.mark.parametrize("place", ["below", "linked"])
def test_a_file_in_a_folder_below_or_behind_a_link_is_read(raw, place: str) -> None:
    raw.write()
    (raw.folder / "below").mkdir()
    (raw.folder / "r1.dat").rename(raw.folder / "below" / "r1.dat")
    if place == "below":
        raw.replace("r1.dat", "below/r1.dat")
        (raw.folder / "r1.hea").write_text("\n".join(raw.lines) + "\n")
    else:
        (raw.folder / "r1.dat").symlink_to("below/r1.dat")
    assert read_wfdb(raw.path).signal.shape == (12, 3000)
