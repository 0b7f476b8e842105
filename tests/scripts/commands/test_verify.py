"""`vqecg verify` notices a flipped bit in any file, a missing file and one that does not belong there."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vqecg.prior.generator import ECGGenerator
from vqecg.records.export.dataset import write_dataset
from vqecg.records.files.checksums import SUMS_FILE
from vqecg.records.label_tables import statement_table
from vqecg.records.store.record_store import RecordStore
from vqecg.scripts.cli.main import main
from vqecg.tokenizer.encoding import CodeStore
from vqecg.tokenizer.modeling import ECGTokenizer

SETS = ("ptbxl", "npz")


@pytest.fixture(scope="module")
def outputs(
    simulated_store: RecordStore,
    tiny_tokenizer: ECGTokenizer,
    tiny_generator: ECGGenerator,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A folder with one of each: store, tokenizer, codes, generator and data sets; tests must not change it."""
    folder = tmp_path_factory.mktemp("outputs")
    shutil.copytree(simulated_store.folder, folder / "store")
    tiny_tokenizer.save_pretrained(folder / "tokenizer")
    tiny_generator.save_pretrained(folder / "generator")
    CodeStore.build(simulated_store, np.arange(4), folder / "tokenizer", folder / "codes", progress=False)
    rows = simulated_store.table.iloc[:3]
    manifest = rows[["record_id"]].assign(nearest_training_record=["1", "2", "3"])
    signals = simulated_store.signals(np.arange(3))
    for layout in SETS:
        write_dataset(folder / layout, signals, 100, rows, statement_table(), manifest, layout=layout)
    return folder


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def flip(path: Path, part: float) -> None:
    """Flips the lowest bit of one byte, at a share of the length."""
    data = bytearray(path.read_bytes())
    data[min(len(data) - 1, int(part * len(data)))] ^= 1
    path.write_bytes(bytes(data))


def test_what_is_whole_is_said_in_a_line_each(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(outputs)]) == 0
    printed = capsys.readouterr().out
    kinds = {line.split(f" {outputs}")[0] for line in printed.splitlines()}
    assert kinds == {"store", "codes", "model", "generator", "data set", "files"}
    assert "120 records, signals as built, files as written" in printed and "damaged" not in printed
    assert len(printed.splitlines()) == 6 + 2 + 2  # with tokenizer and prior of the generator, and private folders


@pytest.mark.bad_input("damaged stores")
@pytest.mark.parametrize("output", ["store", "codes", "tokenizer", "generator", *SETS])
def test_a_flipped_bit_in_any_file_is_noticed(
    outputs: Path, output: str, refused: Callable[..., str], tmp_path: Path
) -> None:
    names = [path.relative_to(outputs / output) for path in files(outputs / output)]
    assert len(names) >= 4
    for number, name in enumerate(names):
        folder = Path(shutil.copytree(outputs / output, tmp_path / str(number)))
        if not (folder / name).stat().st_size:
            continue
        for part in (0.0, 0.3, 0.999):
            before = (folder / name).read_bytes()
            flip(folder / name, part)
            message = refused("verify", folder)
            assert str(folder) in message and (name.name in message or name.name == SUMS_FILE), (name, part, message)
            assert message.count("\n") == 1
            (folder / name).write_bytes(before)


@pytest.mark.bad_input("damaged stores")
@pytest.mark.parametrize("output", ["store", "codes", "tokenizer", "generator", *SETS])
def test_a_missing_file_is_noticed(outputs: Path, output: str, refused: Callable[..., str], tmp_path: Path) -> None:
    names = [path.relative_to(outputs / output) for path in files(outputs / output) if path.name != SUMS_FILE]
    for number, name in enumerate(names):
        folder = Path(shutil.copytree(outputs / output, tmp_path / str(number)))
        (folder / name).unlink()
        assert str(folder / name) in refused("verify", folder)


@pytest.mark.bad_input("damaged stores")
@pytest.mark.parametrize("output", ["store", "codes", "generator", *SETS])
def test_a_file_that_does_not_belong_there_is_named(
    outputs: Path, output: str, refused: Callable[..., str], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(outputs / output, tmp_path / output))
    (folder / "more.txt").write_text("text")
    assert refused("verify", folder) == f"vqecg verify: {folder / 'more.txt'} is extra\n"


@pytest.mark.bad_input("damaged stores")
@pytest.mark.parametrize("sums", [b"", b"\xff\n", b"abc\n", b"0" * 64 + b"  ../../x\n", b"0" * 64 + b"  /x\n"])
def test_damaged_sums_are_noticed(outputs: Path, sums: bytes, refused: Callable[..., str], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(outputs / "store", tmp_path / "store"))
    (folder / SUMS_FILE).write_bytes(sums)
    refused("verify", folder)


def test_without_its_private_folder_a_data_set_is_whole(outputs: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(outputs / "ptbxl", tmp_path / "set"))
    shutil.rmtree(folder / "private")
    assert main(["verify", str(folder)]) == 0


def test_what_an_earlier_version_wrote_is_verified_as_far_as_it_goes(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[..., str]
) -> None:
    folder = Path(shutil.copytree(outputs / "store", tmp_path / "store"))
    (folder / SUMS_FILE).unlink()
    assert main(["verify", str(folder)]) == 0
    assert "signals as built, written without checksums, by an earlier version" in capsys.readouterr().out
    flip(folder / "signals.npy", 0.5)
    assert "signals.npy is damaged" in refused("verify", folder)


def test_nothing_to_verify_is_said(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "file").write_text(json.dumps({}))
    assert "holds nothing that can be verified" in refused("verify", tmp_path)
    assert "is no folder" in refused("verify", tmp_path / "file")
    assert "is no folder" in refused("verify", tmp_path / "absent")
