"""The reader of LUDB: marks of every lead, with the oddities that the published files have."""

import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wfdb

from vqecg.records.datasets.ludb import UNKNOWN_WAVE, read_ludb
from vqecg.records.export.wfdb_writing import write_record
from vqecg.records.leads import LEADS
from vqecg.records.simulation.marks import simulated_marks
from vqecg.records.simulation.simulator import simulate_record

PLAIN = list(zip((2000, 2020, 2040, 2080, 2100, 2130, 2200, 2260, 2310), "(p)(N)(t)", strict=True))


def write_ludb(folder: Path, marks: list[tuple[int, str]], name: str = "1") -> Path:
    """A record of 10 s whose leads all have these marks, written by wfdb."""
    folder.mkdir(exist_ok=True, parents=True)
    signal = simulate_record(["NORM"], np.random.default_rng(0)).record.signal
    comments = ["<age>: 51", "<sex>: F", "<diagnoses>:", "Rhythm: Sinus bradycardia."]
    write_record(folder, name, signal, 500, comments=comments)
    wfdb.wrann(name, "x", np.array([at for at, _ in marks]), [kind for _, kind in marks], write_dir=str(folder))
    written = (folder / f"{name}.x").read_bytes()  # wfdb allows no digit in the ending, as LUDB's v1 has
    for lead in LEADS:
        (folder / f"{name}.{lead.lower()}").write_bytes(written)
    return folder


def test_marks_become_waves_of_every_lead(tmp_path: Path):
    (record,) = read_ludb(write_ludb(tmp_path / "data", PLAIN).parent)
    assert record.record.signal.shape == (12, 5000) and record.record.leads == LEADS
    assert (record.record.age, record.record.sex) == (51, "female")
    assert "Rhythm: Sinus bradycardia" in record.diagnoses
    waves = record.waves[record.waves["lead"] == "aVF"]
    assert waves["wave"].tolist() == ["P", "QRS", "T"]
    assert waves[["onset", "peak", "offset"]].to_numpy().tolist() == [
        [2000, 2020, 2040],
        [2080, 2100, 2130],
        [2200, 2260, 2310],
    ]
    assert record.labelled_stretch("aVF") == (2000, 2310)
    assert len(record.waves) == 36


@pytest.mark.parametrize(
    ("marks", "wave"),
    [
        ([(710, "N"), (784, ")")], ("QRS", np.nan, 710, 784)),
        ([(967, "N"), (968, "("), (996, ")")], ("QRS", 968, 967, 996)),
        ([(710, "("), (724, "N")], ("QRS", 710, 724, np.nan)),
        ([(10, "("), (12, "("), (40, "t"), (42, "t"), (60, ")"), (66, ")")], ("T", 10, 41, 66)),
        ([(1066, "("), (1138, ")")], (UNKNOWN_WAVE, 1066, np.nan, 1138)),
    ],
)
def test_waves_marked_in_part_or_twice_are_one_wave(tmp_path: Path, marks: list[tuple[int, str]], wave: tuple):
    (record,) = read_ludb(write_ludb(tmp_path, marks))
    found = record.waves[record.waves["lead"] == "V1"]
    assert len(found) == 1 and found["wave"].iloc[0] == wave[0]
    np.testing.assert_array_equal(found[["onset", "peak", "offset"]].to_numpy()[0], wave[1:])


def test_a_lead_without_marks_has_no_labelled_stretch(tmp_path: Path):
    folder = write_ludb(tmp_path, PLAIN)
    (folder / "1.v2").write_bytes(b"\0\0")
    (record,) = read_ludb(folder)
    assert record.labelled_stretch("V2") == (0, -1)


def test_damaged_and_missing_files_are_named(tmp_path: Path):
    with pytest.raises(ValueError, match="no record of LUDB"):
        read_ludb(tmp_path)
    folder = write_ludb(tmp_path, PLAIN)
    whole = (folder / "1.v2").read_bytes()
    for damage, told in ((whole[:5], "cut off"), (whole[:6], "cut off"), (b"\x01\x50\0\0", "code 20")):
        (folder / "1.v2").write_bytes(damage)
        with pytest.raises(ValueError, match=rf"1\.v2.*{told}"):
            read_ludb(folder)
    (folder / "1.v2").unlink()
    with pytest.raises(ValueError, match=r"1\.v2 is missing"):
        read_ludb(folder)
    write_ludb(tmp_path, [(4999, "("), (5600, "N")])
    with pytest.raises(ValueError, match="of another record"):
        read_ludb(folder)


@pytest.mark.bad_input("odd item in a data set")
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "1.ii").unlink(), r"1\.ii is missing"),
        (lambda folder: (folder / "1.hea").write_text(""), r"1\.hea"),
        (lambda folder: (folder / "1.dat").unlink(), r"1\.dat"),
        (lambda folder: (folder / "1.dat").write_bytes(b"\0\0"), r"1\.dat|1\.hea"),
        (lambda folder: (folder / "1.v1").write_bytes(b""), r"1\.v1 is cut off"),
        (lambda folder: (folder / "1.v1").write_bytes(b"\0" * (2 << 20)), r"1\.v1 has 2,097,152 bytes"),
        (lambda folder: [(folder / "1.v1").unlink(), os.mkfifo(folder / "1.v1")], r"1\.v1 is missing or no file"),
        (lambda folder: shutil.copytree(folder, folder / "copy"), "1 is in two folders"),
    ],
)
def test_what_is_damaged_is_named(tmp_path: Path, damage: Callable[[Path], object], message: str):
    write_ludb(tmp_path, PLAIN)
    damage(tmp_path)
    with pytest.raises(ValueError, match=message):
        read_ludb(tmp_path)


@pytest.mark.bad_input("files that are no part of a data set")
def test_other_files_in_the_folder_are_no_trouble(tmp_path: Path):
    write_ludb(tmp_path / "data", PLAIN)
    (tmp_path / "data" / "._1.hea").write_bytes(b"\0\5\x16\7")
    (tmp_path / "other.hea").write_text("no header")  # no annotations beside it
    assert len(read_ludb(tmp_path)) == 1


@pytest.mark.bad_input("an age or sex that cannot be")
@pytest.mark.parametrize(
    ("written", "read"), [("51", 51), ("<51>", 51), ("999", math.nan), ("60Y", 60), ("", math.nan)]
)
def test_an_odd_age_costs_the_value_alone(tmp_path: Path, written: str, read: float):
    write_ludb(tmp_path, PLAIN)
    header = (tmp_path / "1.hea").read_text()
    assert "<age>: 51" in header
    (tmp_path / "1.hea").write_text(header.replace("<age>: 51", f"<age>: {written}"))
    (record,) = read_ludb(tmp_path)
    np.testing.assert_equal(record.record.age, read)


def test_a_simulated_record_is_marked_where_its_truth_is():
    simulated = simulate_record(["NORM", "SR"], np.random.default_rng(1))
    record = simulated_marks(simulated)
    qrs = record.waves[(record.waves["lead"] == "II") & (record.waves["wave"] == "QRS")]
    assert abs(len(qrs) - len(simulated.beats)) <= 1
    assert set(np.round(qrs["onset"] / 500, 6)) <= set(np.round(simulated.beats["qrs_onset"], 6))


@pytest.mark.slow
@pytest.mark.real
def test_real_ludb_has_as_many_waves_as_its_paper_counts(real_data: Path):
    records = read_ludb(real_data / "ludb")
    assert len(records) == 200
    counts = {name: sum(int((record.waves["wave"] == name).sum()) for record in records) for name in ("P", "QRS", "T")}
    assert abs(counts["QRS"] - 21966) < 10 and abs(counts["P"] - 16797) < 10 and abs(counts["T"] - 19666) < 20
