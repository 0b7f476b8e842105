"""The `base` preset's steps, with the `tiny` one on a processor."""

from pathlib import Path

import pytest

from benchmarks.gpu import base
from vqecg.records.datasets.registry import read_table
from vqecg.records.store.record_store import RecordStore

FOLDS = ("--train", "1", "2", "3", "4", "5", "6", "7", "8", "--validation", "9", "--test", "10")


@pytest.fixture(scope="module")
def base_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `base`, whose steps go on from each other."""
    return tmp_path_factory.mktemp("base") / "out"


@pytest.fixture(scope="module")
def base_words(simulated_store: RecordStore, base_out: Path) -> list[str]:
    """The command of `base` without its step, on a packed store."""
    file = base_out.with_name("store.tar.xz")
    assert base.main(["--store", str(simulated_store.folder), "--pack", str(file)]) == 0
    words = ["--store", str(file), "--out", str(base_out), "--preset", "tiny", "--steps", "2", "--records", "24"]
    return [*words, "--task", "superdiagnostic", "--neighbours", "2", *FOLDS]  # half of the test patients are five


@pytest.fixture(scope="module")
def base_statuses(base_words: list[str]) -> list[int]:
    """Exit statuses of the first steps, of which the first is stopped and given again."""
    stopped = base.main([*base_words, "--step", "tokenizer", "--minutes", "0.00001"])
    return [stopped, *(base.main([*base_words, "--step", step]) for step in ("tokenizer", "prior", "sample"))]


@pytest.mark.slow
def test_base_goes_on_where_its_minutes_ended(base_words: list[str], base_statuses: list[int], base_out: Path):
    assert base_statuses == [base.UNFINISHED, 0, 0, 0]
    assert read_table(base_out / "synthetic").records.shape[0] == 24
    finished = (base_out / "tokenizer" / "model.safetensors").stat().st_mtime_ns
    assert base.main([*base_words, "--step", "tokenizer"]) == 0
    assert (base_out / "tokenizer" / "model.safetensors").stat().st_mtime_ns == finished


@pytest.mark.slow
def test_base_assesses_what_it_made(base_words: list[str], base_statuses: list[int], base_out: Path):
    assert not any(base_statuses[1:])
    assert base.main([*base_words, "--step", "assess"]) == 0
    assert (base_out / "assessment" / "assessment.json").is_file()
