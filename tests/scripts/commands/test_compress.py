"""`vqecg compress` and `vqecg decompress` end to end on simulated recordings."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from vqecg.records.datasets.wfdb_reading import read_wfdb
from vqecg.records.export.record_folder import file_name
from vqecg.records.export.wfdb_writing import write_record
from vqecg.records.leads import independent_leads, twelve_leads
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main
from vqecg.tokenizer.metrics import prd
from vqecg.tokenizer.modeling import ECGTokenizer


@pytest.fixture(scope="module")
def tokenizer_folder(tiny_tokenizer: ECGTokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compress") / "tokenizer"
    tiny_tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def recordings(simulated_store: RecordStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of WFDB records of 25 s, 10 s and 4 s, with labels."""
    folder = tmp_path_factory.mktemp("recordings")
    signals = simulated_store.signals(np.arange(5))
    parts = {"long": np.concatenate([*signals[:2], signals[2, :, :500]], axis=1), "usual": signals[3]}
    parts["short"] = signals[4, :, :400]
    for name, signal in parts.items():
        write_record(folder, name, twelve_leads(signal.astype(np.float64)), 100)
    rows = "".join(f"{name},NORM\n" for name in parts)
    (folder / "labels.csv").write_text("record_id,labels\n" + rows)
    return folder


def command(name: str, tokenizer: Path, out: Path, *more: str) -> list[str]:
    return [name, "--tokenizer", str(tokenizer), "--out", str(out), *more]


def test_recordings_of_any_length_go_to_an_archive_and_back(
    recordings: Path, tokenizer_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    archive, again = tmp_path / "ecgs.vqe", tmp_path / "again"
    assert (
        main(command("compress", tokenizer_folder, archive, "--data", str(recordings), "--compression.error", "5")) == 0
    )
    said = capsys.readouterr().out
    assert f"3 recordings in {archive.stat().st_size:,} bytes" in said and "microvolt RMS (median" in said
    size = sum(path.stat().st_size for path in recordings.glob("*.dat"))
    assert archive.stat().st_size < 0.1 * size
    assert main(command("decompress", tokenizer_folder, again, "--archive", str(archive))) == 0
    assert sorted(path.name for path in again.glob("*.hea")) == ["long.hea", "short.hea", "usual.hea"]
    for name, seconds in (("long", 25), ("usual", 10), ("short", 4)):
        one, other = (read_wfdb(folder / name) for folder in (recordings, again))
        assert one.signal.shape == other.signal.shape == (12, 100 * seconds)
        signals = [torch.from_numpy(independent_leads(part.signal, part.leads))[None] for part in (one, other)]
        assert float(prd(*signals)[0]) < 60
    assert main(["verify", str(again)]) == 0
    header = (again / "usual.hea").read_text()
    assert "not the recording itself" in header and "#Dx" not in header


def test_without_loss_every_sample_comes_back(
    recordings: Path, tokenizer_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder, archive, again = (tmp_path / name for name in ("all", "ecgs.vqe", "again"))
    shutil.copytree(recordings, folder)
    wave = 9 * np.sign(np.sin(np.arange(1000) / 3))[None] * np.ones((8, 1))
    write_record(folder, "odd", twelve_leads(wave), 100)  # like nothing that was learned
    write_record(folder, "fast", twelve_leads(wave), 500)
    with (folder / "labels.csv").open("a") as file:
        file.write("odd,NORM\nfast,NORM\n")
    more = ("--data", str(folder), "--compression.lossless")
    assert main(command("compress", tokenizer_folder, archive, *more)) == 0
    said = capsys.readouterr().out
    assert "4 recordings in" in said and "nothing lost" in said and "fast: recorded at 500 Hz" in said
    assert main(command("decompress", tokenizer_folder, again, "--archive", str(archive))) == 0
    for name in ("long", "usual", "short", "odd"):
        assert (again / f"{name}.dat").read_bytes() == (folder / f"{name}.dat").read_bytes()
    assert "without loss" in (again / "usual.hea").read_text()


def test_a_store_is_compressed_too_and_the_same_bytes_come_again(
    simulated_store: RecordStore, tokenizer_folder: Path, tmp_path: Path
):
    archives = [tmp_path / name for name in ("a.vqe", "b.vqe")]
    for path in archives:
        data = ("--data", str(simulated_store.folder), "--compression.beams", "1")
        assert main(command("compress", tokenizer_folder, path, *data)) == 0
    assert archives[0].read_bytes() == archives[1].read_bytes()


def test_what_cannot_be_is_refused_and_nothing_is_left(
    recordings: Path, tokenizer_folder: Path, tmp_path: Path, refused: Callable[..., str]
):
    data = ("--data", str(recordings))
    assert "must end in .vqe" in refused(*command("compress", tokenizer_folder, tmp_path / "ecgs.zip", *data))
    archive = tmp_path / "ecgs.vqe"
    assert main(command("compress", tokenizer_folder, archive, *data)) == 0
    assert "there already" in refused(*command("compress", tokenizer_folder, archive, *data))
    out, given = tmp_path / "again", ("--archive", str(archive))
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)
    assert "is damaged or missing" in refused(*command("decompress", tokenizer_folder, out, *given))
    assert not out.exists()
    archive.write_bytes(b"no archive")
    assert "no archive of `vqecg compress`" in refused(*command("decompress", tokenizer_folder, out, *given))
    assert "cannot be read" in refused(
        *command("decompress", tokenizer_folder, out, "--archive", str(tmp_path / "none.vqe"))
    )


def test_what_is_like_nothing_that_was_learned_is_left_out_by_name(
    recordings: Path,
    tokenizer_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    refused: Callable[..., str],
):
    folder, archive = tmp_path / "odd", tmp_path / "ecgs.vqe"
    shutil.copytree(recordings, folder)
    wave = 9 * np.sign(np.sin(np.arange(1000) / 3))[None] * np.ones((8, 1))
    write_record(folder, "odd", twelve_leads(wave), 100)
    with (folder / "labels.csv").open("a") as file:
        file.write("odd,NORM\n")
    assert main(command("compress", tokenizer_folder, archive, "--data", str(folder))) == 0
    said = capsys.readouterr().out
    assert "3 recordings in" in said and "1 left out:" in said and "odd: off by" in said
    more = ("--data", str(folder), "--compression.most", "0.001", "--overwrite")
    assert "could be compressed" in refused(*command("compress", tokenizer_folder, archive, *more))
    more = ("--data", str(folder), "--compression.seconds", "0.004", "--overwrite")
    assert "expected 8 to 1,048,576" in refused(*command("compress", tokenizer_folder, archive, *more))
    assert archive.is_file()


def test_names_that_files_cannot_have_are_changed_and_told_apart():
    names = set[str]()
    assert [file_name(one, names) for one in ("a/b", "a-b", "a b", "", "é" * 300)] == [
        "a-b",
        "a-b-2",
        "a-b-3",
        "record",
        "-" * 100,
    ]


def test_an_archive_of_another_tokenizer_is_refused(
    recordings: Path, tokenizer_folder: Path, tiny_tokenizer: ECGTokenizer, tmp_path: Path, refused: Callable[..., str]
):
    archive, other = tmp_path / "ecgs.vqe", tmp_path / "other"
    assert main(command("compress", tokenizer_folder, archive, "--data", str(recordings))) == 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        ECGTokenizer(tiny_tokenizer.config).save_pretrained(other)
    out = tmp_path / "again"
    assert "that it was compressed with" in refused(*command("decompress", other, out, "--archive", str(archive)))
    assert not out.exists()
