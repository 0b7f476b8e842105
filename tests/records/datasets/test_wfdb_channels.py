"""The channels of a record that are read: voltages at the leads' rate, from the files that hold leads."""

import os
from pathlib import Path

import numpy as np
import pytest

from vqecg.records.datasets.wfdb_reading import NotAsDescribedError, read_wfdb
from vqecg.records.leads import LEADS
from vqecg.records.record import ECGRecord
from vqecg.records.store.quality import examine
from vqecg.records.store.signal_spec import SignalSpec

FRAMES = pytest.mark.bad_input("several samples in a frame")
OTHERS = pytest.mark.bad_input("channels that are no leads")
FILES = pytest.mark.bad_input("signals in several files")


def with_channel(raw, unit: str, name: str, values: np.ndarray | None = None) -> None:
    """Adds a channel behind the twelve leads."""
    extra = np.full(len(raw.digital), 97) if values is None else values
    raw.data = np.column_stack([raw.digital, extra]).astype("<i2").tobytes()
    line = raw.signal_line(0, extra, gain=f"10(0){unit}")
    raw.lines = [raw.lines[0].replace(" 12 ", " 13 "), *raw.lines[1:], line.rsplit(" ", 1)[0] + f" {name}"]


@OTHERS
@pytest.mark.parametrize(
    ("unit", "name"),
    [
        ("/NU", "PLETH"), ("/pm", "RESP"), ("/%", "SpO2"), ("/mmHg", "ABP"), ("/bpm", "HR"), ("/degC", "T"),
        ("/Ohm", "RESP"), ("/l", "Airflow"), ("/mV²", "power"), ("/adu", "V7"), ("/mv/s", "slope"), ("/?", ""),
    ],
)  # fmt: skip
def test_a_channel_in_another_unit_beside_the_leads_is_left_out(raw, unit: str, name: str) -> None:
    with_channel(raw, unit, name)
    waveform = read_wfdb(raw.write())
    assert waveform.leads == LEADS
    np.testing.assert_allclose(waveform.signal, raw.digital.T / 1000, atol=1e-6)
    record = ECGRecord(waveform.signal, waveform.sampling_rate, waveform.leads, "r1")
    assert examine(record, SignalSpec(100, 5.0)).signal is not None


@OTHERS
@pytest.mark.parametrize(("unit", "name"), [("/mV", "V7"), ("/uV", "vx"), ("", "RESP"), ("/", "RESP"), ("/mV", "")])
def test_a_voltage_beside_the_leads_is_read_too(raw, unit: str, name: str) -> None:
    with_channel(raw, unit, name)
    assert read_wfdb(raw.write()).leads == (*LEADS, name)


@OTHERS
@pytest.mark.parametrize("unit", ["NU", "mmHg", "%", "mW", "0.1mV", "m", "millivolts?", "adu", "1"])
@pytest.mark.parametrize("lead", ["V3", "aVR"])
def test_a_lead_in_a_unit_that_is_no_voltage_is_refused(raw, unit: str, lead: str) -> None:
    place = 1 + LEADS.index(lead)
    raw.lines[place] = raw.lines[place].replace("/mV", f"/{unit}")
    with pytest.raises(ValueError, match=rf"r1\.hea: lead {lead} in .*expected a unit of voltage"):
        read_wfdb(raw.write())


@OTHERS
def test_a_record_without_any_voltage_is_refused(raw) -> None:
    raw.lines = [line.replace("/mV", "/NU").replace(" 0 V", " 0 P").replace(" 0 I", " 0 P") for line in raw.lines]
    raw.replace(" 0 a", " 0 p")
    with pytest.raises(ValueError, match=r"r1\.hea: no signal in a unit of voltage .*NU"):
        read_wfdb(raw.write())


@OTHERS
@pytest.mark.parametrize("twice", ["II", "MLII", "lead ii"])
def test_a_lead_that_is_there_twice_is_refused_by_the_gate(raw, twice: str) -> None:
    with_channel(raw, "/mV", twice, raw.digital[:, 2])
    waveform = read_wfdb(raw.write())
    examined = examine(ECGRecord(waveform.signal, waveform.sampling_rate, waveform.leads, "r1"), SignalSpec(100, 5.0))
    assert examined.signal is None and "lead II appears twice" in examined.detail


@OTHERS
def test_a_damaged_channel_tells_that_the_file_is_another(raw) -> None:
    with_channel(raw, "/NU", "PLETH")
    raw.lines[13] = raw.lines[13].replace(" 97 ", " 96 ")
    with pytest.raises(NotAsDescribedError, match="'PLETH' begins with 97, not 96"):
        read_wfdb(raw.write())


def framed(raw, per_frame: list[int], storage_format: str = "16") -> None:
    """The leads with so many samples of each in a frame; those with fewer are the first samples of the others' rate."""
    rate, frames = max(per_frame), len(raw.digital) // max(per_frame)
    signals = [raw.digital[: frames * count, lead] for lead, count in enumerate(per_frame)]
    table = np.concatenate([row.reshape(frames, -1) for row in signals], axis=1)
    raw.data = table.astype("<i2").tobytes()
    lines = [raw.signal_line(lead, row, f"16x{per_frame[lead]}") for lead, row in enumerate(signals)]
    raw.lines = [f"r1 12 {500 / rate} {frames}", *lines]


@FRAMES
@pytest.mark.parametrize("per_frame", [1, 2, 5, 10, 20, 50, 500, 3000])
@pytest.mark.parametrize("length", [True, False])
def test_samples_of_a_frame_are_read_at_their_own_rate(raw, per_frame: int, length: bool) -> None:
    framed(raw, [per_frame] * 12)
    if not length:
        raw.replace(raw.lines[0], " ".join(raw.lines[0].split()[:3]))
    waveform = read_wfdb(raw.write())
    assert waveform.sampling_rate == pytest.approx(500)
    np.testing.assert_allclose(waveform.signal, raw.digital.T / 1000, atol=1e-6)


@FRAMES
@pytest.mark.parametrize("slow", [0, 4, 11])
def test_leads_of_different_rates_are_refused(raw, slow: int) -> None:
    framed(raw, [2 if lead == slow else 4 for lead in range(12)])
    with pytest.raises(ValueError, match=rf"r1\.hea: leads of several sampling rates .*'{LEADS[slow]}' 2"):
        read_wfdb(raw.write())


@FRAMES
@pytest.mark.parametrize("unit", ["mV", "NU"])
def test_another_channel_of_another_rate_is_left_out(raw, unit: str) -> None:
    framed(raw, [4] * 11 + [1])
    raw.lines[12] = raw.lines[12].replace(" 0 V6", " 0 RESP").replace("/mV", f"/{unit}")
    waveform = read_wfdb(raw.write())
    assert waveform.leads == LEADS[:11] and waveform.sampling_rate == 500
    np.testing.assert_allclose(waveform.signal, raw.digital.T[:11] / 1000, atol=1e-6)


@FRAMES
@pytest.mark.parametrize("skew", [1, 7, 2999])
@pytest.mark.parametrize("leads", [(0,), (0, 3, 11), tuple(range(12))])
def test_a_skewed_signal_is_moved_to_its_place(raw, skew: int, leads: tuple[int, ...]) -> None:
    for lead in leads:
        raw.lines[1 + lead] = raw.lines[1 + lead].replace("dat 16 ", f"dat 16:{skew} ")
    signal, true = read_wfdb(raw.write()).signal, raw.digital.T / 1000
    for lead in range(12):
        shift = skew if lead in leads else 0
        np.testing.assert_allclose(signal[lead], true[lead, shift : shift + 3000 - skew], atol=1e-6)


@FRAMES
@pytest.mark.parametrize("skew", [3000, 10**8])
def test_a_skew_as_long_as_the_record_is_refused(raw, skew: int) -> None:
    raw.lines[3] = raw.lines[3].replace("dat 16 ", f"dat 16:{skew} ")
    with pytest.raises(ValueError, match=r"r1\.hea: a skew of"):
        read_wfdb(raw.write())


def in_files(raw, files: list[tuple[str, str, slice]]) -> None:
    """The leads in several files: name, numpy type and leads of each."""
    raw.write()
    (raw.folder / "r1.dat").unlink()
    shapes = {"<i2": "16", "<i4": "32", ">i2": "61"}
    for name, kind, leads in files:
        raw.digital[:, leads].astype(kind).tofile(raw.folder / name)
        lines = range(12)[leads]
        for lead in lines:
            raw.lines[1 + lead] = raw.lines[1 + lead].replace("r1.dat 16", f"{name} {shapes[kind]}")
    (raw.folder / "r1.hea").write_text("\n".join(raw.lines) + "\n")


@FILES
@pytest.mark.parametrize(
    "files",
    [
        [("a.dat", "<i2", slice(0, 6)), ("b.dat", "<i2", slice(6, 12))],
        [("a.dat", "<i2", slice(0, 1)), ("b.dat", "<i4", slice(1, 12))],
        [(f"{lead}.dat", (">i2", "<i4", "<i2")[lead % 3], slice(lead, lead + 1)) for lead in range(12)],
    ],
)
@pytest.mark.parametrize("length", [True, False])
def test_leads_in_several_files_and_formats_are_read(raw, files, length: bool) -> None:
    if not length:
        raw.replace("500 3000", "500")
    in_files(raw, files)
    np.testing.assert_allclose(read_wfdb(raw.path).signal, raw.digital.T / 1000, atol=1e-6)


HALVES = [("a.dat", "<i2", slice(0, 6)), ("b.dat", "<i2", slice(6, 12))]


@FILES
@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("fault", ["missing", "shorter", "longer", "empty", "swapped"])
def test_one_wrong_file_among_several_is_refused(raw, fault: str, length: bool) -> None:
    if not length:
        raw.replace("500 3000", "500")
    in_files(raw, HALVES)
    file = raw.folder / "b.dat"
    whole = file.read_bytes()
    if fault == "missing":
        file.unlink()
    elif fault == "swapped":
        file.write_bytes((raw.folder / "a.dat").read_bytes())
    else:
        file.write_bytes({"shorter": whole[:-12], "longer": whole + whole[:12], "empty": b""}[fault])
    with pytest.raises(ValueError, match=r"b\.dat"):
        read_wfdb(raw.path)


@FILES
def test_equal_damage_to_all_files_of_unknown_length_shows_in_the_checksums(raw) -> None:
    raw.replace("500 3000", "500 0")
    in_files(raw, HALVES)
    for name in ("a.dat", "b.dat"):
        (raw.folder / name).write_bytes((raw.folder / name).read_bytes()[:-12])
    with pytest.raises(NotAsDescribedError, match="checksum"):
        read_wfdb(raw.path)


@FILES
def test_files_of_different_lengths_are_refused_where_nothing_else_tells(raw) -> None:
    raw.replace("500 3000", "500")
    raw.lines[1:] = [" ".join([*line.split()[:5], "0", "0", "0", line.split()[8]]) for line in raw.lines[1:]]
    in_files(raw, HALVES)
    (raw.folder / "b.dat").write_bytes((raw.folder / "b.dat").read_bytes()[:-12])
    with pytest.raises(NotAsDescribedError, match=r"a\.dat 3,000, b\.dat 2,999 samples"):
        read_wfdb(raw.path)


@FILES
@pytest.mark.parametrize("unit", ["NU", "mV"])
@pytest.mark.parametrize("there", ["missing", "empty", "pipe", "outside"])
def test_a_file_without_leads_is_left_alone(raw, unit: str, there: str) -> None:
    name = "../p.dat" if there == "outside" else "p.dat"
    raw.lines = ["r1 13 500 3000", *raw.lines[1:], f"{name} 16 10(0)/{unit} 16 0 1 2 0 PLETH"]
    if there == "empty":
        (raw.folder / "p.dat").touch()
    elif there == "pipe":
        os.mkfifo(raw.folder / "p.dat")
    assert read_wfdb(raw.write()).leads == LEADS


@FILES
@pytest.mark.parametrize("way", ["formats", "offsets", "apart"])
def test_a_file_that_is_described_in_two_ways_is_refused(raw, way: str) -> None:
    if way == "apart":
        raw.lines[6] = raw.lines[6].replace("r1.dat", "r2.dat")
        (raw.folder / "r2.dat").write_bytes(bytes(6000))
    else:
        raw.lines[6] = raw.lines[6].replace("dat 16 ", "dat 212 " if way == "formats" else "dat 16+2 ")
    with pytest.raises(ValueError, match=r"r1\.hea describes r1\.dat in two ways"):
        read_wfdb(raw.write())


def test_channels_without_names_are_read_where_there_are_no_leads(tmp_path: Path) -> None:
    (tmp_path / "h.hea").write_text("h 3\nh.dat 16\nh.dat 16\nh.dat 16 1/NU\n")
    np.arange(9, dtype="<i2").tofile(tmp_path / "h.dat")
    np.testing.assert_allclose(read_wfdb(tmp_path / "h").signal * 200, [[0, 3, 6], [1, 4, 7]])
